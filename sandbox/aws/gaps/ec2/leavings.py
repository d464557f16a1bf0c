"""EC2: tags that outlive what they were on.

A tag left behind would make a search by tag find resources that do not exist.
"""

from __future__ import annotations

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.gaps.ec2 import Record, drop_tags

DELETIONS = {
    "DeleteFlowLogs": "FlowLogIds",
    "DeleteInternetGateway": "InternetGatewayId",
    "DeleteNetworkAcl": "NetworkAclId",
    "DeleteNetworkInterface": "NetworkInterfaceId",
    "DeleteRouteTable": "RouteTableId",
    "DeleteVolume": "VolumeId",
    "DeleteVpc": "VpcId",
}
"""The parameter of an action that names what goes."""


@amends("ec2", *DELETIONS)
def delete(call: Call) -> Record:
    answer = call.native()
    named = call.params.get(DELETIONS[call.target.action]) or []
    drop_tags(call, *([named] if isinstance(named, str) else named))
    return answer


@amends("ec2", "DeleteSecurityGroup", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress")
def delete_rules(call: Call) -> Record:
    before = set(_rules(call))
    answer = call.native()
    drop_tags(call, *(before - set(_rules(call))))
    if call.target.action == "DeleteSecurityGroup":
        drop_tags(call, call.params.get("GroupId") or "")
    return answer


def _rules(call: Call) -> list[str]:
    groups = [group for vpc in call.backend("ec2").groups.values() for group in vpc.values()]
    return [rule.id for group in groups for rule in [*group.ingress_rules, *group.egress_rules]]
