"""What the network lets through, and that it can grow."""

from __future__ import annotations

from typing import Any

import pytest

from plan import Plan
from tests.stacks.support import REMOVED, changed, plan_of, planned

ALONE = {
    "pools": {}, "benchmark": REMOVED, "training": REMOVED, "file-system": REMOVED, "system-pools/bench/zones": REMOVED,
}  # fmt: skip
"""A stack that is little more than its network."""


def network(**changes: Any) -> Plan:
    return plan_of(changed({**ALONE, **{f"network/{key.replace('_', '-')}": value for key, value in changes.items()}}))


def test_adding_a_zone_changes_nothing_of_the_zones_there_are() -> None:
    before = network(zones=["us-east-1a", "us-east-1b"])
    after = {resource.urn: resource for resource in network(zones=["us-east-1a", "us-east-1b", "us-east-1d"])}
    for resource in before:
        assert resource.urn in after, f"{resource.name} would be deleted"
        same = dict(after[resource.urn].inputs) == dict(resource.inputs)
        grown = resource.type in {"aws:ec2/vpcEndpoint:VpcEndpoint", "aws:eks/nodeGroup:NodeGroup"}
        assert same or grown, f"{resource.name} would change"


def test_reordering_zones_moves_only_the_single_way_out() -> None:
    before = network(zones=["us-east-1a", "us-east-1b"])
    after = {resource.urn: resource for resource in network(zones=["us-east-1b", "us-east-1a"])}
    moved = {resource.name for resource in before if resource.urn not in after}
    assert moved == {"network-us-east-1a-nat", "network-us-east-1a-nat-address"}


CLOSED = {
    "training": {},
    "network/interface-endpoints": ["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sts"],
}
"""What a stack needs to do without a way out, beyond being little more than its network."""


@pytest.mark.parametrize(("mode", "gateways"), [("none", 0), ("single", 1), ("per-zone", 3)])
def test_there_are_as_many_ways_out_as_asked_for(mode: str, gateways: int) -> None:
    zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    plan = plan_of(changed({"network/nat": mode, "network/zones": zones, **ALONE, **CLOSED}))
    assert len(plan.of_type("aws:ec2/natGateway:NatGateway")) == gateways
    out = [route for route in plan.of_type("aws:ec2/route:Route") if "natGatewayId" in route.inputs]
    assert len(out) == (3 if gateways else 0)
    assert len(plan.of_type("aws:ec2/internetGateway:InternetGateway")) == bool(gateways)


def test_a_zone_leaves_through_its_own_gateway_where_every_zone_has_one() -> None:
    plan = network(nat="per-zone", zones=["us-east-1a", "us-east-1b"])
    for route in plan.of_type("aws:ec2/route:Route"):
        for gateway in plan.referred(route, "natGatewayId"):
            zone = route.name.removeprefix("network-").removesuffix("-out")
            assert zone in gateway.name


def test_no_machine_gets_a_public_address() -> None:
    subnets = planned("local").of_type("aws:ec2/subnet:Subnet")
    assert len(subnets) == 6
    assert all(subnet.inputs["mapPublicIpOnLaunch"] is False for subnet in subnets)


def test_traffic_to_s3_never_crosses_a_nat_gateway() -> None:
    plan = planned("local")
    (endpoint,) = plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    tables = {table.name for table in plan.referred(endpoint, "routeTableIds")}
    assert tables == {"network-intra", "network-us-east-1a-private", "network-us-east-1b-private"}


def test_the_control_plane_sits_where_no_road_leads_out() -> None:
    plan = planned("local")
    (cluster,) = plan.of_type("aws:eks/cluster:Cluster")
    subnets = {subnet.name for subnet in plan.referred(cluster, "vpcConfig") if subnet.type.endswith(":Subnet")}
    assert subnets == {"network-us-east-1a-intra-subnet", "network-us-east-1b-intra-subnet"}
    intra = {table.urn for table in plan.of_type("aws:ec2/routeTable:RouteTable") if table.name == "network-intra"}
    for route in plan.of_type("aws:ec2/route:Route"):
        assert not intra & set(route.dependencies)


def test_the_default_group_is_adopted_without_rules_and_traffic_is_logged() -> None:
    plan = planned("local")
    (group,) = plan.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not {"ingress", "egress"} & set(group.inputs)
    (log,) = plan.of_type("aws:ec2/flowLog:FlowLog")
    assert log.inputs["trafficType"] == "ALL"


def test_nothing_is_open_to_the_world() -> None:
    for stack in ("local", "dev", "prod-h200"):
        for rule in planned(stack):
            if "securityGroup" in rule.type:
                assert "0.0.0.0/0" not in str(rule.inputs), rule.name
                assert "::/0" not in str(rule.inputs), rule.name


def test_interface_endpoints_take_https_from_the_vpc_only() -> None:
    plan = planned("prod-h200")
    endpoints = [
        e for e in plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint") if e.inputs["vpcEndpointType"] == "Interface"
    ]
    assert {endpoint.inputs["serviceName"].split(".", 3)[3] for endpoint in endpoints} == {
        "ecr.api", "ecr.dkr", "logs", "sts",
    }  # fmt: skip
    (rule,) = [r for r in plan if r.name == "network-endpoints-https"]
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    assert rule.inputs["cidrIpv4"] == "10.40.0.0/16"


def test_a_nat_gateway_waits_for_the_way_to_the_internet() -> None:
    """EC2 refuses to make one before; undoing in the reverse order is demanded as well."""
    plan = planned("local")
    (nat,) = plan.of_type("aws:ec2/natGateway:NatGateway")
    (gateway,) = plan.of_type("aws:ec2/internetGateway:InternetGateway")
    assert gateway.urn in closure(plan, nat.urn)


def closure(plan: Plan, urn: str) -> set[str]:
    """Everything a resource depends on, directly or not."""
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        for needed in plan.by_urn[waiting.pop()].dependencies:
            if needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found
