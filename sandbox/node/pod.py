"""The life of one pod: a thread that looks at what is, does what comes next, and reports.

Every round (`_round`) starts from what the containers are doing, so it does not matter whether this agent started them
or an earlier one. Leaves out: how a container is started (container.py) and what it needs (workload.py).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.node import launch as paper
from sandbox.node.api import ApiError, Object, namespaced
from sandbox.node.container import Container
from sandbox.node.environment import ConfigProblem
from sandbox.node.linux import wait_readable
from sandbox.node.reporter import Reporter
from sandbox.node.starting import RETRY_SECONDS, advance
from sandbox.node.status import PodView, Verdict, Waiting
from sandbox.node.workload import Host, Workload

log = logging.getLogger(__name__)
RECORD = "pod.json"
KILL_SECONDS = 1.0


@dataclass(frozen=True)
class Stop:
    """An order to end the pod."""

    grace: float
    """Seconds between SIGTERM and SIGKILL."""
    delete: bool
    """Remove the pod's object from the API afterwards."""
    verdict: Verdict | None = None


class PodWorker:
    """One pod on this machine, from its binding to its removal."""

    def __init__(self, pod: Object, pods: Path, host: Host) -> None:
        self.uid: str = pod["metadata"]["uid"]
        self.node: str = pod["spec"]["nodeName"]
        self.name = f"pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.pod = pod
        self.folder = pods / self.uid
        self._host = host
        self._reporter = Reporter(pod, host.api, host.events)
        self.workload = Workload(pod, self.folder, host)
        self.init = self._group("initContainers")
        self.containers = self._group("containers")
        self._started_at = paper.now()
        self._began = time.time()
        self._verdict: Verdict | None = None
        self._stop: Stop | None = None
        self._stop_since: float | None = None
        self._alarm = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.finished = threading.Event()
        """Set when nothing of the pod is left to be looked after."""

    @classmethod
    def adopt(cls, folder: Path, host: Host) -> PodWorker:
        """Take over a pod from its folder. Raises ValueError, KeyError or OSError when it holds no such record."""
        record = paper.read_json(folder / RECORD)
        if record is None:
            raise ValueError(f"{folder}: no record of a pod")
        worker = cls(record["pod"], folder.parent, host)
        worker._started_at, worker._began = record["started_at"], record["began"]
        worker._verdict = Verdict(**record["verdict"]) if record["verdict"] else None
        for one in worker.everyone:
            one.adopt()
        pid = next((number for one in worker.everyone if (number := one.pid())), None)
        # One that has ended has given its address back: it may be another pod's by now.
        over = pid is None and (worker._ending or worker._complete())
        if record["address"]:
            worker.workload.adopt(record["address"], pid, over)
        return worker

    @property
    def everyone(self) -> list[Container]:
        return [*self.init, *self.containers]

    @property
    def _ending(self) -> bool:
        return self._stop is not None or self._verdict is not None

    def update(self, pod: Object) -> None:
        """The pod's object changed: take note of its deletion."""
        if "deletionTimestamp" in pod["metadata"]:
            self.stop(Stop(pod["metadata"].get("deletionGracePeriodSeconds", 0), delete=True))

    def stop(self, order: Stop) -> None:
        """End the pod. A second order can only make it quicker."""
        if self._stop is None:
            self._stop = order
        elif order.grace < self._stop.grace or (order.delete and not self._stop.delete):
            self._stop = Stop(min(order.grace, self._stop.grace), order.delete or self._stop.delete, order.verdict)
        self.wake()

    def lose(self) -> None:
        """The API says this pod ran here, and nothing is left of it: report what a kubelet would after a reboot."""
        known = self.pod.get("status") or {}
        seen = [*(known.get("initContainerStatuses") or []), *(known.get("containerStatuses") or [])]
        restarts = {
            one["name"]: one.get("restartCount", 0) for one in seen if "waiting" not in (one.get("state") or {})
        }
        for one in self.everyone:
            if one.name in restarts:
                one.lose(restarts[one.name], "the process node was restarted and its record of the container was gone")

    def wake(self) -> None:
        os.eventfd_write(self._alarm, 1)

    def start(self) -> None:
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it was started and its thread has ended."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def _run(self) -> None:
        while not self.finished.is_set():
            try:
                delay = self._round()
            except Exception:  # one pod's fault must not end the others; the next round starts from what is
                log.exception("%s: unexpected problem, trying again", self.name)
                delay = RETRY_SECONDS
            if not self.finished.is_set():
                ready = wait_readable([self._alarm, *(one.descriptor for one in self.everyone)], delay)
                if self._alarm in ready:
                    os.eventfd_read(self._alarm)

    def close(self) -> None:
        """Let go of everything; only when the thread has ended. Containers that run go on."""
        for one in self.everyone:
            one.close()
        os.close(self._alarm)

    def _round(self) -> float | None:
        """Do what can be done now. Returns the seconds until the next round is due, None for "when something ends"."""
        for one in self.everyone:
            one.look()
        deadline = self._check_deadline()
        delay = self._end() if self._ending else self._go_on()
        over = not any(one.alive for one in self.everyone) and (self._ending or self._complete())
        try:
            self._report()
            if over:
                return self._conclude()
        except ApiError as problem:
            log.debug("%s: %s", self.name, problem)
            # A last report is worth a few tries; without an API server there is nobody to wait for.
            if over and self._stop and not self._stop.delete:
                self._leave()
            deadline.append(RETRY_SECONDS)
        return min([*deadline, *([] if delay is None else [delay])], default=None)

    def _go_on(self) -> float | None:
        """Start what is to be started next."""
        if self._complete():
            return None
        if problem := self._prepare():
            for one in self.everyone:
                if not one.started:
                    one.waiting = problem
            return RETRY_SECONDS
        delays = self._renew()
        for one in self.init:
            if not self._done(one):
                return min([*delays, *advance(one, self.workload, self._reporter, self._host.backoff)], default=None)
        for one in self.containers:
            if not self._done(one):
                delays += advance(one, self.workload, self._reporter, self._host.backoff)
        return min(delays, default=None)

    def _prepare(self) -> Waiting | None:
        """Network and volumes. Returns why they are not ready."""
        try:
            if not self.workload.connected:
                self.workload.connect()
                self._record()
                self._report()  # others may be looking for this pod's name already
            self.workload.prepare()
        except ConfigProblem as problem:
            self._reporter.warn("FailedMount", str(problem))
            return Waiting("ContainerCreating", str(problem))
        except OSError as problem:
            self._reporter.warn("FailedCreatePodSandBox", str(problem))
            return Waiting("ContainerCreating", str(problem))
        except ApiError as problem:
            return Waiting("ContainerCreating", str(problem))
        return None

    def _renew(self) -> list[float]:
        """Renew tokens when it is time. Returns when to look again."""
        try:
            return self.workload.renew()
        except (ConfigProblem, OSError, ApiError) as problem:
            self._reporter.warn("FailedMount", str(problem))
            return [RETRY_SECONDS]

    def _done(self, one: Container) -> bool:
        """Whether an ended container stays ended."""
        return one.outcome is not None and (self._ending or one.settled)

    def _complete(self) -> bool:
        """Whether the pod has come to its own end."""
        return any(one.settled and one.failed for one in self.init) or all(one.settled for one in self.everyone)

    def _end(self) -> float | None:
        """Carry the order to end out. Returns when to look again."""
        order = self._stop or Stop(self.pod["spec"].get("terminationGracePeriodSeconds", 30), delete=False)
        alive = [one for one in self.everyone if one.alive]
        now = time.monotonic()
        if self._stop_since is None:
            self._stop_since = now
            if order.verdict and not self._complete() and any(one.started for one in self.everyone):
                self._judge(order.verdict)
            if order.grace > 0:
                for one in alive:
                    one.terminate()
        if not alive:
            return None
        left = self._stop_since + order.grace - now
        if left > 0:
            return left
        for one in alive:
            one.kill()
        return KILL_SECONDS

    def _check_deadline(self) -> list[float]:
        """End the pod when it has been active for too long. Returns when to look again."""
        limit = self.pod["spec"].get("activeDeadlineSeconds")
        if not limit or self._ending or self._complete():
            return []
        if (left := self._began + limit - time.time()) > 0:
            return [left]
        self._judge(Verdict("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"))
        return []

    def _judge(self, verdict: Verdict) -> None:
        self._verdict = self._verdict or verdict
        self._record()

    def _conclude(self) -> float | None:
        """The pod has ended and that was reported: tidy up."""
        self.workload.disconnect()
        if self._stop is None:
            return None  # its object and logs stay until somebody deletes it
        if self._stop.delete:
            metadata = self.pod["metadata"]
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
            self._host.api.delete(namespaced("pods", metadata["namespace"], metadata["name"]), body)
            self.workload.remove()
        self._leave()
        return None

    def _leave(self) -> None:
        self.workload.disconnect()
        self.finished.set()

    def _report(self) -> None:
        """Send the pod's status when it has changed. Raises ApiError when it could not be sent."""
        init, main = ([one.view(self._done(one)) for one in group] for group in (self.init, self.containers))
        if not self._reporter.send(PodView(init, main, self.workload.address, self._started_at, self._verdict)):
            self.stop(Stop(0, delete=True))  # deleted without us, or another pod has its name

    def _record(self) -> None:
        """Write down what a later agent must know."""
        self.folder.mkdir(parents=True, exist_ok=True)
        verdict = asdict(self._verdict) if self._verdict else None
        content = {"pod": self.pod, "address": self.workload.address, "verdict": verdict}
        paper.write_json(self.folder / RECORD, content | {"started_at": self._started_at, "began": self._began})

    def _group(self, kind: str) -> list[Container]:
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if kind == "initContainers" and policy == "Always":
            policy = "OnFailure"  # an init container runs until it has succeeded once
        specs = self.pod["spec"].get(kind) or []
        return [Container(one, self.folder / kind / one["name"], self.uid, policy, self.name) for one in specs]
