"""EFA interfaces: the layouts that EC2 refuses, and the ones that silently fall back to TCP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import machine
from .model import Parameters, Resource, Stack, Violation, resource_rule, stack_rule

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EFA_TYPES = ("efa", "efa-only")


def efa_interfaces(template: Resource) -> list[dict[str, Any]]:
    """The interfaces of a launch template that carry EFA."""
    return [entry for entry in template.all("networkInterfaces") if entry.get("interfaceType") in EFA_TYPES]


@resource_rule(
    id="efa-instance-supported",
    title="EFA only on machines that have it",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="remove the EFA interfaces, or choose an instance type with that many.",
)
def instance_supported(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses the launch; the node group stays empty and says little."""
    wanted = len(efa_interfaces(template))
    kind = template.get("instanceType")
    if not wanted or kind is None:
        return
    known = machine(kind)
    if known is None or not known["efa"]:
        yield Violation(f"{kind} has no EFA, {wanted} EFA interfaces are asked for.")
    elif wanted > known["efa"]:
        yield Violation(f"{kind} has at most {known['efa']} EFA interfaces, {wanted} are asked for.")


@resource_rule(
    id="efa-interface-count-full",
    title="Accelerator machines use all their EFA interfaces",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="add an efa-only interface for every further network card.",
)
def interface_count_full(template: Resource, _: Parameters) -> Iterator[Violation]:
    """The bandwidth is spread over the cards: half the interfaces is half of what is paid for."""
    wanted, known = len(efa_interfaces(template)), machine(template.get("instanceType"))
    if wanted and known and known["accelerators"] and wanted < known["efa"]:
        yield Violation(f"{wanted} of {known['efa']} EFA interfaces are used.")


@resource_rule(
    id="efa-card-layout",
    title="Interfaces sit where EC2 accepts them",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="give card 0 device 0 a plain interface and every card its own index; see docs/stack-file.md, pools.",
)
def card_layout(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses two interfaces in one place, a first interface without an address, and cards that do not exist."""
    interfaces = template.all("networkInterfaces")
    if not efa_interfaces(template):
        return
    places = [(entry.get("networkCardIndex") or 0, entry.get("deviceIndex") or 0) for entry in interfaces]
    for place in sorted({place for place in places if places.count(place) > 1}):
        yield Violation(f"two interfaces are at card {place[0]}, device {place[1]}.", check="unique")
    first = [entry for entry, place in zip(interfaces, places, strict=True) if place == (0, 0)]
    if not first:
        yield Violation("there is no interface at card 0, device 0.", check="primary")
    elif first[0].get("interfaceType") == "efa-only":
        yield Violation("the interface at card 0, device 0 is efa-only and has no address.", check="primary")
    known = machine(template.get("instanceType"))
    if (
        known
        and known["cards"] is not None
        and (beyond := sorted({card for card, _ in places if card >= known["cards"]}))
    ):
        cards = ", ".join(map(str, beyond))
        yield Violation(f"the machine has cards 0 to {known['cards'] - 1}, interfaces are on {cards}.", check="cards")


@stack_rule(
    id="efa-sg-self-reference",
    title="EFA traffic is allowed by a group that refers to itself",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="add an ingress and an egress rule for protocol -1 whose source and target is the group itself.",
)
def sg_self_reference(stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EFA ignores rules with addresses, 0.0.0.0/0 too; without the self rules collectives hang or run over TCP."""
    for template in stack.of(TEMPLATE):
        if not efa_interfaces(template):
            continue
        groups = [group for group in template.refers.get("networkInterfaces", ()) if group.type == GROUP]
        if groups and not any(_trusts_itself(stack, group) for group in groups):
            names = ", ".join(group.name for group in groups)
            yield Violation(
                f"no group on its EFA interfaces ({names}) allows all traffic to and from itself.", resource=template
            )


def _trusts_itself(stack: Stack, group: Resource) -> bool:
    return all(
        any(
            group in rule.refers.get("securityGroupId", ())
            and group in rule.refers.get("referencedSecurityGroupId", ())
            and str(rule.get("ipProtocol")) == "-1"
            for rule in stack.of(kind)
        )
        for kind in (INGRESS, EGRESS)
    ) or all(
        any(str(rule.get("protocol")) == "-1" and rule.get("self") for rule in _inline(group, side))
        for side in ("ingress", "egress")
    )


def _inline(group: Resource, side: str) -> list[Resource]:
    return [Resource(group.type, group.name, group.urn, entry) for entry in group.all(side)]
