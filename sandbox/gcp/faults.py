"""Calls of the recorded cloud that are to fail or to wait: `<state>/gcp-faults.json`, for tests.

A list of {"verb": "create", "type": "...", "message": "...", "after": false, "seconds": 0, "times": 1}. `type` and
`verb` may be left out and then match all; without `message` the call only waits for so many seconds. `after`: all of it
happens once the resource is recorded, as it may with an API.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.settings import Settings


@dataclass(frozen=True)
class Fault:
    """What is to happen to one call."""

    message: str | None
    after: bool
    seconds: float


def path(settings: Settings) -> Path:
    return settings.state / "gcp-faults.json"


def take(settings: Settings, verb: str, kind: str) -> Fault | None:
    """The fault that is to hit this call, used up by it."""
    try:
        file = path(settings).open("r+", encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        entries: list[dict[str, Any]] = json.load(file)
        hit = next((one for one in entries if _hits(one, verb, kind)), None)
        if hit is None:
            return None
        hit["times"] = hit.get("times", 1) - 1
        file.seek(0)
        file.truncate()
        json.dump(entries, file)
    return Fault(hit.get("message"), bool(hit.get("after")), float(hit.get("seconds", 0)))


def _hits(entry: dict[str, Any], verb: str, kind: str) -> bool:
    return entry.get("times", 1) > 0 and entry.get("verb", verb) == verb and entry.get("type", kind) == kind
