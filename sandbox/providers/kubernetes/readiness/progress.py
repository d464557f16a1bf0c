"""What a readiness check is: a live object and its surroundings in, a `Progress` out. Holds types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.providers.kubernetes.objects import Object


@dataclass(frozen=True)
class Progress:
    """Where an object stands. `failed`: it will not become ready by itself any more, waiting on is useless."""

    ready: bool
    status: str = ""
    problems: list[str] = field(default_factory=list)
    failed: bool = False


class Surroundings(Protocol):
    """What a check may look at beside the object itself."""

    before: Object | None
    """The live object before an update, None for a creation."""

    def list(self, version: str, kind: str, **query: str) -> list[Object]:
        """Objects of a kind in the namespace of the object that is waited for."""
        ...

    def find(self, version: str, kind: str, name: str) -> Object | None:
        """One object by name, in the same namespace where the kind has one."""
        ...

    def stable_for(self, view: object) -> float:
        """Seconds since `view` (anything comparable) last changed between calls; 0 at the first."""
        ...


Check = Callable[[Object, Surroundings], Progress]


def number(value: object) -> int:
    """A count out of a status, 0 when absent."""
    return int(value) if isinstance(value, int | float) else 0
