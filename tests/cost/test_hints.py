"""Promises about hints: each names its saving where the plan and the usage tell it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from tests.cost.plans import plan, resource


def hints(*steps: Any, given: Any = None) -> dict[str, cost.Hint]:
    found = cost.estimate(plan(*steps), usage.parse({"resource_usage": given or {}}))
    return {hint.rule: hint for hint in found.hints}


NAT = resource("aws:ec2/natGateway:NatGateway", "way")
GATEWAY = resource("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", serviceName="com.amazonaws.us-east-1.s3")


def test_nat_traffic_without_an_s3_endpoint_names_what_its_data_costs() -> None:
    used = {"way": {"monthly_data_processed_gb": 1000}}
    assert hints(NAT, given=used)["nat-without-s3-endpoint"].monthly_usd == Decimal(45)
    assert "nat-without-s3-endpoint" not in hints(NAT, GATEWAY, given=used)


def test_gp2_names_the_difference_to_gp3() -> None:
    old, new = (resource("aws:ebs/volume:Volume", "v", type=kind, size=1000) for kind in ("gp2", "gp3"))
    assert hints(old)["gp2"].monthly_usd == Decimal(20)
    assert "gp2" not in hints(new)


def test_on_demand_names_what_a_capacity_block_saves() -> None:
    saved = hints(resource("aws:ec2/instance:Instance", "gpu", instanceType="p5.48xlarge"))["block-cheaper"]
    assert saved.monthly_usd == ((Decimal("55.04") - Decimal("41.528")) * 730).quantize(Decimal("0.01"))
    assert "block-cheaper" not in hints(resource("aws:ec2/instance:Instance", "web", instanceType="m7i.large"))


def test_an_address_that_nothing_uses_costs_all_it_costs() -> None:
    address = resource("aws:ec2/eip:Eip", "a", domain="vpc")
    user = resource("aws:ec2/natGateway:NatGateway", "way", refers={"allocationId": "a"})
    assert hints(address)["idle-address"].monthly_usd == Decimal("3.65")
    assert "idle-address" not in hints(address, user, GATEWAY)
    google = resource("gcp:compute/address:Address", "g", region="us-central1")
    assert hints(google)["idle-address"].monthly_usd == Decimal("7.30")


@pytest.mark.parametrize(
    ("stored", "saved"), [(2000, Decimal(9600 - 4800) * Decimal("0.145")), (9000, None), (None, None)]
)
def test_a_file_system_that_is_mostly_empty_names_the_size_that_would_do(stored: int | None, saved: Any) -> None:
    system = resource(
        "aws:fsx/lustreFileSystem:LustreFileSystem",
        "fs",
        deploymentType="PERSISTENT_2",
        storageCapacity=9600,
        perUnitStorageThroughput=125,
        dataCompressionType="LZ4",
    )
    found = hints(system, given={"fs": {"storage_used_gb": stored}} if stored else None)
    assert (found["oversized-file-system"].monthly_usd if saved else found.get("oversized-file-system")) == saved


def test_traffic_between_the_zones_of_a_pool_is_priced_and_named() -> None:
    def group(*subnets: str) -> Any:
        return resource(
            "aws:eks/nodeGroup:NodeGroup",
            "gpu",
            instanceTypes=["p5.48xlarge"],
            scalingConfig={"desiredSize": 2},
            subnetIds=list(subnets),
        )

    used = {"gpu": {"monthly_inter_az_gb": 5000}}
    assert hints(group("a", "b"), given=used)["cross-zone-pool"].monthly_usd == Decimal(100)
    assert "20 USD a TB" in hints(group("a", "b"))["cross-zone-pool"].message
    assert "cross-zone-pool" not in hints(group("a"), given=used)
    lines = cost.estimate(plan(group("a", "b")), usage.parse({"resource_usage": used})).lines
    assert [line.monthly_usd.base for line in lines if line.item == "Data transfer between zones"] == [100]
