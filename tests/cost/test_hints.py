"""Promises about hints: each names its saving where the plan and the usage tell it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from tests.cost.plans import plan, resource, urn


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


def subnet(name: str, zone: str, network: str = "vpc-a") -> Any:
    return resource("aws:ec2/subnet:Subnet", name, availabilityZone=zone, vpcId=network)


def test_an_s3_endpoint_of_another_network_does_not_serve_a_gateway() -> None:
    gateway = resource("aws:ec2/natGateway:NatGateway", "way", refers={"subnetId": "public"})

    def endpoint(network: str) -> Any:
        service = "com.amazonaws.us-east-1.s3"
        return resource("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", serviceName=service, vpcId=network)

    public = subnet("public", "us-east-1a")
    assert "nat-without-s3-endpoint" in hints(gateway, public, endpoint("vpc-b"))
    assert "nat-without-s3-endpoint" not in hints(gateway, public, endpoint("vpc-a"))


def test_subnets_of_one_zone_are_no_spread() -> None:
    def spread(*zones: str) -> dict[str, cost.Hint]:
        group = resource(
            "aws:eks/nodeGroup:NodeGroup", "gpu", instanceTypes=["p5.48xlarge"], scalingConfig={"desiredSize": 2},
            subnetIds=["04da6b54-80e4-46f7-96ec-b56ff0331ba9"] * len(zones),
        )  # fmt: skip
        names = [f"s{number}" for number in range(len(zones))]
        group["newState"]["propertyDependencies"] = {"subnetIds": [urn(name) for name in names]}
        return hints(group, *(subnet(name, zone) for name, zone in zip(names, zones, strict=True)))

    assert "cross-zone-pool" not in spread("us-east-1a", "us-east-1a")
    assert "2 zones" in spread("us-east-1a", "us-east-1a", "us-east-1b")["cross-zone-pool"].message
