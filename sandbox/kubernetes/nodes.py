"""`python -m sandbox.kubernetes.nodes`: keeps simulated nodes in step with the node groups of the emulated EKS.

Asks the AWS API every second and acts when its answer changed, or when someone else changed the nodes (looked at every
few seconds). While either API is away nothing is removed; it goes on when both are back. An AWS API that was restarted
has lost its node groups, so their nodes go too. What it last did is in `<state>/run/nodes.json`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from types import FrameType

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from sandbox.kubernetes import nodegroups
from sandbox.kubernetes.connection import connect
from sandbox.kubernetes.nodegroups import BENCH_POOL, Inventory
from sandbox.kubernetes.pki import write_if_changed
from sandbox.kubernetes.reconcile import Reconciler
from sandbox.settings import Settings

PAUSE = 1.0
LOOK_AGAIN = 5.0
"""Seconds between looks at the nodes when the node groups did not change."""


class Daemon:
    """The loop and what it remembers between rounds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reconciler = Reconciler(connect(settings, "node-agent"), log)
        self._last: Inventory | None = None
        self._looked = 0.0
        self._problem: str | None = "has not finished its first round"

    def round(self) -> None:
        """Read, compare, act; a failure is told once and tried again next time."""
        try:
            self._step()
            problem = None
        except (OSError, ValueError, KeyError) as error:
            problem = f"the AWS API does not answer: {error}"
        except (ApiException, HTTPError) as error:
            self._last = None
            reason = f"{error.status} {error.reason}" if isinstance(error, ApiException) else type(error).__name__
            problem = f"the Kubernetes API does not answer: {reason}"
        if problem != self._problem:
            log(problem or "in step with the node groups")
            self._problem = problem
            self._tell()

    def _step(self) -> None:
        inventory = nodegroups.read(self._settings)
        if self._last and inventory.boot_id != self._last.boot_id:
            log("the AWS API was restarted and has lost its state: nodes without a node group are removed")
        due = time.monotonic() - self._looked > LOOK_AGAIN
        if inventory == self._last and not due:
            return
        for group, why in inventory.unknown.items() if inventory != self._last else ():
            log(f"node group {group}: {why}; its nodes are left as they are")
        self._reconciler.run(inventory, [node for node in inventory.nodes if node.pool != BENCH_POOL])
        self._last, self._looked = inventory, time.monotonic()

    def _tell(self) -> None:
        """For `sandbox status` and the start, which waits for the first round."""
        path = self._settings.state / "run" / "nodes.json"
        write_if_changed(path, json.dumps({"pid": os.getpid(), "problem": self._problem}))


def log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")
    sys.stderr.flush()


def main() -> None:
    """Run until SIGTERM."""
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    daemon = Daemon(Settings.load())
    while not ended.is_set():
        daemon.round()
        ended.wait(PAUSE)


if __name__ == "__main__":
    main()
