"""Actions that moto lacks, or in which it loses data: a handler a (service, action), found through one table.

A handler takes a `Call` and returns the members of the action's output by their names in the API reference; it raises
`wire.ApiError` with the code that the service documents. `serves` marks an action that is ours alone, `amends` one that
calls `call.native()` and adds what moto lost. Modules of a service are loaded at its first request.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.call import Call

Handler = Callable[[Call], Mapping[str, Any] | None]

MODULES: dict[str, tuple[str, ...]] = {
    "budgets": ("budgets",),
    "codebuild": ("codebuild",),
    "ec2": (
        "ec2.placement_groups",
        "ec2.capacity",
        "ec2.networks",
        "ec2.addresses",
        "ec2.endpoints",
        "ec2.leavings",
        "ec2.rules",
    ),
    "ecr": ("ecr",),
    "eks": (
        "eks.clusters",
        "eks.cluster_updates",
        "eks.nodegroups",
        "eks.nodegroup_updates",
        "eks.addons",
        "eks.access",
        "eks.pod_identity",
        "eks.tags",
    ),
    "fsx": ("fsx.file_systems", "fsx.repositories"),
    "iam": ("iam",),
    "kms": ("kms",),
    "logs": ("logs",),
    "resourcegroupstaggingapi": ("tagging",),
    "s3": ("s3.buckets", "s3.configurations"),
    "sns": ("sns",),
}
"""Modules under this package by service (botocore's name)."""

_HANDLERS: dict[tuple[str, str], Handler] = {}
_AMENDED: set[tuple[str, str]] = set()


def serves(service: str, *actions: str) -> Callable[[Handler], Handler]:
    """Register a handler for actions that moto does not take part in."""

    def register(handler: Handler) -> Handler:
        for action in actions:
            if (service, action) in _HANDLERS:
                raise ValueError(f"{service}:{action} has two handlers")
            _HANDLERS[service, action] = handler
        return handler

    return register


def amends(service: str, *actions: str) -> Callable[[Handler], Handler]:
    """Register a handler that completes moto's own."""
    _AMENDED.update((service, action) for action in actions)
    return serves(service, *actions)


@functools.cache
def load(service: str) -> None:
    """Import the modules of a service."""
    for module in MODULES.get(service, ()):
        importlib.import_module(f"{__name__}.{module}")


def handler(service: str, action: str) -> Handler | None:
    """The handler of an action, or None: then moto is asked."""
    load(service)
    return _HANDLERS.get((service, action))


def actions(service: str) -> dict[str, str]:
    """Actions of a service that have a handler: "filled" (ours) or "amended" (moto's, completed)."""
    load(service)
    kinds = {True: "amended", False: "filled"}
    return {action: kinds[(service, action) in _AMENDED] for owner, action in _HANDLERS if owner == service}
