"""Waiting until an object is what it is to become, or gone. Every wait ends with a time-out or when the engine says
stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from sandbox.providers.aws.record import Record
from sandbox.providers.protocol import Fail, Target

DEFAULT_TIMEOUT_SECONDS = 20 * 60.0
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.1, 2.0


class Missing(Exception):
    """The object does not exist in the cloud."""


class _Pauses:
    """Pauses between questions, ever longer."""

    def __init__(self, target: Target, known: str, cancelled: threading.Event) -> None:
        self._what, self._cancelled = f"{target.type} {known}", cancelled
        self._end = time.monotonic() + (target.timeout or DEFAULT_TIMEOUT_SECONDS)
        self._seconds = FIRST_POLL_SECONDS

    def pause(self, state: str) -> None:
        """Raises `Fail` at the time-out and on cancel; `state` is what is waited out."""
        if time.monotonic() > self._end:
            raise Fail(f"{self._what}: {state} at the time-out", grpc.StatusCode.DEADLINE_EXCEEDED)
        if self._cancelled.wait(self._seconds):
            raise Fail(f"{self._what}: {state} when it was canceled", grpc.StatusCode.CANCELLED)
        self._seconds = min(self._seconds * 1.5, LONGEST_POLL_SECONDS)


def settled(describe: Callable[[], Any], record: Record, target: Target, known: str, cancelled: threading.Event) -> Any:
    """The described object once its status is no longer on the way. Raises `Fail` and what `describe` raises."""
    pauses = _Pauses(target, known, cancelled)
    while True:
        live = describe()
        status = record.status(live)
        if status in record.failed:
            raise Fail(f"{target.type} {known}: status {status}")
        if status not in record.pending:
            return live
        pauses.pause(f"still {status}")


def gone(
    describe: Callable[[], Any], record: Record, target: Target, known: str, cancelled: threading.Event
) -> NoReturn:
    """Wait until `describe` raises `Missing`. Raises `Fail` when the object stays."""
    pauses = _Pauses(target, known, cancelled)
    while True:
        status = record.status(describe())
        if status in record.failed:
            raise Fail(f"{target.type} {known}: status {status} while deleting")
        pauses.pause(f"still {status}")
