"""One call of an action that the gaps serve."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sandbox.aws import native, state, wire

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How this process was started."""

    cluster_endpoint: str | None = None
    """Address of the one Kubernetes API server behind every emulated cluster."""
    cluster_ca: Path | None = None
    """PEM file of that server's certificate authority."""


@dataclass(frozen=True)
class Call:
    """Parameters and circumstances of a call. `params` is the handler's own copy."""

    target: wire.Target
    params: dict[str, Any]
    account: str
    options: Options
    _native: Callable[[dict[str, str]], wire.Reply]

    @property
    def region(self) -> str:
        return self.target.region

    @property
    def partition(self) -> str:
        from moto.utilities.utils import get_partition

        return get_partition(self.region)

    def native(self, **changed: str) -> dict[str, Any]:
        """moto's result of this very call; its errors go to the client unchanged.

        `changed` replaces plain parameters on the way (EC2 and query protocols only).
        """
        return wire.decoded(self.target, self._native(changed))

    def store(self, kind: type[T]) -> T:
        """State of the gaps in this account and region."""
        return state.store(kind, self.account, self.region)

    def backend(self, service: str) -> Any:
        """moto's state of a service in this account and region."""
        return native.backend(service, self.account, self.region)

    def arn(self, resource: str, service: str | None = None) -> str:
        return f"arn:{self.partition}:{service or self.target.service}:{self.region}:{self.account}:{resource}"

    def not_available(self, detail: str) -> wire.NotAvailable:
        return wire.NotAvailable(self.target.service, self.target.action, detail)


def new_id(prefix: str, length: int = 17) -> str:
    """An id in the manner of EC2: prefix and hexadecimal digits."""
    return prefix + uuid.uuid4().hex[:length]
