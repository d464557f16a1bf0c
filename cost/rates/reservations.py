"""Reserved capacity and what runs in it. A machine in a reservation of the plan is charged once: the reservation costs
what nothing of the plan fills.

A group, a machine or a node pool is in a reservation when it, or its template, names it: by a relation of the plan, by
its id or by its name. Machines that merely match an open reservation are not told from others, because which of them
get its capacity is decided when they start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from catalog.price import Ambiguous
from cost import registry
from cost.subject import BadInput, CannotTell, Fleet, Subject
from plan import Resource

RESERVED = "reservation"
"""How capacity is bought that a reservation holds."""
CAPACITY = "aws:ec2/capacityReservation:CapacityReservation"
GOOGLE = "gcp:compute/reservation:Reservation"
SPECIFIC = "SPECIFIC_RESERVATION"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GOOGLE_TEMPLATES = (
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)
USERS: Mapping[str, tuple[str, ...]] = {
    "aws:ec2/instance:Instance": ("launchTemplate",),
    "aws:autoscaling/group:Group": ("launchTemplate", "mixedInstancesPolicy"),
    "aws:eks/nodeGroup:NodeGroup": ("launchTemplate",),
    "gcp:compute/instance:Instance": (),
    "gcp:compute/instanceGroupManager:InstanceGroupManager": ("versions",),
    "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager": ("versions",),
    "gcp:container/nodePool:NodePool": (),
    "gcp:container/cluster:Cluster": (),
}
"""Types that make machines, and the inputs that name their template."""
TARGET = "capacityReservationSpecification.capacityReservationTarget"


def targeted(it: Subject) -> bool:
    """Whether a machine or template of AWS is to run in one certain reservation."""
    return it.has(TARGET)


def affine(it: Subject) -> bool:
    """Whether a machine or template of Google is to run in one certain reservation."""
    return _specific(it.resource.inputs.get("reservationAffinity"))


def unused(it: Subject, count: Decimal) -> Decimal:
    """Machines of a reservation that nothing of the plan runs on."""
    used: dict[str, Decimal] = it.book.once("machines in reservations", lambda: _used(it))
    return max(count - used.get(it.resource.urn, Decimal(0)), Decimal(0))


def _used(it: Subject) -> dict[str, Decimal]:
    """By reservation, how many of its machines the plan's own groups take. One that names several fills the first."""
    used: dict[str, Decimal] = {}
    for user in it.book.plan:
        if user.type not in USERS or user.external:
            continue
        at = Subject(user, it.book.region(user), it.book.usage.of(user), it.book)
        homes = dict.fromkeys(home.urn for home in _homes(at))
        running = _running(at) if homes else {}
        for urn in homes:
            kind, size = _held(it.other(it.book.plan.by_urn[urn]))
            taken = min(running.get(kind, Decimal(0)), size - used.get(urn, Decimal(0)))
            if taken > 0:
                used[urn] = used.get(urn, Decimal(0)) + taken
                running[kind] -= taken
    return used


def _running(at: Subject) -> dict[str, Decimal]:
    """Machines by type that a resource runs in reserved capacity, as its own rate counts them."""
    rate, found = registry.find(at.resource.type), dict[str, Decimal]()
    try:
        for entry in rate(at) if rate else ():
            if isinstance(entry, Fleet) and entry.purchase == RESERVED:
                found[entry.instance_type] = found.get(entry.instance_type, Decimal(0)) + entry.count
    except (CannotTell, BadInput, Ambiguous, AttributeError, TypeError, ValueError, LookupError, ArithmeticError):
        pass  # its own entry of the estimate says what is wrong with it
    return found


def _held(reservation: Subject) -> tuple[str, Decimal]:
    """Type and number of the machines of a reservation."""
    try:
        if reservation.resource.type == CAPACITY:
            return reservation.text("instanceType"), reservation.amount("instanceCount", 1)
        path = "specificReservation"
        return reservation.text(f"{path}.instanceProperties.machineType"), reservation.amount(f"{path}.count", 1)
    except (CannotTell, BadInput):
        return "", Decimal(0)


def _homes(at: Subject) -> Iterator[Resource]:
    """The reservations of the plan that a resource or its template names."""
    yield from _named(at)
    for path in USERS[at.resource.type]:
        template = at.referred(path, TEMPLATE, *GOOGLE_TEMPLATES)
        if template:
            yield from _named(at.other(template))


def _named(at: Subject) -> Iterator[Resource]:
    """The reservations that one resource names; where no input tells, those that it depends on."""
    for head, texts in _targets(at):
        found = list(at.book.named(at.resource, head, texts, (CAPACITY, GOOGLE)))
        known = at.book.plan.by_urn
        beside = (known[urn] for urn in at.resource.dependencies if urn in known)
        yield from found or (other for other in beside if other.type in (CAPACITY, GOOGLE))


def _targets(at: Subject) -> Iterator[tuple[str, Iterator[str]]]:
    """Inputs that aim at a reservation, and the texts in them."""
    inputs = at.resource.inputs
    specification = inputs.get("capacityReservationSpecification")
    target = specification.get("capacityReservationTarget") if isinstance(specification, Mapping) else None
    if target is not None:
        yield "capacityReservationSpecification", _texts(target)
    pools = inputs.get("nodePools")
    sections = [("reservationAffinity", inputs), ("nodeConfig", inputs.get("nodeConfig"))]
    pools = [pool for pool in pools if isinstance(pool, Mapping)] if isinstance(pools, list) else []
    sections += [("nodePools", pool.get("nodeConfig")) for pool in pools]
    for head, section in sections:
        affinity = section.get("reservationAffinity") if isinstance(section, Mapping) else None
        if _specific(affinity):
            yield head, _texts(affinity)


def _specific(affinity: Any) -> bool:
    return isinstance(affinity, Mapping) and SPECIFIC in (affinity.get("type"), affinity.get("consumeReservationType"))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value. Of a path (`projects/p/reservations/r/...`) the name of the reservation."""
    if isinstance(value, str):
        yield value.partition("reservations/")[2].partition("/")[0] or value.partition("/")[0]
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
