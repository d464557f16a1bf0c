"""Which actions the local AWS API serves: moto's own, moto's completed, ours, or none.

Told from botocore's service models, moto's methods and our table of handlers, without calling anything. "native" means
that moto has a method for the action, not that it loses nothing; what our components use is tried in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SERVICES = (
    "autoscaling",
    "budgets",
    "ec2",
    "ecr",
    "eks",
    "fsx",
    "iam",
    "kms",
    "logs",
    "resourcegroupstaggingapi",
    "s3",
    "sns",
    "sts",
)
"""Services that the components use (botocore's names)."""


@dataclass(frozen=True)
class Coverage:
    """Actions of one service by who serves them, each sorted."""

    service: str
    native: tuple[str, ...]
    """moto alone"""
    amended: tuple[str, ...]
    """moto, completed by us"""
    filled: tuple[str, ...]
    """ours alone"""
    missing: tuple[str, ...]
    """answered with NotAvailableInLocalCloud"""
    unknown: tuple[str, ...]
    """moto routes the service in its own way: only a call would tell"""

    @property
    def served(self) -> int:
        return len(self.native) + len(self.amended) + len(self.filled)


def of(service: str) -> Coverage:
    """Coverage of one service. Raises botocore's UnknownServiceError for a name that is no service."""
    import botocore.session

    from sandbox.aws import gaps, native

    model: Any = botocore.session.get_session().get_service_model(service)
    ours = gaps.actions(service)
    found: dict[str, list[str]] = {"native": [], "amended": [], "filled": [], "missing": [], "unknown": []}
    known = native.backend_name(service)
    by_moto = {True: "native", False: "missing", None: "unknown"}
    for action in sorted(model.operation_names):
        found[ours.get(action) or by_moto[native.implements(known, action)]].append(action)
    return Coverage(service, **{kind: tuple(names) for kind, names in found.items()})


def table(services: tuple[str, ...] = SERVICES) -> list[Coverage]:
    """Coverage of services, in their order."""
    return [of(service) for service in services]
