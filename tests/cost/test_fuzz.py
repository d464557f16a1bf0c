"""Promises that hold for every plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import cost
from cost import registry, usage
from cost.document import money
from cost.model import SMALLEST
from plan import Resource, document
from terminal import UserError
from tests.cost.plans import plan, preview, resource

KEYS = (
    "instanceType", "size", "type", "engine", "instanceClass", "allocatedStorage", "storageCapacity", "nodeConfig",
    "scalingConfig", "location", "region", "zone", "machineType", "subnetIds", "rules", "protocols", "tags",
    "desiredCapacity", "memorySize", "architectures", "vpcEndpointType", "blockDeviceMappings", "tier", "replicas",
    "settings", "clusters", "template", "shardCount", "brokerNodeGroupInfo", "edition", "config", "engineVersion",
    "numberOfWorkers", "workerType", "nodeType", "numberOfNodes", "streamModeDetails", "containers", "resources",
    "limits", "cpu", "memory", "specificReservation", "fileShares", "autoscaling", "reservationAffinity", "name",
    "placementPolicy", "machineConfig", "cpuCount", "rotationPeriod", "nodeTypeConfigs", "subnetMappings", "iops",
)  # fmt: skip
TYPES = [*registry.types(), *sorted(registry.free_types())[:5], "aws:made/up:Thing", "kubernetes:core/v1:Service", "x"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 10**6),
    st.floats(0, 1e6, allow_nan=False),
    st.sampled_from(
        ["gp3", "t3.medium", "us-east-1", "us-central1-a", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "", "0"]
    ),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)), max_size=5)
)
def test_any_plan_is_priced_or_refused_with_a_message_and_the_total_is_the_sum(entries: list[Any]) -> None:
    steps = [resource(kind, f"r{number}", **inputs) for number, (kind, inputs) in enumerate(entries)]
    try:
        found = cost.estimate(document.load(preview(*steps)), usage.Usage(assume=True))
    except UserError as error:
        assert all(problem.strip() for problem in error.problems)
        return
    totals = found.totals
    for level in range(3):
        assert totals.monthly_usd[level] == sum((line.monthly_usd[level] for line in found.lines), Decimal(0))
    for line in found.lines:
        assert line.monthly_usd.low <= line.monthly_usd.base <= line.monthly_usd.high
        assert line.monthly_usd.base >= 0
        assert line.source
        assert line.priced_at
        assert abs(line.monthly_usd.base - line.quantity.base * line.unit_price) <= SMALLEST
    assert cost.report.render(found, "json")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["m7i.xlarge", "p5.48xlarge", "g6e.xlarge"]))
def test_more_nodes_never_cost_less(fewer: int, more: int, kind: str) -> None:
    fewer, more = sorted((fewer, more))

    def monthly(nodes: int) -> Decimal:
        group = resource(
            "aws:eks/nodeGroup:NodeGroup", "n", instanceTypes=[kind], scalingConfig={"desiredSize": nodes, "minSize": 0}
        )
        return cost.estimate(plan(group)).totals.monthly_usd.base

    assert monthly(fewer) <= monthly(more)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 730), st.integers(1, 730))
def test_more_hours_never_cost_less(fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))

    def monthly(hours: int) -> Decimal:
        machine = resource("gcp:compute/instance:Instance", "m", machineType="n1-standard-4", zone="us-central1-a")
        used = usage.parse({"resource_usage": {"m": {"monthly_hrs": hours}}})
        return cost.estimate(plan(machine), used).totals.monthly_usd.base

    # The sustained-use discount is rounded to a per cent, as Google states it.
    assert monthly(fewer) <= monthly(more) * Decimal("1.01")


def test_every_price_of_the_catalog_is_in_us_dollars() -> None:
    found = cost.estimate(
        plan(resource("aws:ec2/instance:Instance", "m", instanceType="m7i.xlarge", region="cn-north-1"))
    )
    assert not [line for line in found.lines if line.item.startswith("Instance")]


@given(st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=6))
def test_money_survives_its_text(value: Decimal) -> None:
    assert Decimal(money(value)) == value


class Every(dict[str, Any]):
    """A usage that holds one number under every key but those that are words or that lower the cost."""

    NOT_AMOUNTS = frozenset({
        "operating_system", "reserved_instance_term", "reserved_instance_payment_option", "reserved_instance_type",
        "instance_tier", "api_throughput_limit", "endpoint_type", "architecture", "machine_type", "tier",
        "dx_connection_type", "dx_virtual_interface_type", "compression_savings_percent",
        "concurrent_requests_per_instance", "storage_gb", "monthly_storage_gb", "monthly_standard_storage_gb",
        "monthly_snapshot_gb",
    })  # fmt: skip

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def __contains__(self, key: object) -> bool:
        return key not in self.NOT_AMOUNTS

    def __getitem__(self, key: str) -> int:
        return self.number


class Used(usage.Usage):
    """Gives every resource that usage."""

    def of(self, resource: Resource) -> usage.ResourceUsage:
        return usage.ResourceUsage(Every(int(self.origin)), {}, resource.name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(registry.types()), st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_usage_never_costs_less(kind: str, less: int, more: int) -> None:
    less, more = sorted((less, more))

    def monthly(number: int) -> Decimal:
        return cost.estimate(plan(resource(kind, "it")), Used(origin=str(number))).totals.monthly_usd.base

    # Google rounds its sustained-use discount to a per cent.
    assert monthly(less) <= monthly(more) * Decimal("1.01")
