"""Security groups, their rules, and the default group of a VPC."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError
from sandbox.providers.aws.record import Api, Naming, Output, Record, Resource, Step, at, first
from sandbox.providers.aws.types.describe import filters, find
from sandbox.providers.protocol import Props

GONE = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")
DESCRIPTION = "Managed by Pulumi"


def group(api: Api, group_id: str) -> Any:
    """A described security group."""
    return first(api("describe_security_groups", GroupIds=[group_id])["SecurityGroups"])


# Inline rules: the `ingress` and `egress` lists of a group.


def permission(rule: Props, group_id: str) -> dict[str, Any]:
    """One inline rule in the API's words."""
    every = rule["protocol"] in ("-1", "all")
    note = {"Description": rule["description"]} if rule.get("description") else {}
    groups = [*(rule.get("securityGroups") or []), *([group_id] if rule.get("self") else [])]
    return {
        "IpProtocol": "-1" if every else str(rule["protocol"]),
        "FromPort": None if every else rule["fromPort"],
        "ToPort": None if every else rule["toPort"],
        "IpRanges": [{"CidrIp": cidr, **note} for cidr in rule.get("cidrBlocks") or []],
        "Ipv6Ranges": [{"CidrIpv6": cidr, **note} for cidr in rule.get("ipv6CidrBlocks") or []],
        "PrefixListIds": [{"PrefixListId": prefix, **note} for prefix in rule.get("prefixListIds") or []],
        "UserIdGroupPairs": [{"GroupId": other, **note} for other in groups],
    }


def inline(permissions: list[Any], group_id: str) -> list[Props]:
    """The inline rules that make these permissions: one for each protocol, ports and description."""
    rules: dict[tuple[Any, ...], Props] = {}
    kinds = (
        ("IpRanges", "CidrIp", "cidrBlocks"),
        ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks"),
        ("PrefixListIds", "PrefixListId", "prefixListIds"),
        ("UserIdGroupPairs", "GroupId", "securityGroups"),
    )
    for one in permissions:
        ports = {"protocol": one["IpProtocol"], "fromPort": one.get("FromPort", 0), "toPort": one.get("ToPort", 0)}
        if one["IpProtocol"] == "-1":
            ports |= {"fromPort": 0, "toPort": 0}
        for items, key, name in kinds:
            for item in one.get(items) or []:
                note = item.get("Description", "")
                rule = rules.setdefault((*ports.values(), note), {**ports, **({"description": note} if note else {})})
                if name == "securityGroups" and item[key] == group_id:
                    rule["self"] = True
                else:
                    rule.setdefault(name, []).append(item[key])
    return list(rules.values())


def _sync(direction: str, key: str) -> Step:
    """Make the group's rules of one direction exactly those given inline."""

    def run(api: Api, r: Resource) -> None:
        now = group(api, r.id).get(key) or []
        wanted = [permission(rule, r.id) for rule in r[direction] or []]
        if now:
            api(f"revoke_security_group_{direction}", GroupId=r.id, IpPermissions=now)
        if wanted:
            api(f"authorize_security_group_{direction}", GroupId=r.id, IpPermissions=wanted)

    return Step((direction,), run)


INLINE = (_sync("ingress", "IpPermissions"), _sync("egress", "IpPermissionsEgress"))


def _rules(name: str, key: str) -> Output:
    # Without inline rules the group's rules belong to rule resources.
    return lambda live, r: inline(live.get(key) or [], r.id) if r[name] is not None or r.importing else None


def _close(api: Api, r: Resource) -> None:
    """Take away the rule that lets everything out, with which AWS makes a group."""
    rules = api("describe_security_group_rules", Filters=filters(group_id=r.id))["SecurityGroupRules"]
    for rule in rules:
        default = (rule["IpProtocol"] == "-1" and rule.get("CidrIpv4") == "0.0.0.0/0") or rule.get("CidrIpv6") == "::/0"
        if rule["IsEgress"] and default and not rule.get("Tags"):
            ids = [rule["SecurityGroupRuleId"]]
            api("revoke_security_group_egress", GroupId=r.id, SecurityGroupRuleIds=ids)


def _revoke_all(api: Api, r: Resource) -> None:
    live = group(api, r.id)
    for direction, key in (("ingress", "IpPermissions"), ("egress", "IpPermissionsEgress")):
        if live.get(key):
            api(f"revoke_security_group_{direction}", GroupId=r.id, IpPermissions=live[key])


def _delete_group(api: Api, r: Resource) -> None:
    if r["revokeRulesOnDelete"]:
        _revoke_all(api, r)
    api("delete_security_group", GroupId=r.id)


SECURITY_GROUP = Record(
    type="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    create=lambda api, r: api(
        "create_security_group",
        GroupName=r["name"],
        Description=r["description"] or DESCRIPTION,
        VpcId=r["vpcId"],
        **r.tags_argument,
    )["GroupId"],
    read=lambda api, r: group(api, r.id),
    delete=_delete_group,
    gone=GONE,
    force=("name", "namePrefix", "description", "vpcId"),
    steps=(Step(("name",), _close), *INLINE),
    stored=("revokeRulesOnDelete",),
    naming=Naming(longest=255),
    computed=(
        "ingress",
        "egress",
        "vpcId",
    ),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"security-group/{r.id}"),
        "name": "GroupName",
        "description": "Description",
        "vpcId": "VpcId",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
        "ingress": _rules("ingress", "IpPermissions"),
        "egress": _rules("egress", "IpPermissionsEgress"),
    },
    defaults={"description": DESCRIPTION},
    tagging=tags.ec2("security-group"),
    listing=lambda api: find(
        api, "describe_security_groups", "SecurityGroups", key="GroupId", own=lambda sg: sg["GroupName"] != "default"
    ),
    clear=_revoke_all,
)

# The default group of a VPC is never made or deleted: it is emptied, then gets the rules given.


def _adopt_default(api: Api, r: Resource) -> str:
    found = api("describe_security_groups", Filters=filters(vpc_id=r["vpcId"] or "", group_name="default"))
    group_id = at(found, "SecurityGroups.0.GroupId")
    if group_id is None:
        raise AwsError(
            f"ec2:DescribeSecurityGroups: {r['vpcId']} has no default security group", "InvalidGroup.NotFound"
        )
    r.id = group_id
    _revoke_all(api, r)
    return group_id


DEFAULT_SECURITY_GROUP = Record(
    type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    create=_adopt_default,
    read=lambda api, r: group(api, r.id),
    delete=lambda api, r: None,  # noqa: ARG005 - it goes with its VPC
    gone=GONE,
    required=("vpcId",),
    force=("vpcId",),
    steps=INLINE,
    stored=("revokeRulesOnDelete",),
    watched=("ingress", "egress"),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"security-group/{r.id}"),
        "name": "GroupName",
        "description": "Description",
        "vpcId": "VpcId",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
        "ingress": lambda live, r: inline(live.get("IpPermissions") or [], r.id),
        "egress": lambda live, r: inline(live.get("IpPermissionsEgress") or [], r.id),
    },
    tagging=tags.Tagging(None, tags.ec2("security-group").read, tags.ec2("security-group").write),
)

# Single rules

SOURCES = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}


def _single(r: Resource) -> dict[str, Any]:
    """A rule as the permission that authorizes it."""
    note = {"Description": r["description"]} if r["description"] else {}
    wanted: dict[str, Any] = {"IpProtocol": str(r["ipProtocol"]), "FromPort": r["fromPort"], "ToPort": r["toPort"]}
    if r["cidrIpv4"]:
        wanted["IpRanges"] = [{"CidrIp": r["cidrIpv4"], **note}]
    if r["cidrIpv6"]:
        wanted["Ipv6Ranges"] = [{"CidrIpv6": r["cidrIpv6"], **note}]
    if r["prefixListId"]:
        wanted["PrefixListIds"] = [{"PrefixListId": r["prefixListId"], **note}]
    if r["referencedSecurityGroupId"]:
        wanted["UserIdGroupPairs"] = [{"GroupId": r["referencedSecurityGroupId"], **note}]
    return wanted


def _modify(api: Api, r: Resource) -> None:
    rule = {theirs: r[ours] for ours, theirs in SOURCES.items()}
    rule |= {"IpProtocol": str(r["ipProtocol"]), "FromPort": r["fromPort"], "ToPort": r["toPort"]}
    rule |= {"Description": r["description"] or "", "ReferencedGroupId": r["referencedSecurityGroupId"]}
    change = {"SecurityGroupRuleId": r.id, "SecurityGroupRule": rule}
    api("modify_security_group_rules", GroupId=r["securityGroupId"], SecurityGroupRules=[change])


def _rule(direction: str) -> Record:
    kind = f"SecurityGroup{direction.title()}Rule"

    def create(api: Api, r: Resource) -> str:
        arguments = {"GroupId": r["securityGroupId"], "IpPermissions": [_single(r)], **r.tags_argument}
        made = api(f"authorize_security_group_{direction}", **arguments)
        return made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def delete(api: Api, r: Resource) -> None:
        api(f"revoke_security_group_{direction}", GroupId=r["securityGroupId"], SecurityGroupRuleIds=[r.id])

    return Record(
        type=f"aws:vpc/securityGroup{direction.title()}Rule:{kind}",
        service="ec2",
        create=create,
        read=lambda api, r: first(
            api("describe_security_group_rules", SecurityGroupRuleIds=[r.id])["SecurityGroupRules"]
        ),
        delete=delete,
        gone=("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", *GONE),
        required=("securityGroupId", "ipProtocol"),
        force=("securityGroupId",),
        steps=(
            Step(
                (*SOURCES, "description", "fromPort", "toPort", "ipProtocol", "referencedSecurityGroupId"),
                _modify,
                at_create=False,
            ),
        ),
        outputs={
            "arn": lambda _, r: r.arn("ec2", f"security-group-rule/{r.id}"),
            "securityGroupRuleId": "SecurityGroupRuleId",
            "securityGroupId": "GroupId",
            "ipProtocol": "IpProtocol",
            "fromPort": _port("FromPort"),
            "toPort": _port("ToPort"),
            "description": "Description",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
            **SOURCES,
        },
        tagging=tags.ec2("security-group-rule"),
        listing=lambda api: find(
            api,
            "describe_security_group_rules",
            "SecurityGroupRules",
            key="SecurityGroupRuleId",
            own=lambda rule: (
                rule["IsEgress"] == (direction == "egress") and tags.OWNER in tags.from_pairs(rule.get("Tags"))
            ),
        ),
    )


def _port(key: str) -> Output:
    # "All protocols" has no ports; AWS reports -1.
    return lambda live, _: None if live.get(key) == -1 and live.get("IpProtocol") == "-1" else live.get(key)


RECORDS = (SECURITY_GROUP, DEFAULT_SECURITY_GROUP, _rule("ingress"), _rule("egress"))
