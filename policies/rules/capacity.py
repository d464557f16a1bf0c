"""Accelerator capacity: how it is bought, and whether the node group can use what was bought."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .facts import listed, machine
from .machines import accelerators, facts_of, kinds, most, templates
from .model import (
    CannotTell,
    Parameters,
    Reading,
    Resource,
    Stack,
    Violation,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)
from .services import judged

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
RESERVED = "aws:ec2/capacityReservation:CapacityReservation"
PLACEMENT = "aws:ec2/placementGroup:PlacementGroup"
SUBNET = "aws:ec2/subnet:Subnet"
BLOCK = "capacity-block"
RESERVATION = "capacityReservationSpecification.capacityReservationTarget.capacityReservationId"
TRAINING = "training"
MARKET = "instanceMarketOptions.marketType"


@relation_rule(
    id="capacity-block-launch-template",
    title="A capacity block's node group names its block",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="give the launch template marketType capacity-block, the reservation id and the instance type; one subnet.",
    references=["AWS EKS user guide: capacity blocks"],
)
def capacity_block_launch_template(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EKS refuses the group when anything is missing, after the block has been paid for."""
    if group.get("capacityType") != "CAPACITY_BLOCK":
        return
    found = templates(group)

    def subnets() -> Iterator[Violation]:
        if (count := len(group.all("subnetIds"))) != 1:
            said = "more than one subnet" if count else "no subnet"
            yield Violation(f"it has {said}; a block lies in one zone.", check="subnet")

    def types() -> Iterator[Violation]:
        if group.all("instanceTypes"):
            yield Violation("instanceTypes belongs in the launch template.", check="instance-types")

    def named() -> Iterator[Violation]:
        if not found and not group.has("launchTemplate"):
            yield Violation("it has no launch template.", check="template")

    def complete(template: Resource) -> Iterator[Violation]:
        said = f"its launch template {template.name} has no"
        if not template.has(RESERVATION):
            yield Violation(f"{said} {RESERVATION}.", check=RESERVATION)
        if not template.has("instanceType"):
            yield Violation(f"{said} instanceType.", check="instanceType")
        if template.get(MARKET) != BLOCK:
            yield Violation(f"{said} {MARKET} {BLOCK}.", check=MARKET)

    yield from independently(subnets(), types(), named(), each(found, complete))


def _drop_group(template: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if template.get(MARKET) == BLOCK:
        for path in ("placement.groupName", "placement.groupId"):
            if template.has(path):
                yield path, None


@resource_rule(
    id="capacity-block-no-placement-group",
    title="A capacity block takes no placement group",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="remove placement.groupName and placement.groupId.",
    references=["aws-parallelcluster PlacementGroupCapacityTypeValidator"],
    remedy=_drop_group,
)
def capacity_block_no_placement_group(template: Resource, _: Parameters) -> Iterator[Violation]:
    """The machines of a block already stand together; a placement group can only keep them from starting."""
    if template.get(MARKET) == BLOCK and (template.has("placement.groupName") or template.has("placement.groupId")):
        yield Violation("a placement group is named beside marketType capacity-block.")


@relation_rule(
    id="capacity-type-supported",
    title="Machines are bought in a way they are sold",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, NODE_GROUP],
    fix="choose another purchase model or another instance type.",
    references=["aws-parallelcluster CapacityTypeValidator"],
)
def capacity_type_supported(subject: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses the launch of a type that is not sold as spot or as a capacity block."""
    if subject.type == TEMPLATE:
        market, found = subject.get(MARKET), filter(None, [str(subject.get("instanceType", ""))])
    else:
        market = {"SPOT": "spot", "CAPACITY_BLOCK": BLOCK}.get(str(subject.get("capacityType")))
        found = kinds(subject) if market else iter(())

    def one(kind: str) -> Iterator[Violation]:
        known = machine(kind)
        if market == BLOCK:
            if (known or listed(kind)) and not (known and known["capacity_block"]):
                yield Violation(f"{kind} is not sold as a capacity block.")
            elif not known:
                raise CannotTell(kind, "is in no table of instance types")
        elif market == "spot" and known and known["spot"] is False:
            yield Violation(f"{kind} is not sold as spot.")

    yield from each(found, one)


@relation_rule(
    id="capacity-reservation-match",
    title="Nodes fit the reservation they use",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="give template, node group and reservation the same instance type, zone, placement group and size.",
    references=["aws-parallelcluster CapacityReservationValidator", "aws-parallelcluster CapacityReservationSize"],
)
def capacity_reservation_match(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """A machine that does not match runs outside the reservation, and both are paid for."""

    def one(pair: tuple[Resource, Resource]) -> Iterator[Violation]:
        template, reservation = pair
        yield from independently(
            _same_type(group, reservation),
            _size(group, reservation),
            _zone(group, reservation),
            _placement(template, reservation),
        )

    pairs = (
        (template, reservation)
        for template in templates(group)
        for reservation in template.referred("capacityReservationSpecification", RESERVED)
    )
    yield from each(pairs, one)


def _same_type(group: Resource, reservation: Resource) -> Iterator[Violation]:
    reserved = reservation.get("instanceType")
    for kind in kinds(group):
        if kind != reserved:
            yield Violation(f"its nodes are {kind}, {reservation.name} reserves {reserved}.", check="instanceType")


def _size(group: Resource, reservation: Resource) -> Iterator[Violation]:
    reserved = reservation.number("instanceCount")
    if reserved is not None and most(group) > reserved:
        message = f"it may have {most(group):g} nodes, {reservation.name} reserves {reserved:g}."
        yield Violation(message, check="instanceCount")


def _zone(group: Resource, reservation: Resource) -> Iterator[Violation]:
    zone = reservation.get("availabilityZone")

    def one(subnet: Resource) -> Iterator[Violation]:
        if zone and subnet.get("availabilityZone") not in (None, zone):
            yield Violation(f"subnet {subnet.name} is not in {zone}.", check="availabilityZone")

    yield from each(group.referred("subnetIds", SUBNET), one)


def _placement(template: Resource, reservation: Resource) -> Iterator[Violation]:
    wanted = reservation.referred("placementGroupArn", PLACEMENT)
    if wanted and not set(wanted) & set(template.referred("placement", PLACEMENT)):
        yield Violation(f"{reservation.name} is for placement group {wanted[0].name}.", check="placementGroupArn")


@resource_rule(
    id="capacity-reservation-bounded",
    title="Reservations end, and are used by whom they are for",
    severity="high",
    level="advisory",
    types=[RESERVED],
    fix="set endDateType limited with endDate, and instanceMatchCriteria targeted.",
    parameters={"protected": True},
)
def capacity_reservation_bounded(reservation: Resource, given: Parameters) -> Iterator[Violation]:
    """An unused reservation costs as much as the machines, every hour until somebody notices."""
    kind = str(reservation.get("instanceType", ""))
    if not accelerators(kind):
        return

    def endless() -> bool:
        return not (reservation.get("endDateType") == "limited" and reservation.has("endDate"))

    end = Violation(f"the reservation of {kind} has no end.", check="endDate")
    anybody = Violation("any machine of the type uses it up.", check="instanceMatchCriteria")
    yield from judged(
        (lambda: not given["protected"] and endless(), end),
        (lambda: reservation.get("instanceMatchCriteria") != "targeted", anybody),
    )


@relation_rule(
    id="no-spot-for-training",
    title="Training does not run on spot machines",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP, TEMPLATE],
    fix="buy training nodes on demand, reserved or as a capacity block.",
    references=["AWS EKS best practices"],
    parameters={"label": "workload"},
)
def no_spot_for_training(subject: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """One machine taken away stops all the others of a run."""
    spot = subject.get("capacityType") == "SPOT" or subject.get(MARKET) == "spot"
    if not spot:
        return

    def training(of: Reading, path: str) -> bool:
        found = of.entries(path)
        return any_of(found, lambda key: re.split("[:/]", key)[-1] == given["label"] and found[key] == TRAINING)

    asked = (
        lambda: training(subject, "labels"),
        lambda: subject.tag(given["label"]) == TRAINING,
        lambda: any_of(subject.views("tagSpecifications"), lambda entry: training(entry, "tags")),
    )
    if any_of(asked, lambda ask: ask()):
        yield Violation("nodes for training are bought as spot.")


TAINTS = ("nvidia.com/gpu", "aws.amazon.com/neuron")


def _taint(group: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    keys = {taint.get("key") for taint in group.views("taints")}
    for _, known in facts_of(group):
        if known["accelerators"] and not keys & set(given["taints"]):
            key = "aws.amazon.com/neuron" if known["vendor"] == "aws" else "nvidia.com/gpu"
            yield "taints.-", {"key": key, "value": "present", "effect": "NO_SCHEDULE"}
            return


@relation_rule(
    id="gpu-nodegroup-taint",
    title="Accelerator nodes keep other pods away",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP],
    fix="add the taint nvidia.com/gpu=present:NO_SCHEDULE, or aws.amazon.com/neuron for Trainium.",
    references=["gatekeeper-library 737"],
    parameters={"taints": TAINTS},
    remedy=_taint,
)
def gpu_nodegroup_taint(group: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Without a taint any small pod can hold a machine that costs tens of dollars an hour."""
    keys = {taint.get("key") for taint in group.views("taints") if taint.get("effect") == "NO_SCHEDULE"}
    for kind, known in facts_of(group):
        if known["accelerators"] and not keys & set(given["taints"]):
            yield Violation(f"the nodes ({kind}) carry no accelerator taint.")
