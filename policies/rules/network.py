"""Networks: what is reachable from where, and what leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import machine
from .model import CannotTell, Parameters, Resource, Stack, Violation, relation_rule, resource_rule

VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
SUBNET = "aws:ec2/subnet:Subnet"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
RULES = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
)


@relation_rule(
    id="vpc-default-sg-closed",
    title="The default security group is empty",
    severity="medium",
    level="advisory",
    types=[VPC],
    fix="add an aws.ec2.DefaultSecurityGroup without rules for the VPC.",
    references=["CKV2_AWS_12", "CIS AWS 5.4", "CIS AWS 5.5", "FSBP EC2.2", "NIST 800-53 SC-7"],
)
def default_sg_closed(vpc: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """What names no group gets the default one, which lets its members speak with each other."""
    groups = stack.referring(vpc, "vpcId", DEFAULT_GROUP)
    if not groups:
        yield Violation("its default security group is not managed.")
    for group in groups:
        if group.all("ingress") or group.all("egress") or stack.referring(group, "securityGroupId", *RULES):
            yield Violation("its default security group has rules.")


@relation_rule(
    id="vpc-flow-logs",
    title="Every network keeps flow logs",
    severity="medium",
    level="advisory",
    types=[VPC],
    fix="add an aws.ec2.FlowLog for the VPC.",
    references=["CKV2_AWS_11", "CIS AWS 3.7", "FSBP EC2.6", "NIST 800-53 AU-12"],
)
def vpc_flow_logs(vpc: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Without flow logs nobody can say afterwards who spoke with whom."""
    if not stack.referring(vpc, "vpcId", FLOW_LOG):
        yield Violation("the VPC has no flow log.")


def _no_public_address(subnet: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if any(True for _ in _public(subnet, given)):
        yield "mapPublicIpOnLaunch", False


@resource_rule(
    id="subnet-no-auto-public-ip",
    title="Subnets give no public addresses by themselves",
    severity="high",
    level="mandatory",
    types=[SUBNET],
    fix="set mapPublicIpOnLaunch to false, or tag a public subnet with role=public.",
    references=["CKV_AWS_130", "FSBP EC2.15", "NIST 800-53 SC-7"],
    parameters={"public-tag": "role=public"},
    remedy=_no_public_address,
)
def subnet_no_auto_public_ip(subnet: Resource, given: Parameters) -> Iterator[Violation]:
    """A public address by accident is the usual way in; a machine with several network cards cannot have one at all."""
    yield from _public(subnet, given)


def _public(subnet: Resource, given: Parameters) -> Iterator[Violation]:
    key, _, value = str(given["public-tag"]).partition("=")
    if subnet.says("mapPublicIpOnLaunch") and subnet.tag(key) != value:
        yield Violation("mapPublicIpOnLaunch is true.")


@relation_rule(
    id="vpc-s3-gateway-endpoint",
    title="Networks with accelerators reach S3 directly",
    severity="medium",
    level="advisory",
    types=[VPC],
    fix="add an aws.ec2.VpcEndpoint of type Gateway for the region's s3 service.",
    references=["FSBP EC2.10"],
)
def s3_gateway_endpoint(vpc: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Datasets through a NAT gateway cost by the gigabyte and share its bandwidth; a gateway endpoint is free."""
    subnets = stack.referring(vpc, "vpcId", SUBNET)
    used = any(
        set(group.referred("subnetIds", SUBNET)) & set(subnets) and _accelerated(group)
        for group in stack.of(NODE_GROUP)
    )
    if not used:
        return
    unknown: CannotTell | None = None
    for endpoint in stack.referring(vpc, "vpcId", ENDPOINT):
        try:
            name, kind = str(endpoint.get("serviceName", "")), endpoint.get("vpcEndpointType", "Gateway")
            if name.endswith(".s3") and kind == "Gateway":
                return
        except CannotTell as missing:
            unknown = missing
    if unknown:
        raise unknown
    yield Violation("it carries accelerator nodes and has no S3 gateway endpoint.")


def _accelerated(group: Resource) -> bool:
    kinds = [template.get("instanceType") for template in group.referred("launchTemplate", TEMPLATE)]
    known = [machine(kind) for kind in (*kinds, *group.known("instanceTypes"))]
    return any(found and found["accelerators"] for found in known)
