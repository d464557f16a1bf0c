"""Promises about quantities: what of a resource is priced, and how much of it. Prices are those of the catalog."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from cost.table import is_old
from terminal import InvalidInput
from tests.cost.plans import plan, resource

DAY = date(2026, 11, 22)


def priced(*steps: Any, given: Any = None, **config: str) -> cost.Estimate:
    return cost.estimate(plan(*steps, **config), usage.parse({"resource_usage": given or {}}), today=DAY)


def monthly(*steps: Any, **options: Any) -> Decimal:
    return priced(*steps, **options).totals.monthly_usd.base


def test_a_nat_gateway_costs_its_hours_and_what_passes_only_when_usage_says_so() -> None:
    gateway = resource("aws:ec2/natGateway:NatGateway", "way", subnetId="subnet-1")
    found = priced(gateway)
    assert found.totals.monthly_usd.base == Decimal("32.85")
    assert [(gap.item, gap.kind) for gap in found.unpriced] == [("Data processed", "usage")]
    assert monthly(gateway, given={"way": {"monthly_data_processed_gb": 100}}) == Decimal("37.35")


def test_gp3_pays_only_for_what_exceeds_the_included_performance() -> None:
    kind = "aws:ebs/volume:Volume"
    small = resource(kind, "v", availabilityZone="us-east-1a", type="gp3", size=100, iops=3000, throughput=125)
    large = resource(kind, "v", availabilityZone="us-east-1a", type="gp3", size=100, iops=4000, throughput=250)
    assert monthly(small) == Decimal(8)
    assert monthly(large) == Decimal(8) + Decimal("0.005") * 1000 + Decimal("0.04") * 125


def test_a_node_group_multiplies_everything_of_its_template_by_the_desired_size() -> None:
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        instanceType="p5.48xlarge",
        blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"volumeType": "gp3", "volumeSize": 200}}],
    )
    group = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "nodes",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
        scalingConfig={"desiredSize": 3, "minSize": 0, "maxSize": 5},
    )
    found = priced(template, group)
    assert found.totals.monthly_usd.base == 3 * (730 * Decimal("55.04") + 200 * Decimal("0.08"))
    assert [(entry.count, entry.minimum, entry.maximum) for entry in found.machines] == [(3, 0, 5)]
    assert "3 x p5.48xlarge (0 to 5)" in cost.report.render(found, "markdown")
    assert found.power.accelerators == 24


def test_a_capacity_block_shorter_than_a_month_costs_its_fee_and_names_it() -> None:
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        instanceType="p5en.48xlarge",
        instanceMarketOptions={"marketType": "capacity-block"},
        blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 8}}],
    )
    group = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "nodes",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": "lt-1"},
        capacityType="CAPACITY_BLOCK",
        scalingConfig={"desiredSize": 4},
        tags={"dc:pool": "h200"},
    )
    pools = '{"h200": {"purchase": {"model": "capacity-block", "days": 14}}}'
    found = priced(template, group, **{"ai-datacenter__pools": pools})
    fee = 4 * 14 * 24 * Decimal("54.92")
    assert found.totals.upfront_usd == fee
    line = next(line for line in found.lines if line.purchase == "capacity-block")
    assert line.monthly_usd.base == fee
    assert line.hourly_usd == 4 * Decimal("54.92")
    unknown = priced(template, group)
    assert ["length of the block" in gap.reason for gap in unknown.unpriced] == [True]


def test_spot_is_a_range_between_the_last_price_and_the_usual_saving() -> None:
    found = priced(resource("aws:ec2/spotInstanceRequest:SpotInstanceRequest", "s", instanceType="g6e.xlarge"))
    line = next(line for line in found.lines if line.purchase == "spot")
    assert line.monthly_usd.low <= line.monthly_usd.base <= line.monthly_usd.high
    assert any("Spot Advisor" in step for step in line.steps)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"instanceType": "p5e.48xlarge"}, "sold as a Capacity Block"),
        ({"instanceType": "nonsense.large"}, "not an instance type"),
        ({"instanceType": "m5.large", "tenancy": "dedicated"}, "with dedicated tenancy"),
    ],
)
def test_a_machine_without_a_price_says_why_and_is_not_zero(inputs: dict[str, str], reason: str) -> None:
    found = priced(resource("aws:ec2/instance:Instance", "m", **inputs))
    assert [reason in gap.reason for gap in found.unknown] == [True]
    assert all("Instance usage" not in line.item for line in found.lines)


def test_an_unknown_type_is_listed_and_a_free_one_is_counted() -> None:
    found = priced(resource("aws:made/up:Thing", "a"), resource("aws:iam/role:Role", "b"))
    assert [(gap.resource, gap.kind) for gap in found.unpriced] == [("a", "type")]
    assert found.free == 1


def test_an_input_known_only_after_creation_is_a_gap_with_its_name() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    found = priced(resource("aws:ebs/volume:Volume", "v", type="gp3", size=unknown))
    assert [(gap.kind, "size is known only after creation" in gap.reason) for gap in found.unpriced] == [
        ("input", True)
    ]


def test_a_version_past_standard_support_costs_extended_support_unless_it_is_forbidden() -> None:
    kind = "aws:eks/cluster:Cluster"
    assert monthly(resource(kind, "c", version="1.35")) == 73
    assert monthly(resource(kind, "c", version="1.32")) == 438
    assert monthly(resource(kind, "c", version="1.32", upgradePolicy={"supportType": "STANDARD"})) == 73


def test_the_region_is_that_of_the_resource_before_that_of_the_configuration() -> None:
    machine = {"instanceType": "g5.xlarge"}
    here = priced(resource("aws:ec2/instance:Instance", "m", **machine))
    there = priced(resource("aws:ec2/instance:Instance", "m", region="eu-west-1", **machine))
    assert {line.region for line in there.lines} <= {"eu-west-1"}
    usage_price = [line.unit_price for line in here.lines if line.item.startswith("Instance")]
    assert usage_price != [line.unit_price for line in there.lines if line.item.startswith("Instance")]


def test_a_region_without_prices_leaves_named_gaps_and_one_that_does_not_exist_is_refused_once() -> None:
    found = priced(resource("aws:ec2/natGateway:NatGateway", "n", region="mx-central-1"))
    assert not found.lines
    assert "mx-central-1" in found.unpriced[0].reason
    nowhere = [resource("aws:ec2/natGateway:NatGateway", name, region="mars-north-1") for name in ("a", "b")]
    with pytest.raises(InvalidInput) as raised:
        priced(*nowhere)
    assert len(raised.value.problems) == 1
    assert "no such region of aws" in raised.value.problems[0]


def test_tiers_fall_with_the_quantity() -> None:
    authority = resource("aws:acmpca/certificateAuthority:CertificateAuthority", "ca")
    found = monthly(authority, given={"ca": {"monthly_requests": 20001}})
    assert found == 400 + 750 + 3150 + Decimal("10.001")


def test_a_regional_gke_pool_has_machines_in_three_zones() -> None:
    cluster = resource("gcp:container/cluster:Cluster", "c", location="us-central1", removeDefaultNodePool=True)
    pool = resource(
        "gcp:container/nodePool:NodePool",
        "p",
        refers={"cluster": "c"},
        nodeCount=2,
        nodeConfig={"machineType": "e2-medium", "diskSizeGb": 10},
    )
    assert [entry.count for entry in priced(cluster, pool).machines] == [6]


def test_a_tpu_pool_is_priced_by_chip() -> None:
    pool = resource(
        "gcp:container/nodePool:NodePool",
        "tpu",
        location="us-central1-a",
        nodeCount=4,
        nodeConfig={"machineType": "ct5lp-hightpu-4t", "diskSizeGb": 10},
    )
    line = next(line for line in priced(pool).lines if "TPU" in line.item)
    assert line.quantity.base == 4 * 4 * 730
    assert line.unit_price == Decimal("1.2")


def test_a_full_month_of_n1_has_its_sustained_use_discount_and_says_so() -> None:
    machine = resource("gcp:compute/instance:Instance", "m", machineType="n1-standard-16", zone="us-central1-a")
    line = next(line for line in priced(machine).lines if line.item.startswith("Instance"))
    assert "30 % sustained-use discount" in line.basis


def test_discounts_of_the_stack_file_are_taken_off_and_named() -> None:
    machine = resource("aws:ec2/instance:Instance", "m", instanceType="m7i.xlarge")
    found = priced(machine, **{"ai-datacenter__discounts": '{"savings-plan": 25, "contract": 10}'})
    usage_line = next(line for line in found.lines if line.purchase)
    assert usage_line.unit_price == usage_line.list_price * Decimal("0.75")  # type: ignore[operator]
    assert usage_line.discount == "25 % off (savings-plan)"
    disk = next(line for line in found.lines if not line.purchase)
    assert disk.discount == "10 % off (contract)"


@pytest.mark.parametrize(
    ("priced_at", "old"),
    [("2026-11-01", False), ("2026-08-25", False), ("2026-08-23", True), ("2025-12", True), ("2026", False)],
)
def test_a_price_is_old_after_90_days_and_a_month_or_a_year_counts_from_its_end(priced_at: str, old: bool) -> None:
    line = replace(priced(resource("aws:ec2/natGateway:NatGateway", "way")).lines[0], priced_at=priced_at)
    assert is_old(line, DAY.isoformat()) == old


@pytest.mark.parametrize(
    "kind",
    [
        "apps/v1:Deployment", "rbac.authorization.k8s.io/v1:Role", "jobset.x-k8s.io/v1alpha2:JobSet",
        "kueue.x-k8s.io/v1beta1:LocalQueue", "secrets-store.csi.x-k8s.io/v1:SecretProviderClass",
        "networking.gke.io/v1:Network",
    ],
)  # fmt: skip
def test_built_in_objects_and_those_of_our_own_components_are_free(kind: str) -> None:
    found = priced(resource(f"kubernetes:{kind}", "o"))
    assert (found.free, found.unpriced) == (1, ())


@pytest.mark.parametrize("kind", ["karpenter.sh/v1:NodePool", "rds.services.k8s.aws/v1alpha1:DBInstance"])
def test_a_custom_resource_that_may_make_something_is_named_as_not_priced(kind: str) -> None:
    found = priced(resource(f"kubernetes:{kind}", "o"))
    assert [(gap.kind, "custom resource" in gap.reason) for gap in found.unknown] == [("type", True)]
    assert found.free == 0


def test_the_volumes_of_a_stateful_set_are_named_for_each_replica() -> None:
    claim = {"spec": {"storageClassName": "gp3", "resources": {"requests": {"storage": "1Ti"}}}}
    stateful = resource("kubernetes:apps/v1:StatefulSet", "s", spec={"replicas": 3, "volumeClaimTemplates": [claim]})
    assert [(gap.item, "gp3" in gap.reason) for gap in priced(stateful).unknown] == [("3 volumes of 1Ti", True)]
    assert priced(resource("kubernetes:apps/v1:StatefulSet", "s", spec={"replicas": 3})).free == 1


def test_what_is_read_and_not_managed_is_not_priced_but_may_be_referred_to() -> None:
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", "lt", instanceType="m7i.large")
    theirs = resource("aws:ec2/instance:Instance", "theirs", instanceType="p5.48xlarge")
    group = resource(
        "aws:autoscaling/group:Group", "ours", refers={"launchTemplate": "lt"}, desiredCapacity=1, launchTemplate={}
    )
    for step in (template, theirs):
        step["op"] = "read"
    found = priced(template, theirs, group)
    assert {line.resource for line in found.lines} == {"ours"}
    assert [entry.instance_type for entry in found.machines] == ["m7i.large"]
    assert (found.resources, found.power.accelerators) == (1, 0)
