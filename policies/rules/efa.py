"""EFA interfaces: the layouts that EC2 refuses, and the ones that silently fall back to TCP."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import machine
from .machines import NODE_GROUP, SCALING_GROUP, efa_interfaces, templates
from .model import CannotTell, Parameters, Resource, Stack, Violation, relation_rule, resource_rule

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
SUBNET = "aws:ec2/subnet:Subnet"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLASSIC = "aws:ec2/securityGroupRule:SecurityGroupRule"
PLACEMENT = "aws:ec2/placementGroup:PlacementGroup"
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
    references=["AWS EC2 EFA guide"],
    parameters={"allow-fewer": False},
)
def interface_count_full(template: Resource, given: Parameters) -> Iterator[Violation]:
    """The bandwidth is spread over the cards: half the interfaces is half of what is paid for."""
    wanted, known = len(efa_interfaces(template)), machine(template.get("instanceType"))
    if wanted and known and known["accelerators"] and wanted < known["efa"] and not given["allow-fewer"]:
        yield Violation(f"{wanted} of {known['efa']} EFA interfaces are used.")


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
    interfaces = list(template.views("networkInterfaces"))
    if not efa_interfaces(template):
        return
    places = [(int(entry.get("networkCardIndex", 0)), int(entry.get("deviceIndex", 0))) for entry in interfaces]
    for place in sorted({place for place in places if places.count(place) > 1}):
        yield Violation(f"two interfaces are at card {place[0]}, device {place[1]}.", check="unique")
    first = [entry for entry, place in zip(interfaces, places, strict=True) if place == (0, 0)]
    if not first:
        yield Violation("there is no interface at card 0, device 0.", check="primary")
    elif first[0].get("interfaceType") == "efa-only":
        yield Violation("the interface at card 0, device 0 is efa-only and has no address.", check="primary")
    known = machine(template.get("instanceType"))
    last = known["cards"] if known else None
    beyond = sorted({card for card, _ in places if last is not None and card >= last})
    if last is not None and beyond:
        cards = ", ".join(map(str, beyond))
        yield Violation(f"the machine has cards 0 to {last - 1}, interfaces are on {cards}.", check="cards")


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
    if not efa_interfaces(template):
        return
    groups = template.referred("networkInterfaces", GROUP)
    groups += [found for found in template.referred("vpcSecurityGroupIds", GROUP) if found not in groups]
    if template.referred("networkInterfaces", CLUSTER):
        return  # the cluster's own security group: EKS gives it the self rules
    if groups and not any(trusts_itself(stack, group) for group in groups):
        names = ", ".join(group.name for group in groups)
        yield Violation(f"no group on its EFA interfaces ({names}) allows all traffic to and from itself.")


def trusts_itself(stack: Stack, group: Resource) -> bool:
    """Whether a group allows all traffic to and from itself. An unknown inline rule cannot be told."""
    return all(
        _by_rule(stack, group, kind) or _classic(stack, group, side) or _inline(group, side)
        for kind, side in ((INGRESS, "ingress"), (EGRESS, "egress"))
    )


def _by_rule(stack: Stack, group: Resource, kind: str) -> bool:
    return any(
        group in rule.referred("referencedSecurityGroupId", GROUP) and str(rule.get("ipProtocol")) == "-1"
        for rule in stack.referring(group, "securityGroupId", kind)
    )


def _classic(stack: Stack, group: Resource, side: str) -> bool:
    return any(
        rule.get("type") == side
        and str(rule.get("protocol")) in ("-1", "all")
        and (rule.says("self") or group in rule.referred("sourceSecurityGroupId", GROUP))
        for rule in stack.referring(group, "securityGroupId", CLASSIC)
    )


def _inline(group: Resource, side: str) -> bool:
    return any(str(rule.get("protocol")) in ("-1", "all") and rule.says("self") for rule in group.views(side))


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
    interfaces = list(template.views("networkInterfaces"))
    cards = {entry.get("networkCardIndex", 0) for entry in interfaces}
    if len(cards) > 1 or len(interfaces) > 1:
        for entry in interfaces:
            if entry.says("associatePublicIpAddress"):
                yield Violation(f"{entry.where} asks for a public address.")


@relation_rule(
    id="efa-single-az",
    title="EFA nodes stand in one zone",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP, SCALING_GROUP],
    fix="give the group the subnets of one zone.",
    references=["aws-parallelcluster EfaMultiAzValidator"],
)
def single_az(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EFA does not cross zones; half of the nodes would never hear of the other half."""
    if not any(efa_interfaces(template) for template in templates(group)):
        return
    path = "subnetIds" if group.type == NODE_GROUP else "vpcZoneIdentifiers"
    zones = {
        subnet.get("availabilityZone") or subnet.get("availabilityZoneId") for subnet in group.referred(path, SUBNET)
    } - {None}
    if len(zones) > 1:
        yield Violation(f"its EFA nodes may stand in {', '.join(sorted(zones))}.")


@relation_rule(
    id="placement-group-for-efa",
    title="EFA nodes stand close together",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="name a placement group of strategy cluster; none with a capacity block.",
    references=["aws-parallelcluster EfaPlacementGroupValidator"],
)
def placement_group_for_efa(template: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Machines at opposite ends of a zone pay for every collective with latency."""
    if not efa_interfaces(template) or template.get("instanceMarketOptions.marketType") == "capacity-block":
        return
    groups = template.referred("placement", PLACEMENT)
    if not template.has("placement.groupName") and not template.has("placement.groupId") and not groups:
        yield Violation("no placement group is named.")
    for group in groups:
        if group.get("strategy") != "cluster":
            yield Violation(f"placement group {group.name} is not of strategy cluster.")


@resource_rule(
    id="placement-group-options",
    title="Placement groups say what their strategy knows",
    severity="medium",
    level="mandatory",
    types=[PLACEMENT],
    fix="use strategy cluster for training; partitionCount only with partition, spreadLevel only with spread.",
    references=["aws-parallelcluster InstanceTypePlacementGroupValidator"],
)
def placement_group_options(group: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses the group, or spreads apart what should stand together."""
    strategy = group.get("strategy")
    if strategy not in ("cluster", "partition", "spread"):
        yield Violation(f"there is no strategy {strategy}.", check="strategy")
    for path, wanted in (("partitionCount", "partition"), ("spreadLevel", "spread")):
        if group.has(path) and strategy != wanted:
            yield Violation(f"{path} needs strategy {wanted}.", check=path)
    try:
        training = group.tag("workload") == "training"
    except CannotTell:
        training = False
    if training and strategy != "cluster":
        yield Violation("a group for training is not of strategy cluster.", check="training")
