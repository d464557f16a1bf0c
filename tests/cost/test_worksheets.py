"""Worksheets worked out by hand: each line of a stack with its arithmetic, held to the cent.

A worksheet is a CSV of resource, item, arithmetic and US dollars a month. The arithmetic names count, hours or GB, and
the price of the catalog. When a stack or a price changes on purpose, work the line out again and correct the sheet.
"""

from __future__ import annotations

import ast
import csv
import operator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cost
from cost import usage
from plan import Plan, offline
from plan.config import stack_names
from tests.cost.plans import plan, resource

SHEETS = Path(__file__).parent / "worksheets"
DAY = date(2026, 11, 22)
CENT = Decimal("0.01")


def h200_block_with_lustre() -> Plan:
    """Two weeks of eight p5en nodes in a Capacity Block, and 9.6 TiB of Lustre."""
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        instanceType="p5en.48xlarge",
        instanceMarketOptions={"marketType": "capacity-block"},
        blockDeviceMappings=[
            {"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 500, "iops": 6000}}
        ],
    )
    nodes = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "nodes",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": "lt-1"},
        capacityType="CAPACITY_BLOCK",
        scalingConfig={"desiredSize": 8},
        tags={"dc:pool": "h200"},
    )
    lustre = resource(
        "aws:fsx/lustreFileSystem:LustreFileSystem",
        "fs",
        deploymentType="PERSISTENT_2",
        storageCapacity=9600,
        perUnitStorageThroughput=125,
    )
    pools = '{"h200": {"purchase": {"model": "capacity-block", "days": 14}}}'
    return plan(resource("aws:eks/cluster:Cluster", "eks"), template, nodes, lustre, **{"ai-datacenter__pools": pools})


def trainium_on_demand() -> Plan:
    """Four trn1.32xlarge on demand behind a NAT gateway, with a scratch file system."""
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        instanceType="trn1.32xlarge",
        monitoring={"enabled": True},
        blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 200}}],
    )
    nodes = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "nodes",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": "lt-1"},
        scalingConfig={"desiredSize": 4},
    )
    return plan(
        resource("aws:eks/cluster:Cluster", "eks", version="1.35"),
        template,
        nodes,
        resource("aws:fsx/lustreFileSystem:LustreFileSystem", "fs", deploymentType="SCRATCH_2", storageCapacity=2400),
        resource("aws:ec2/natGateway:NatGateway", "nat"),
        resource("aws:ec2/eip:Eip", "address", domain="vpc"),
    )


def gke_tpu() -> Plan:
    """A 4x4 slice of TPU v5e on GKE beside three machines for services."""
    cluster = resource("gcp:container/cluster:Cluster", "gke", location="us-central1-a", removeDefaultNodePool=True)
    tpu = resource(
        "gcp:container/nodePool:NodePool",
        "tpu",
        refers={"cluster": "gke"},
        placementPolicy={"type": "COMPACT", "tpuTopology": "4x4"},
        nodeConfig={"machineType": "ct5lp-hightpu-4t", "diskSizeGb": 100, "diskType": "pd-balanced"},
    )
    services = resource(
        "gcp:container/nodePool:NodePool",
        "services",
        refers={"cluster": "gke"},
        nodeCount=3,
        nodeConfig={"machineType": "n2-standard-8", "diskSizeGb": 50, "diskType": "pd-ssd"},
    )
    return plan(cluster, tpu, services)


BUILT = {"h200-block-with-lustre": h200_block_with_lustre, "trainium-on-demand": trainium_on_demand, "gke-tpu": gke_tpu}
OPERATIONS: dict[type[ast.operator], Any] = {ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub}


def worked_out(text: str) -> Decimal:
    """The value of an arithmetic of numbers, +, - and *."""

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.BinOp):
            return OPERATIONS[type(node.op)](value(node.left), value(node.right))
        segment = ast.get_source_segment(text, node)
        assert isinstance(node, ast.Constant), f"{segment}: not a number"
        return Decimal(segment or "")

    return value(ast.parse(text, mode="eval").body)


def sheet(name: str) -> dict[tuple[str, str], tuple[str, Decimal]]:
    with (SHEETS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["resource"], row["item"]): (row["arithmetic"], Decimal(row["usd"])) for row in csv.DictReader(file)
        }


@pytest.mark.parametrize("name", [*sorted(stack_names(offline.ROOT)), *BUILT])
def test_an_estimate_equals_its_worksheet_to_the_cent(name: str) -> None:
    assert (SHEETS / f"{name}.csv").is_file(), f"work out tests/cost/worksheets/{name}.csv by hand"
    wanted = sheet(name)
    for key, (arithmetic, usd) in wanted.items():
        assert worked_out(arithmetic).quantize(CENT) == usd, f"{key}: {arithmetic} is not {usd}"
    if name in BUILT:
        found = cost.estimate(BUILT[name](), usage.Usage(), today=DAY)
    else:
        found = cost.estimate(offline.run(name), usage.of_stack(name), today=DAY)
    lines = {(line.resource, line.item): line.monthly_usd.base.quantize(CENT) for line in found.lines}
    assert lines == {key: usd for key, (_, usd) in wanted.items()}
    exact = sum((worked_out(arithmetic) for arithmetic, _ in wanted.values()), Decimal(0))
    assert found.totals.monthly_usd.base.quantize(CENT) == exact.quantize(CENT)
