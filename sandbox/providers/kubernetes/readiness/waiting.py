"""The loop that waits: for readiness, and for an object to be gone.

It polls (one request or a few per second and object) rather than watches: nothing to reconnect, and a cancel ends it
at once. An API server that is away for a moment does not end a wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable, one_line
from sandbox.providers.kubernetes.objects import Object, items, members
from sandbox.providers.kubernetes.readiness.progress import Check, Progress

R = TypeVar("R")

FIRST_DELAY, MAX_DELAY, GROWTH = 0.1, 1.0, 1.5
AWAY_SECONDS = 60.0
"""How long the API server may be away during a wait."""
MAX_EVENTS = 3


class NotReady(Exception):
    """The object exists but did not become ready. `live` is its last state, `reasons` are for the user, one line
    each.
    """

    def __init__(self, live: Object, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.live, self.reasons = live, reasons


class Around:
    """The surroundings of one object, for readiness checks."""

    def __init__(self, cluster: Cluster, subject: Object, before: Object | None = None) -> None:
        self.before = before
        self._cluster, self._namespace = cluster, objects.namespace(subject)
        self._view: object = None
        self._since: float | None = None

    def list(self, version: str, kind: str, **query: str) -> list[Object]:
        return self._cluster.list(version, kind, self._namespace, **query)

    def find(self, version: str, kind: str, name: str) -> Object | None:
        metadata = {"name": name, "namespace": self._namespace}
        return self._cluster.get({"apiVersion": version, "kind": kind, "metadata": metadata})

    def stable_for(self, view: object) -> float:
        now = time.monotonic()
        if self._since is None or view != self._view:
            self._view, self._since = view, now
        return now - self._since


class Waiter:
    """Waits for one resource operation. `tell` shows a status line; `cancelled` ends every wait."""

    def __init__(
        self, cluster: Cluster, cancelled: threading.Event, tell: Callable[[str], None], seconds: float
    ) -> None:
        self._cluster, self._cancelled, self._tell = cluster, cancelled, tell
        self._deadline = time.monotonic() + seconds
        self._told = ""

    def until_ready(self, made: Object, check: Check, before: Object | None = None) -> Object:
        """The live object once `check` says ready. Raises `NotReady`."""
        around = Around(self._cluster, made, before)
        last, delay, away_since = made, FIRST_DELAY, 0.0
        progress = Progress(False)
        while True:
            try:
                live = self._cluster.get(made)
                if live is None:
                    raise NotReady(last, [f"{objects.label(made)} was deleted while waiting for it to become ready"])
                last, progress, away_since = live, check(live, around), 0.0
            except (Unreachable, ApiError, UnknownKind) as error:
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > AWAY_SECONDS:
                    raise NotReady(last, [str(error), *progress.problems]) from None
            if progress.ready and not away_since:
                self._show("")
                return last
            if progress.failed:
                raise NotReady(last, self._reasons(last, progress))
            self._show(progress.status)
            if not self._pause(delay):
                name = objects.name(made)
                first = (
                    f"Resource operation was cancelled for '{name}'"
                    if self._cancelled.is_set()
                    else f"'{name}' timed out waiting to be Ready"
                )
                raise NotReady(last, [first, *self._reasons(last, progress)])
            delay = min(delay * GROWTH, MAX_DELAY)

    def until_gone(self, obj: Object) -> list[str] | None:
        """Wait until the object (by uid) no longer exists. None when it is gone, else why it is not."""
        uid, delay = objects.metadata(obj).get("uid"), FIRST_DELAY
        live: Object | None = obj
        while True:
            try:
                live = self._cluster.get(obj)
                if live is None or (uid and objects.metadata(live).get("uid") != uid):
                    self._show("")
                    return None
            except UnknownKind:
                return None
            except (Unreachable, ApiError):
                pass  # counts against the time limit
            self._show(f"Waiting for {objects.label(obj)} to be deleted")
            if not self._pause(delay):
                return self._still_there(live or obj)
            delay = min(delay * GROWTH, MAX_DELAY)

    def _still_there(self, live: Object) -> list[str]:
        word = "was cancelled" if self._cancelled.is_set() else "timed out"
        reasons = [f"the deletion {word} before the object was gone"]
        finalizers = items(objects.metadata(live).get("finalizers")) + items(objects.pluck(live, "spec", "finalizers"))
        if finalizers:
            reasons.append(f"finalizers might be preventing deletion ({', '.join(map(str, finalizers))})")
        conditions = map(members, items(objects.pluck(live, "status", "conditions")))
        return reasons + [
            one_line(str(one["message"])) for one in conditions if one.get("status") == "True" and one.get("message")
        ]

    def repeat(self, work: Callable[[], R], again: Callable[[Exception], bool], tries: int = 6) -> R:
        """Run `work`; repeat it after 1, 2, 4, ... seconds while `again` accepts its exception (official: five
        repetitions).
        """
        for attempt in range(tries):
            try:
                return work()
            except (ApiError, UnknownKind) as error:
                if attempt == tries - 1 or not again(error):
                    raise
                self._show(f"Retry #{attempt}; creation failed: {error}")
                if not self._pause(2.0**attempt):
                    raise
        raise AssertionError("unreachable")

    def _pause(self, delay: float) -> bool:
        """Sleep; False when cancelled or out of time."""
        remaining = self._deadline - time.monotonic()
        return remaining > 0 and not self._cancelled.wait(min(delay, remaining))

    def _show(self, status: str) -> None:
        if status != self._told:
            self._told = status
            self._tell(status)

    def _reasons(self, live: Object, progress: Progress) -> list[str]:
        return list(dict.fromkeys([*progress.problems, *self._events(live)]))

    def _events(self, live: Object) -> list[str]:
        """The last warnings about an object. Best effort: they only explain."""
        selector = f"involvedObject.uid={objects.metadata(live).get('uid')},type=Warning"
        try:
            found = self._cluster.list("v1", "Event", objects.namespace(live), fieldSelector=selector)
        except (ApiError, Unreachable, UnknownKind):
            return []
        lines = dict.fromkeys(one_line(f"[{event.get('reason')}] {event.get('message')}") for event in found)
        return list(lines)[-MAX_EVENTS:]
