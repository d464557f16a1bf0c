"""Networks: what is reachable from where, and what leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Stack, Violation, resource_rule, stack_rule

VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
SUBNET = "aws:ec2/subnet:Subnet"


@stack_rule(
    id="vpc-flow-logs",
    title="Every network keeps flow logs",
    severity="medium",
    level="advisory",
    types=[VPC],
    fix="add an aws.ec2.FlowLog for the VPC.",
    references=["CKV2_AWS_11"],
)
def vpc_flow_logs(stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Without flow logs nobody can say afterwards who spoke with whom."""
    for vpc in stack.of(VPC):
        if not stack.referring(vpc, "vpcId", FLOW_LOG):
            yield Violation("the VPC has no flow log.", resource=vpc)


@resource_rule(
    id="subnet-no-auto-public-ip",
    title="Subnets give no public addresses by themselves",
    severity="high",
    level="mandatory",
    types=[SUBNET],
    fix="set mapPublicIpOnLaunch to false, or tag a public subnet with role=public.",
    references=["CKV_AWS_130"],
)
def subnet_no_auto_public_ip(subnet: Resource, _: Parameters) -> Iterator[Violation]:
    """A public address by accident is the usual way in; a machine with several network cards cannot have one at all."""
    if subnet.says("mapPublicIpOnLaunch") and subnet.tags.get("role") != "public":
        yield Violation("mapPublicIpOnLaunch is true.")
