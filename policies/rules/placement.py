"""Where machines of one fabric stand: in one zone, close together."""

from __future__ import annotations

from collections.abc import Iterator

from .machines import NODE_GROUP, SCALING_GROUP, has_efa, templates
from .model import (
    CannotTell,
    Parameters,
    Resource,
    Stack,
    Violation,
    any_of,
    independently,
    relation_rule,
    resource_rule,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
PLACEMENT = "aws:ec2/placementGroup:PlacementGroup"


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
    if not any_of(templates(group), has_efa):
        return
    path = "subnetIds" if group.type == NODE_GROUP else "vpcZoneIdentifiers"
    subnets = group.referred(path, SUBNET)
    yield from independently(
        _one_zone(subnets, "availabilityZone"), _one_zone(subnets, "availabilityZoneId"), _named(group), _mixed(subnets)
    )


def _one_zone(subnets: list[Resource], path: str) -> Iterator[Violation]:
    """Zones by name among themselves, and by id among themselves: which name is which id differs by account."""
    zones: set[str] = set()
    doubt: CannotTell | None = None
    for subnet in subnets:
        try:
            zones |= {str(subnet.get(path))} if subnet.has(path) else set()
        except CannotTell as unknown:
            doubt = unknown
    if len(zones) > 1:
        yield Violation(f"its EFA nodes may stand in {', '.join(sorted(zones))}.")
    elif doubt and len(subnets) > 1:
        raise doubt


def _named(group: Resource) -> Iterator[Violation]:
    """A scaling group may name its zones itself."""
    zones = {str(zone) for zone in group.items("availabilityZones")} if group.has("availabilityZones") else set()
    if len(zones) > 1:
        yield Violation(f"its EFA nodes may stand in {', '.join(sorted(zones))}.")


def _mixed(subnets: list[Resource]) -> Iterator[Violation]:
    by_name = {subnet.has("availabilityZone") for subnet in subnets}
    if by_name == {True, False} and any(subnet.has("availabilityZoneId") for subnet in subnets):
        raise CannotTell("availabilityZoneId", "cannot be compared with the name of another subnet's zone")
    yield from ()


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
    if not has_efa(template) or template.get("instanceMarketOptions.marketType") == "capacity-block":
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
