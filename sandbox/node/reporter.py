"""Tells the API server about one pod: its status when it changes, and events worth a user's attention."""

from __future__ import annotations

import logging

from sandbox.node import status
from sandbox.node.api import Api, Object, Refused, namespaced
from sandbox.node.launch import now
from sandbox.node.sources import Events
from sandbox.node.status import PodView

log = logging.getLogger(__name__)


class Reporter:
    """Remembers what was told, so that nothing is told twice."""

    def __init__(self, pod: Object, api: Api, events: Events) -> None:
        self._pod, self._api, self._events = pod, api, events
        self._known: Object = pod.get("status") or {}
        self._warned: dict[str, str] = {}

    def send(self, view: PodView) -> bool:
        """Send the status unless it is known. False when the API server has no such pod any more.

        Raises ApiError when it could not be asked.
        """
        found = status.render(view, self._known, now())
        if found == self._known:
            return True
        metadata = self._pod["metadata"]
        path = namespaced("pods", metadata["namespace"], metadata["name"]) + "/status"
        try:
            self._api.patch(path, {"metadata": {"uid": metadata["uid"]}, "status": found})
        except Refused as problem:
            if problem.status not in {404, 409}:
                raise
            self._known = found
            return False
        self._known = found
        return True

    def warn(self, reason: str, message: str) -> None:
        """An event and a log line, once for each new message."""
        if self._warned.get(reason) != message:
            self._warned[reason] = message
            metadata = self._pod["metadata"]
            log.warning("pod %s/%s: %s: %s", metadata["namespace"], metadata["name"], reason, message)
            self._events.warn(self._pod, reason, message)
