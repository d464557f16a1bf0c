"""EC2 security group rules: what moto loses, and changes of any kind of rule by its id."""

from __future__ import annotations

from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.ec2 import Record
from sandbox.aws.wire import ApiError

SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


@serves("ec2", "ModifySecurityGroupRules")
def modify(call: Call) -> Record:
    """A rule may change in everything but the kind of its source."""
    identity = call.params["GroupId"]
    group = call.backend("ec2").get_security_group_from_id(identity)
    if group is None:
        raise ApiError("InvalidGroup.NotFound", f"The security group '{identity}' does not exist")
    for change in call.params["SecurityGroupRules"]:
        rule = group.get_rule(change["SecurityGroupRuleId"])
        if rule is None:
            text = f"The security group rule ID '{change['SecurityGroupRuleId']}' does not exist"
            raise ApiError("InvalidSecurityGroupRuleId.NotFound", text)
        _change(rule, change.get("SecurityGroupRule") or {})
    return {"Return": True}


def _change(rule: Any, new: Record) -> None:
    sources = [name for name in SOURCES if new.get(name) is not None]
    if len(sources) != 1:
        raise ApiError("InvalidParameterCombination", f"Exactly one of {', '.join(SOURCES)} must be given")
    if sources[0] != _source(rule):
        raise ApiError("InvalidParameterValue", f"A rule with {_source(rule)} cannot get {sources[0]}")
    protocol = str(new.get("IpProtocol") or "")
    if not protocol:
        raise ApiError("InvalidParameterValue", "VPC security group rules must specify protocols explicitly.")
    ports = (new.get("FromPort"), new.get("ToPort"))
    if protocol in ("tcp", "udp", "6", "17") and None in ports:
        raise ApiError("InvalidParameterValue", "Must specify both from and to ports with TCP/UDP.")
    rule.ip_protocol = protocol
    rule.from_port, rule.to_port = (None, None) if protocol == "-1" else ports
    described = {"Description": new["Description"]} if new.get("Description") else {}
    match sources[0]:
        case "CidrIpv4":
            rule.ip_range = {"CidrIp": new["CidrIpv4"], **described}
        case "CidrIpv6":
            rule.ip_range = {"CidrIpv6": new["CidrIpv6"], **described}
        case "PrefixListId":
            rule.prefix_list_id, rule.ip_range = new["PrefixListId"], described
        case "ReferencedGroupId":
            kept = {name: value for name, value in rule.source_group.items() if name != "Description"}
            rule.source_group = {**kept, "GroupId": new["ReferencedGroupId"], **described}


def _source(rule: Any) -> str:
    if rule.cidr_ipv4:
        return "CidrIpv4"
    if rule.cidr_ipv6:
        return "CidrIpv6"
    return "PrefixListId" if rule.prefix_list_id else "ReferencedGroupId"


def complete_rules() -> None:
    """moto answers a rule from its attributes: give it those that it lacks. A description makes no other rule."""
    from moto.ec2.models.security_groups import SecurityGroupRule

    def description(rule: Any) -> str | None:
        return rule.ip_range.get("Description") or rule.source_group.get("Description")

    def arn(rule: Any) -> str:
        ec2 = rule.ec2_backend
        return f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}:security-group-rule/{rule.id}"

    def key(rule: Any) -> tuple[Any, ...]:
        ports = () if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port)
        group = rule.source_group.get("GroupId") or rule.source_group.get("GroupName")
        return rule.ip_protocol, ports, rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id, group

    complete: Any = SecurityGroupRule
    complete.description = property(description)
    complete.security_group_rule_arn = property(arn)
    complete.group_owner_id = property(lambda rule: rule.ec2_backend.account_id)
    complete.__eq__ = lambda rule, other: key(rule) == key(other)
    complete.__hash__ = lambda rule: hash(rule.id)


complete_rules()
