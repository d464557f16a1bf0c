"""EFA interfaces: the layouts that EC2 refuses, and the ones that silently fall back to TCP."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import listed, machine
from .machines import efa_interfaces, has_efa
from .model import (
    CannotTell,
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    all_of,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLASSIC = "aws:ec2/securityGroupRule:SecurityGroupRule"
CLUSTER = "aws:eks/cluster:Cluster"


@resource_rule(
    id="efa-instance-supported",
    title="EFA only on machines that have it",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="remove the EFA interfaces, or choose an instance type with that many.",
    references=["aws-parallelcluster EfaValidator"],
)
def instance_supported(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses the launch; the node group stays empty and says little."""
    kind = template.get("instanceType")
    if kind is None or not template.has("networkInterfaces"):
        return
    wanted, doubt = _counted(template)
    most = _most(str(kind)) if wanted else 0
    if wanted and not most:
        yield Violation(f"{kind} has no EFA, {wanted} EFA interfaces are asked for.")
    elif wanted > most:
        yield Violation(f"{kind} has at most {most} EFA interfaces, {wanted} are asked for.")
    elif doubt:
        raise doubt


def _counted(template: Resource) -> tuple[int, CannotTell | None]:
    """The EFA interfaces that are certain, and why there may be more."""
    found = efa_interfaces(template)
    for count in range(10_000):
        try:
            next(found)
        except StopIteration:
            return count, None
        except CannotTell as unknown:
            return count, unknown
    return 10_000, None


def _most(kind: str) -> int:
    """EFA interfaces that an instance type takes at most."""
    known = machine(kind)
    if (known is None and not listed(kind)) or (known is not None and known["efa"] is None):
        raise CannotTell(kind, "has no known number of EFA interfaces")
    return int(known["efa"]) if known else 0


@resource_rule(
    id="efa-interface-count-full",
    title="Accelerator machines use all their EFA interfaces",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="add an efa-only interface for every further network card.",
    references=["AWS EC2 EFA guide"],
    parameters={"allow-fewer": False},
)
def interface_count_full(template: Resource, given: Parameters) -> Iterator[Violation]:
    """The bandwidth is spread over the cards: half the interfaces is half of what is paid for."""
    known = machine(template.get("instanceType"))
    if known and known["accelerators"] and has_efa(template) and not given["allow-fewer"]:
        wanted, most = len(list(efa_interfaces(template))), _most(str(template.get("instanceType")))
        if wanted < most:
            yield Violation(f"{wanted} of {most} EFA interfaces are used.")


@resource_rule(
    id="efa-card-layout",
    title="Interfaces sit where EC2 accepts them",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="give card 0 device 0 a plain interface and every card its own index; see docs/stack-file.md, pools.",
    references=["AWS EKS user guide: EFA", "AWS EC2 EFA guide"],
)
def card_layout(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses two interfaces in one place, a first interface without an address, and cards that do not exist."""
    if has_efa(template):
        yield from independently(_unique(template), _first(template), _existing(template))


def _place(entry: View) -> tuple[int, int]:
    return int(entry.get("networkCardIndex", 0)), int(entry.get("deviceIndex", 0))


def _unique(template: Resource) -> Iterator[Violation]:
    taken: set[tuple[int, int]] = set()

    def one(entry: View) -> Iterator[Violation]:
        place = _place(entry)
        if place in taken:
            yield Violation(f"two interfaces are at card {place[0]}, device {place[1]}.", check="unique")
        taken.add(place)

    yield from each(template.views("networkInterfaces"), one)


def _first(template: Resource) -> Iterator[Violation]:
    """Card 0, device 0 is there, and has an address."""

    def primary(entry: View) -> bool:
        return _place(entry) == (0, 0) and entry.get("interfaceType") != "efa-only"

    interfaces = template.views("networkInterfaces")
    if any_of(interfaces, primary):
        return
    if any_of(template.views("networkInterfaces"), lambda entry: _place(entry) == (0, 0)):
        yield Violation("the interface at card 0, device 0 is efa-only and has no address.", check="primary")
    else:
        yield Violation("there is no interface at card 0, device 0.", check="primary")


def _existing(template: Resource) -> Iterator[Violation]:
    known = machine(template.get("instanceType"))
    if known is None or known["cards"] is None:
        return

    def one(entry: View) -> Iterator[Violation]:
        card = int(entry.get("networkCardIndex", 0))
        if card >= known["cards"]:
            message = f"the machine has cards 0 to {known['cards'] - 1}, an interface is on {card}."
            yield Violation(message, check="cards")

    yield from each(template.views("networkInterfaces"), one)


@relation_rule(
    id="efa-sg-self-reference",
    title="EFA traffic is allowed by a group that refers to itself",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="add an ingress and an egress rule for protocol -1 whose source and target is the group itself.",
    references=["aws-parallelcluster EfaSecurityGroupValidator", "AWS EC2 EFA guide"],
)
def sg_self_reference(template: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EFA ignores rules with addresses, 0.0.0.0/0 too; without the self rules collectives hang or run over TCP."""
    if not has_efa(template):
        return
    groups = template.referred("networkInterfaces", GROUP)
    groups += [found for found in template.referred("vpcSecurityGroupIds", GROUP) if found not in groups]
    if template.referred("networkInterfaces", CLUSTER):
        return  # the cluster's own security group: EKS gives it the self rules
    if groups and not any_of(groups, lambda group: trusts_itself(stack, group)):
        names = ", ".join(group.name for group in groups)
        yield Violation(f"no group on its EFA interfaces ({names}) allows all traffic to and from itself.")


def trusts_itself(stack: Stack, group: Resource) -> bool:
    """Whether a group allows all traffic to and from itself. An unknown inline rule cannot be told."""
    ways = (_by_rule, _classic, _inline)
    return all_of(("ingress", "egress"), lambda side: any_of(ways, lambda way: way(stack, group, side)))


def _by_rule(stack: Stack, group: Resource, side: str) -> bool:
    kind = INGRESS if side == "ingress" else EGRESS
    return any_of(
        stack.referring(group, "securityGroupId", kind),
        lambda rule: group in rule.referred("referencedSecurityGroupId", GROUP) and str(rule.get("ipProtocol")) == "-1",
    )


def _classic(stack: Stack, group: Resource, side: str) -> bool:
    return any_of(
        stack.referring(group, "securityGroupId", CLASSIC),
        lambda rule: (
            rule.get("type") == side
            and str(rule.get("protocol")) in ("-1", "all")
            and (rule.says("self") or group in rule.referred("sourceSecurityGroupId", GROUP))
        ),
    )


def _inline(_: Stack, group: Resource, side: str) -> bool:
    return any_of(group.views(side), lambda rule: str(rule.get("protocol")) in ("-1", "all") and rule.says("self"))


@resource_rule(
    id="efa-no-public-ip",
    title="Machines with several network cards ask for no public address",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="remove associatePublicIpAddress from every interface.",
    references=["aws-parallelcluster MultiNetworkInterfacesInstancesValidator"],
)
def no_public_ip(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 gives no public address to a machine that starts with more than one interface, and refuses the launch."""

    def one(entry: View) -> Iterator[Violation]:
        if entry.says("associatePublicIpAddress"):
            yield Violation(f"{entry.where} asks for a public address.")

    if len(template.all("networkInterfaces")) > 1:
        yield from each(template.views("networkInterfaces"), one)
