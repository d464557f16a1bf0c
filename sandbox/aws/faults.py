"""Failures on demand and counters of calls: how tests make the local cloud misbehave.

A fault names a service and an action ("*" for all) and how many matching calls it hits (`count`, -1 for all). It fails
the call with `code`, `message` and `status`, after waiting `delay` seconds (everything waits: one thread serves all).
With `after` the call is carried out first and only its answer is lost, as when a connection breaks. Without `code` it
only delays.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sandbox.aws.wire import ApiError, Target


@dataclass
class Fault:
    service: str = "*"
    action: str = "*"
    count: int = 1
    code: str | None = None
    message: str = "fault on demand"
    status: int = 400
    delay: float = 0.0
    after: bool = False
    hits: int = 0

    def matches(self, target: Target) -> bool:
        return self.count != 0 and self.service in ("*", target.service) and self.action in ("*", target.action)


@dataclass
class Faults:
    """Faults that wait for their call, and how often each action was called."""

    waiting: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def replace(self, entries: list[dict[str, Any]]) -> None:
        """Take new faults instead of the old. Raises ValueError for a key or value that makes no sense."""
        known = {entry.name for entry in fields(Fault)} - {"hits"}
        for entry in entries:
            unknown = sorted(set(entry) - known)
            if unknown:
                raise ValueError(f"fault: {', '.join(unknown)} unknown; known are {', '.join(sorted(known))}")
            if not 0 <= float(entry.get("delay", 0)) <= 60:
                raise ValueError(f"fault: delay {entry['delay']} is not between 0 and 60 seconds")
            if not 400 <= int(entry.get("status", 400)) <= 599:
                raise ValueError(f"fault: status {entry['status']} is no HTTP error; give 400 to 599")
        self.waiting = [Fault(**entry) for entry in entries]

    def take(self, target: Target) -> Fault | None:
        """Count the call; the first fault that hits it, if any, after its delay."""
        self.calls[f"{target.service}:{target.action}"] += 1
        fault = next((entry for entry in self.waiting if entry.matches(target)), None)
        if fault is None:
            return None
        fault.hits += 1
        fault.count -= 1 if fault.count > 0 else 0
        if fault.delay:
            time.sleep(fault.delay)
        return fault if fault.code else None

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.waiting]


def failure(fault: Fault) -> ApiError:
    return ApiError(fault.code or "InternalFailure", fault.message, fault.status)
