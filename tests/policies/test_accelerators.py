"""Accelerators: how many a stack may have, how they are bought, where they stand."""

from __future__ import annotations

from typing import Any

import pytest

from policies.examples import Thing
from policies.examples.aws import NODES, P5EN, SUBNET, TEMPLATE, efa, interface
from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.model import UNKNOWN
from tests.policies.test_kinds import checks, outcome
from tests.policies.test_reach import CLUSTER, KARPENTER, MACHINE, POOL, SCALING, doubts
from tests.policies.test_rules import built


def count(things: list[Thing], most: int) -> str:
    """What the cap says of a stack: fail, pass or cannot tell."""
    rule = "accelerator-count-cap"
    pack = Pack(ALL, parameters={rule: {"max-accelerators": most}})
    said = pack.stack(built(things))
    if any(entry.rule.id == rule for entry in said.findings):
        return "fail"
    return "cannot tell" if any(entry.rule.id == rule for entry in said.doubts) else "pass"


H100 = {"machineType": "a3-highgpu-8g"}


@pytest.mark.parametrize(
    ("things", "accelerators"),
    [
        ([Thing(MACHINE, inputs={"instanceType": "p5.48xlarge"})], 8),
        ([Thing(NODES, inputs={"instanceTypes": ["p5.48xlarge", "g6e.xlarge"], "scalingConfig": {"maxSize": 3}})], 24),
        (
            [
                Thing(
                    SCALING,
                    inputs={
                        "maxSize": 4,
                        "mixedInstancesPolicy": {
                            "launchTemplate": {
                                "overrides": [{"instanceType": "m7i.large"}, {"instanceType": "p5.48xlarge"}]
                            }
                        },
                    },
                )
            ],
            32,
        ),
        (
            [
                Thing(TEMPLATE, "t", {"instanceRequirements": {"allowedInstanceTypes": ["p5.*"]}}),
                Thing(NODES, "n", {"scalingConfig": {"maxSize": 2}}, {"launchTemplate": ["t"]}),
            ],
            16,
        ),
        ([Thing(POOL, inputs={"location": "us-central1-a", "nodeCount": 2, "nodeConfig": H100})], 16),
        ([Thing(POOL, inputs={"location": "us-central1", "nodeCount": 2, "nodeConfig": H100})], 48),
        ([Thing(POOL, inputs={"location": "us-central1-a", "initialNodeCount": 2, "nodeConfig": H100})], 16),
        (
            [
                Thing("aws:ec2/launchConfiguration:LaunchConfiguration", "c", {"instanceType": "p5.48xlarge"}),
                Thing(SCALING, "g", {"maxSize": 2}, {"launchConfiguration": ["c"]}),
            ],
            16,
        ),
        ([Thing(POOL, inputs={"location": "us-central1-a", "nodeConfig": H100})], 24),
        (
            [
                Thing(
                    POOL,
                    inputs={
                        "location": "us-central1-a",
                        "nodeConfig": {"machineType": "ct6e-standard-4t"},
                        "placementPolicy": {"tpuTopology": "4x4"},
                    },
                )
            ],
            16,
        ),
        (
            [
                Thing(CLUSTER, "c", {"location": "us-central1", "nodeLocations": ["us-central1-a"]}),
                Thing(POOL, "p", {"nodeCount": 2, "nodeConfig": H100}, {"cluster": ["c"]}),
            ],
            16,
        ),
        ([Thing(CLUSTER, inputs={"location": "us-central1-a", "initialNodeCount": 1, "nodeConfig": H100})], 8),
        (
            [Thing(CLUSTER, inputs={"location": "us-central1-a", "nodePools": [{"nodeCount": 3, "nodeConfig": H100}]})],
            24,
        ),
    ],
)
def test_every_way_to_buy_accelerators_counts(things: list[Thing], accelerators: int) -> None:
    assert (count(things, accelerators - 1), count(things, accelerators)) == ("fail", "pass")


def test_accelerators_of_a_type_or_a_number_that_nobody_knows_are_not_none() -> None:
    unknown = Thing(NODES, "n", {"instanceTypes": ["p99.48xlarge"], "scalingConfig": {"maxSize": 1}})
    assert count([unknown], 1000) == "cannot tell"
    assert count([unknown, Thing(MACHINE, inputs={"instanceType": "p5.48xlarge"})], 4) == "fail"
    foreign = Thing(NODES, "n", {"launchTemplate": {"id": "lt-1"}, "scalingConfig": {"maxSize": 1}})
    assert count([foreign], 1000) == "cannot tell"


def karpenter(*requirements: dict[str, Any]) -> list[Thing]:
    template = {"spec": {"requirements": list(requirements)}}
    spec = {"limits": {"cpu": 100}, "disruption": {"budgets": [{"nodes": "10%"}]}, "template": template}
    return [Thing(KARPENTER, inputs={"spec": spec})]


def need(label: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": f"karpenter.k8s.aws/{label}", "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("requirements", "may"),
    [
        ([], True),
        ([need("instance-category", "In", "p", "g")], True),
        ([need("instance-category", "In", "c", "m", "r")], False),
        ([need("instance-category", "NotIn", "p")], True),
        ([need("instance-family", "In", "m7i")], False),
        ([need("instance-family", "NotIn", "p5", "g5")], True),
        ([need("instance-gpu-count", "DoesNotExist")], False),
        ([need("instance-gpu-count", "Exists")], True),
        ([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]}], True),
        ([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7i.large"]}], False),
    ],
)
def test_a_pool_that_may_start_accelerators_limits_them(requirements: list[dict[str, Any]], may: bool) -> None:
    assert ("accelerator" in checks("karpenter-nodepool-limits", karpenter(*requirements))) is may


@pytest.mark.parametrize("kind", ["p99.48xlarge", "dl1.24xlarge"])
def test_efa_of_a_type_that_no_table_describes_cannot_be_told(kind: str) -> None:
    things = [Thing(TEMPLATE, inputs=efa(kind, interface(0, 0, "efa")))]
    assert checks("efa-instance-supported", things) == set()
    assert doubts("efa-instance-supported", things) == [f"{kind} has no known number of EFA interfaces"]


def zones(*subnets: dict[str, str], **inputs: Any) -> list[Thing]:
    named = [Thing(SUBNET, f"s{number}", subnet) for number, subnet in enumerate(subnets)]
    refers = {"launchTemplate": ["t"], "vpcZoneIdentifiers": [subnet.name for subnet in named]}
    group = Thing(SCALING, "g", inputs, refers)
    return [group, Thing(TEMPLATE, "t", efa("p5en.48xlarge", *P5EN)), *named]


def test_zones_are_compared_by_name_or_by_id_and_never_one_with_the_other() -> None:
    rule = "efa-single-az"
    assert checks(rule, zones({"availabilityZone": "us-east-1a"}, {"availabilityZone": "us-east-1b"})) == {rule}
    mixed = zones({"availabilityZone": "us-east-1a"}, {"availabilityZoneId": "use1-az1"})
    assert checks(rule, mixed) == set()
    assert len(doubts(rule, mixed)) == 1
    assert checks(rule, zones(availabilityZones=["us-east-1a", "us-east-1b"])) == {rule}


def test_a_known_part_above_the_cap_is_enough() -> None:
    several = {"instanceTypes": ["p5.48xlarge", UNKNOWN], "scalingConfig": {"maxSize": 10}}
    assert count([Thing(NODES, "n", several)], 79) == "fail"
    assert count([Thing(NODES, "n", several)], 80) == "cannot tell"


def test_capacity_blocks_are_sold_of_accelerator_machines_only() -> None:
    market = {"marketType": "capacity-block"}
    for kind, expected in (("m5.large", {"capacity-type-supported"}), ("p5.48xlarge", set())):
        things = [Thing(TEMPLATE, inputs={"instanceType": kind, "instanceMarketOptions": market})]
        assert checks("capacity-type-supported", things) == expected


def test_a_group_of_a_capacity_block_without_a_subnet_is_said_to_have_none() -> None:
    things = [Thing(NODES, "n", {"capacityType": "CAPACITY_BLOCK", "subnetIds": [], "instanceTypes": ["p5.48xlarge"]})]
    said = [entry.message for entry in outcome(things).findings if entry.rule.id == "capacity-block-launch-template"]
    assert "it has no subnet; a block lies in one zone." in said
