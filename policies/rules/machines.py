"""Which machines a node group or launch template uses; shared by the rules about accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import machine
from .model import Resource, Stack, View

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
SCALING_GROUP = "aws:autoscaling/group:Group"
EFA_TYPES = ("efa", "efa-only")


def templates(group: Resource) -> list[Resource]:
    """The launch templates of a node group or scaling group that are in the stack."""
    found = group.referred("launchTemplate", TEMPLATE)
    return found + [entry for entry in group.referred("mixedInstancesPolicy", TEMPLATE) if entry not in found]


def uses(group: Resource) -> list[str]:
    """The instance types of a node group or scaling group."""
    kinds = [str(kind) for template in templates(group) if (kind := template.get("instanceType"))]
    kinds += [str(kind) for kind in group.known("instanceTypes")]
    kinds += [str(group.get("instanceType"))] if group.get("instanceType") else []
    return list(dict.fromkeys(kinds))


def accelerators(kind: str) -> int:
    """Accelerators of an instance type; 0 for one without, or that nobody knows."""
    known = machine(kind)
    return int(known["accelerators"]) if known else 0


def accelerated(group: Resource) -> bool:
    """Whether a group has machines with accelerators."""
    return any(accelerators(kind) for kind in uses(group))


def accelerated_groups(stack: Stack) -> list[Resource]:
    """Node groups and scaling groups with accelerators."""
    return [group for group in stack.of(NODE_GROUP, SCALING_GROUP) if accelerated(group)]


def most(group: Resource) -> float:
    """The number of machines that a group may have."""
    path = "scalingConfig.maxSize" if group.type == NODE_GROUP else "maxSize"
    return group.number(path, 0) or 0


def efa_interfaces(template: Resource) -> list[View]:
    """The interfaces of a launch template that carry EFA."""
    return [entry for entry in template.views("networkInterfaces") if entry.get("interfaceType") in EFA_TYPES]


def facts_of(group: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each instance type of a group with what is known of it."""
    for kind in uses(group):
        if known := machine(kind):
            yield kind, known
