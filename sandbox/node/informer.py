"""Keeps up with a list of objects of the API server: list, watch, and again when the watch ends.

When the server is away it says so once, tries again with growing pauses, and says when it is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.node.api import Api, ApiError, Object

log = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


@dataclass
class Informer:
    """Calls `replace` with the whole list, then `update` with each change, until `stop` is set."""

    api: Api
    path: str
    replace: Callable[[list[Object]], None]
    update: Callable[[str, Object], None]
    stop: threading.Event
    query: dict[str, str]

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.run, name=f"watch {self.path}", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self.stop.is_set():
            try:
                listed = self.api.list(self.path, **self.query)
                if pause > FIRST_PAUSE:
                    log.info("%s: watching again", self.path)
                    pause = FIRST_PAUSE
                self.replace(listed.get("items") or [])
                self._follow(listed["metadata"]["resourceVersion"])
            except ApiError as error:
                if pause == FIRST_PAUSE:
                    log.warning("%s: %s; trying again", self.path, error)
                self.stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _follow(self, version: str) -> None:
        """Watch after watch, as long as each ends in peace."""
        while not self.stop.is_set():
            for kind, thing in self.api.watch(self.path, version, **self.query):
                version = thing["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self.update(kind, thing)
                if self.stop.is_set():
                    return
