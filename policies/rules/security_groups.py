"""Security groups: what the world reaches, and whether anyone can say why."""

from __future__ import annotations

from collections.abc import Iterator

from .addresses import open_to_everybody
from .model import Parameters, Reading, Resource, Violation, each, independently, resource_rule

GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SSH, RDP, HTTP = 22, 3389, 80
EVERY = (0, 65535)


def rules(resource: Resource, direction: str) -> Iterator[Reading]:
    """The rules of one direction that a resource holds."""
    if resource.type in (GROUP, DEFAULT_GROUP):
        yield from resource.views(direction)
    elif resource.type == RULE:
        if resource.get("type") == direction:
            yield resource
    elif resource.type == (INGRESS if direction == "ingress" else EGRESS):
        yield resource


def to_world(rule: Reading) -> bool:
    """Whether a rule names every address."""
    return open_to_everybody(rule, "cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")


def ports(rule: Reading) -> tuple[int, int] | None:
    """The range of ports; None for a protocol without ports (ICMP). 0 to 0 is how many programs write all ports."""
    protocol = str(rule.get("ipProtocol") or rule.get("protocol") or "-1").lower()
    if protocol in ("-1", "all"):
        return EVERY
    if protocol in ("icmp", "icmpv6", "1", "58"):
        return None
    low, high = rule.number("fromPort"), rule.number("toPort")
    if low is None or high is None or low == high == -1 or low == high == 0:
        return EVERY
    return int(low), int(high)


SOURCES = (
    *("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6", "prefixListIds", "prefixListId"),
    *("securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId"),
)


def nobody(rule: Reading) -> bool:
    """Whether a rule names no source at all, so that nobody can say whom it was meant for."""
    return not rule.says("self") and all(rule.inputs.get(path) in (None, "", []) for path in SOURCES)


def whole(rule: Reading) -> bool:
    """Whether a rule for all traffic says so plainly, and not by a range that EC2 ignores."""
    pair = (rule.number("fromPort"), rule.number("toPort"))
    every = str(rule.get("ipProtocol") or rule.get("protocol") or "-1").lower() in ("-1", "all")
    return pair in ((None, None), (0, 0), (-1, -1)) if every else pair == (-1, -1)


@resource_rule(
    id="sg-no-world-admin-ports",
    title="Nobody on the internet reaches SSH or RDP",
    severity="critical",
    level="mandatory",
    types=[GROUP, DEFAULT_GROUP, RULE, INGRESS],
    fix="name your own networks, or use Session Manager and no port at all.",
    references=["CKV_AWS_24", "CKV_AWS_25", "CIS AWS 5.2", "CIS AWS 5.3", "FSBP EC2.13", "FSBP EC2.14"],
    parameters={"ports": (SSH, RDP)},
)
def no_world_admin_ports(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """An open administration port is tried within minutes."""
    checks = {SSH: "CKV_AWS_24", RDP: "CKV_AWS_25"}

    def one(rule: Reading) -> Iterator[Violation]:
        reach = ports(rule)
        for port in given["ports"]:
            if reach and reach[0] <= port <= reach[1]:
                if to_world(rule):
                    check = "all-ports" if reach == EVERY else checks.get(int(port), "port")
                    yield Violation(f"port {int(port)} is open to the world.", check=check)
                elif nobody(rule):
                    yield Violation(f"a rule for port {int(port)} names nobody who may connect.", check="source")

    yield from each(rules(resource, "ingress"), one)


@resource_rule(
    id="sg-no-world-ingress",
    title="The world reaches only what is meant to be public",
    severity="high",
    level="mandatory",
    types=[GROUP, DEFAULT_GROUP, RULE, INGRESS],
    fix="name the networks or groups that may connect; tag exposure=public what serves the world on 443.",
    references=["CKV_AWS_260", "CKV_AWS_277", "FSBP EC2.18", "FSBP EC2.19", "NIST 800-53 SC-7"],
    parameters={"allowed-world-ports": (443,)},
)
def no_world_ingress(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """Every port that the world reaches is a program that must never have a hole."""

    def one(rule: Reading) -> Iterator[Violation]:
        reach = ports(rule)
        if reach is not None and not to_world(rule):
            if nobody(rule):
                yield Violation("a rule names nobody who may connect.", check="source")
            return
        if reach is None:
            return
        if reach == EVERY:
            yield Violation("all ports are open to the world.", check="CKV_AWS_277" if whole(rule) else "all-ports")
        elif reach[0] <= HTTP <= reach[1]:
            yield Violation("port 80 is open to the world.", check="CKV_AWS_260")
        elif reach[0] == reach[1] and reach[0] in given["allowed-world-ports"]:
            if resource.tag("exposure") != "public":
                yield Violation(f"port {reach[0]} is open to the world without exposure=public.", check="exposure")
        elif reach[0] == reach[1] and reach[0] not in (SSH, RDP):
            yield Violation(f"port {reach[0]} is open to the world.", check="port")
        elif reach[0] != reach[1]:
            yield Violation(f"ports {reach[0]} to {reach[1]} are open to the world.", check="range")

    yield from each(rules(resource, "ingress"), one)


@resource_rule(
    id="sg-egress-restricted",
    title="Traffic out is limited",
    severity="low",
    level="advisory",
    types=[GROUP, DEFAULT_GROUP, RULE, EGRESS],
    fix="name the protocols and networks that the machines need.",
    references=["CKV_AWS_382", "NIST 800-53 SC-7"],
)
def egress_restricted(resource: Resource, _: Parameters) -> Iterator[Violation]:
    """A stolen model leaves through the widest door there is."""

    def one(rule: Reading) -> Iterator[Violation]:
        protocol = str(rule.get("ipProtocol") or rule.get("protocol") or "-1")
        everything = protocol in ("-1", "all") or rule.number("fromPort") == rule.number("toPort") == -1
        if everything and protocol not in ("icmp", "icmpv6") and to_world(rule):
            check = "" if whole(rule) else "ignored-ports"
            yield Violation("all traffic out to the world is allowed.", check=check)

    yield from each(rules(resource, "egress"), one)


@resource_rule(
    id="sg-has-description",
    title="Groups and rules say what they are for",
    severity="low",
    level="advisory",
    types=[GROUP, RULE, INGRESS, EGRESS],
    fix="set description on the group and on every rule.",
    references=["CKV_AWS_23"],
)
def has_description(resource: Resource, _: Parameters) -> Iterator[Violation]:
    """A rule that nobody can explain is never removed. The SDK's "Managed by Pulumi" explains nothing."""

    def one(rule: Reading, name: str) -> Iterator[Violation]:
        description = rule.get("description", "")
        if description in ("", "Managed by Pulumi"):
            yield Violation(f"{name} has no description.", check="CKV_AWS_23")
        elif description == "Managed by Terraform":
            yield Violation(f"{name} has the description that a tool gave it.", check="default")

    parts = [one(resource, "the group" if resource.type == GROUP else "the rule")]
    for direction in ("ingress", "egress") if resource.type == GROUP else ():
        name = f"a rule of {direction}"
        parts.append(each(resource.views(direction), lambda rule, name=name: one(rule, name)))
    yield from independently(*parts)
