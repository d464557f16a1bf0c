"""One container of a pod, over all its starts: each start is an attempt with a folder and a shim of its own.

What happened is read from the attempts' files (launch.py), so an agent that comes back knows as much as the one that
died. Leaves out: when to start (pod.py) and what to start (workload.py).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.node import launch as paper
from sandbox.node.api import Object
from sandbox.node.launch import Launch, Outcome
from sandbox.node.linux import Process
from sandbox.node.status import ContainerView, Ended, Running, State, Waiting
from sandbox.settings import REPOSITORY

log = logging.getLogger(__name__)
START_SECONDS = 30.0
"""How long a shim may take to start its program before the container is looked at as running or failed."""
LOST = 137
"""Exit code that the kubelet reports for a container it lost sight of."""
STABLE_SECONDS = 600.0
"""A container that ran so long starts with a short back-off again; the kubelet's figure."""
KEPT_VARIABLES = ("AIDC_DAEMON", "AIDC_STATE")
"""By these the supervisor knows every process of a sandbox."""


@dataclass(frozen=True)
class Backoff:
    """Pauses between starts, in seconds. Shorter than the kubelet's 10 s to 5 min: nobody's registry is hurt here."""

    first: float = 1.0
    longest: float = 60.0

    def after(self, restarts: int) -> float:
        return min(self.first * 2**restarts, self.longest)


class Container:
    """A container of a pod; `folder` holds one folder per attempt, named by its number."""

    def __init__(self, spec: Object, folder: Path, uid: str, policy: str, pod: str) -> None:
        """`policy` is the restart policy of this container, `pod` its pod's name for log lines."""
        self.title = f"{pod} {spec['name']}"
        self.name: str = spec["name"]
        self.spec = spec
        self.restarts = 0
        """Number of the current attempt."""
        self.waiting = Waiting("ContainerCreating")
        self.retry_at: float | None = None
        """When the next start may be tried (monotonic); None when nothing is planned."""
        self._folder, self._uid, self._policy = folder, uid, policy
        self._shim: Process | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._killed_at: float | None = None
        self.descriptor: int | None = None
        """Readable when the current attempt has ended; None when none is alive."""
        self.outcome: Outcome | None = None
        """How the current attempt ended; None while it runs or when there is none."""

    @property
    def attempt(self) -> Path:
        return self._folder / str(self.restarts)

    @property
    def next_attempt(self) -> Path:
        """The folder of the attempt that `start` will make."""
        return self._folder / str(self.restarts + (self.outcome is not None))

    @property
    def alive(self) -> bool:
        return self.descriptor is not None

    @property
    def settled(self) -> bool:
        """Whether it has ended and its restart policy leaves it at that."""
        if self.outcome is None:
            return False
        return self._policy == "Never" or (self._policy == "OnFailure" and self.outcome.exit_code == 0)

    @property
    def failed(self) -> bool:
        return self.outcome is not None and self.outcome.exit_code != 0

    @property
    def started(self) -> bool:
        """Whether the current attempt was made, whatever became of it."""
        return self.alive or self.outcome is not None

    def start(self, launch: Launch) -> None:
        """Make the next attempt. Blocks until the program runs or has failed (some 50 ms)."""
        if self.outcome is not None:
            self.restarts += 1
        self.outcome, self.retry_at, self._killed_at = None, None, None
        folder = self.attempt
        launch.write(folder)
        descriptors = [one for one in (launch.node_network, launch.pod_network) if one is not None]
        ready, told = os.pipe()
        environment = {key: os.environ[key] for key in KEPT_VARIABLES if key in os.environ}
        try:
            with (folder / "shim.log").open("ab") as output:
                self._process = subprocess.Popen(
                    [sys.executable, "-S", "-m", "sandbox.node.shim", str(folder), str(told)],
                    cwd="/",
                    env=environment | {"PYTHONPATH": str(REPOSITORY), "PYTHONSAFEPATH": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[told, *descriptors],
                    start_new_session=True,
                )
            os.close(told)
            select.select([ready], [], [], START_SECONDS)
        finally:
            os.close(ready)
        log.info("%s: started %s", self.title, launch.argv[0])
        self._watch(Process.of(self._process.pid))
        self.look()

    def adopt(self) -> None:
        """Take over what an earlier agent started. An attempt whose shim never came up is given up."""
        numbers = [int(path.name) for path in self._folder.glob("[0-9]*") if (path / paper.LAUNCH).exists()]
        if not numbers:
            return
        self.restarts = max(numbers)
        # Whoever claims the attempt first decides: a shim that starts only now finds it given up and goes away.
        if paper.claim(self.attempt, None):
            self._lose("the process node's agent ended before the container was started")
            return
        self._watch(paper.shim(self.attempt))
        self.look()

    def lose(self, restarts: int, message: str) -> None:
        """Record a container that ran but of which nothing is left."""
        self.restarts = restarts
        self.attempt.mkdir(parents=True, exist_ok=True)
        self._lose(message)

    def look(self) -> None:
        """Take note of an end."""
        if self.descriptor is None or not select.select([self.descriptor], [], [], 0)[0]:
            return
        if self._process is not None:
            self._process.wait()
            self._process = None
        os.close(self.descriptor)
        self.descriptor = None
        self._conclude()

    def terminate(self) -> None:
        """Ask the program to end: SIGTERM, handed on by the shim."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the program; the shim itself when it does not do so within seconds (the kernel then kills the rest)."""
        self._killed_at = self._killed_at or time.monotonic()
        late = time.monotonic() - self._killed_at > 5
        self._signal(signal.SIGKILL if late else signal.SIGUSR1)

    def pid(self) -> int | None:
        """The program's process number, when it is alive."""
        running = paper.read_json(self.attempt / paper.RUNNING) if self.alive else None
        return running["pid"] if running else None

    @property
    def shim_pid(self) -> int | None:
        return self._shim.pid if self._shim and self.alive else None

    def stable(self) -> bool:
        """Whether the attempt that ended had run so long that its end is a new story."""
        if self.outcome is None or self.outcome.started_at is None:
            return False
        began, ended = (dt.datetime.fromisoformat(one) for one in (self.outcome.started_at, self.outcome.finished_at))
        return (ended - began).total_seconds() > STABLE_SECONDS

    def view(self, done: bool) -> ContainerView:
        """What to report. `done`: an ended container will not be started again."""
        last: Ended | None = None
        previous = Outcome.read(self._folder / str(self.restarts - 1)) if self.restarts else None
        if self.outcome is not None and not done:
            state: State = self.waiting
            last = Ended(self.outcome)
        elif self.outcome is not None:
            state, last = Ended(self.outcome), Ended(previous) if previous else None
        else:
            since = paper.started_at(self.attempt) if self.alive else None
            state, last = Running(since) if since else self.waiting, Ended(previous) if previous else None
        identifier = f"process://{self._uid}/{self.name}/{self.restarts}"
        ended = self.outcome is not None and done
        return ContainerView(self.name, self.spec.get("image", ""), state, last, self.restarts, ended, identifier)

    def close(self) -> None:
        """Let go of descriptors; what runs goes on."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _watch(self, shim: Process | None) -> None:
        self._shim = shim
        self.descriptor = shim.open() if shim else None
        if self.descriptor is None:
            if self._process is not None:
                self._process.wait()
                self._process = None
            self._conclude()

    def _conclude(self) -> None:
        self.outcome = Outcome.read(self.attempt)
        if self.outcome is None:
            self._lose("the container's shim was killed, and the container with it")
        log.info("%s: ended with exit code %s", self.title, self.outcome and self.outcome.exit_code)

    def _lose(self, message: str) -> None:
        started = paper.started_at(self.attempt)
        self.outcome = Outcome(LOST, "ContainerStatusUnknown", message, started, paper.now())
        self.outcome.write(self.attempt)

    def _signal(self, number: int) -> None:
        if self.descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.descriptor, number)
