"""Which machines a node group or launch template uses; shared by the rules about accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from .facts import listed, machine, machines
from .model import CannotTell, Reading, Resource, Stack, View, any_of, each, independently

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
SCALING_GROUP = "aws:autoscaling/group:Group"
EFA_TYPES = ("efa", "efa-only")
OVERRIDES = "mixedInstancesPolicy.launchTemplate.overrides"


def templates(group: Resource) -> list[Resource]:
    """The launch templates of a node group or scaling group that are in the stack."""
    found = group.referred("launchTemplate", TEMPLATE)
    return found + [entry for entry in group.referred("mixedInstancesPolicy", TEMPLATE) if entry not in found]


def uses(group: Resource) -> list[str]:
    """The instance types of a node group or scaling group, all of them."""
    return list(dict.fromkeys(kinds(group)))


def kinds(group: Resource) -> Iterator[str]:
    """The instance types of a group one by one; `CannotTell` after those that are known where there may be others."""
    found: list[str] = []

    def noted(kind: str) -> list[str]:
        found.append(kind)
        return [kind]

    sources = [*templates(group), *group.referred("launchConfiguration", CONFIGURATION)]
    own = () if group.all(OVERRIDES) else sources  # overrides take the place of the template's type
    yield from independently(
        each(each(group.views(OVERRIDES), _kinds), noted),
        each(each(own, _kinds), noted),
        each(map(str, group.items("instanceTypes")), noted),
        each(_kinds(group), noted),
    )
    if not found and not sources:
        for path in ("launchTemplate", "mixedInstancesPolicy.launchTemplate", "launchConfiguration"):
            if group.has(path):
                raise CannotTell(path, "names a template that is not in the stack")


def _kinds(source: Reading) -> Iterator[str]:
    """The instance types of a template or an override, be they described by what they must have."""
    if kind := source.get("instanceType"):
        yield str(kind)
    if not source.has("instanceRequirements"):
        return
    allowed = [str(pattern) for pattern in source.known("instanceRequirements.allowedInstanceTypes")]
    for pattern in allowed:
        yield from (name for name in machines() if fnmatchcase(name, pattern)) if "*" in pattern else [pattern]
    most = source.number("instanceRequirements.acceleratorCount.max")
    if not allowed and most != 0:
        raise CannotTell("instanceRequirements", "leaves the instance types open")


def accelerators(kind: str) -> int:
    """Accelerators of an instance type; 0 for one without, or that nobody knows."""
    known = machine(kind)
    return int(known["accelerators"]) if known else 0


def counted(kind: str) -> int:
    """Accelerators of an instance type. Raises `CannotTell` for one that no table holds."""
    if not listed(kind):
        raise CannotTell(kind, "is in no table of instance types")
    return accelerators(kind)


def accelerated(group: Resource) -> bool:
    """Whether a group has machines with accelerators."""
    return any_of(kinds(group), lambda kind: bool(accelerators(kind)))


def accelerated_groups(stack: Stack) -> Iterator[Resource]:
    """Node groups and scaling groups with accelerators; `CannotTell` after them where that is unknown of others."""
    return each(stack.of(NODE_GROUP, SCALING_GROUP), lambda group: [group] if accelerated(group) else [])


def most(group: Resource) -> float:
    """The number of machines that a group may have."""
    path = "scalingConfig.maxSize" if group.type == NODE_GROUP else "maxSize"
    return group.number(path, 0) or 0


def has_efa(template: Resource) -> bool:
    """Whether a launch template asks for EFA on any of its interfaces."""
    return any_of(template.views("networkInterfaces"), _carries_efa)


def efa_interfaces(template: Resource) -> Iterator[View]:
    """The interfaces of a launch template that carry EFA; `CannotTell` after them where that is unknown of others."""
    doubt: CannotTell | None = None
    for entry in template.views("networkInterfaces"):
        try:
            carries = _carries_efa(entry)
        except CannotTell as unknown:
            doubt = doubt or unknown
            continue
        if carries:
            yield entry
    if doubt is not None:
        raise doubt


def _carries_efa(entry: View) -> bool:
    return entry.get("interfaceType") in EFA_TYPES


def facts_of(group: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each instance type of a group with what is known of it."""
    said: set[str] = set()
    for kind in kinds(group):
        if kind not in said and (known := machine(kind)):
            said.add(kind)
            yield kind, known
