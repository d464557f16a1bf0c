"""What the node reports of a pod: the status a kubelet would write, from what its containers are doing.

Pure: containers in, the `status` object out. Leaves out: sending it (pod.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.node.api import Object
from sandbox.node.launch import Outcome

PENDING, RUNNING, SUCCEEDED, FAILED = "Pending", "Running", "Succeeded", "Failed"
HOST_ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Waiting:
    """Not started, or to be started again."""

    reason: str
    message: str = ""

    def render(self, _container_id: str) -> Object:
        return {"waiting": {"reason": self.reason} | ({"message": self.message} if self.message else {})}


@dataclass(frozen=True)
class Running:
    started_at: str

    def render(self, _container_id: str) -> Object:
        return {"running": {"startedAt": self.started_at}}


@dataclass(frozen=True)
class Ended:
    outcome: Outcome

    def render(self, container_id: str) -> Object:
        outcome = self.outcome
        found: Object = {"exitCode": outcome.exit_code, "reason": outcome.reason, "finishedAt": outcome.finished_at,
                         "startedAt": outcome.started_at, "containerID": container_id}  # fmt: skip
        return {"terminated": found | ({"message": outcome.message} if outcome.message else {})}


State = Waiting | Running | Ended


@dataclass(frozen=True)
class ContainerView:
    """One container as the report shows it."""

    name: str
    image: str
    state: State
    last: Ended | None
    """How it ended before it was started again."""
    restarts: int
    done: bool
    """It has ended and will not be started again."""
    container_id: str

    @property
    def failed(self) -> bool:
        return isinstance(self.state, Ended) and self.state.outcome.exit_code != 0

    @property
    def begun(self) -> bool:
        return isinstance(self.state, Running | Ended) or self.last is not None

    def render(self) -> Object:
        running = isinstance(self.state, Running)
        return {
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "containerID": self.container_id if self.begun else "",
            "ready": running,
            "started": running,
            "restartCount": self.restarts,
            "state": self.state.render(self.container_id),
            "lastState": self.last.render(self.container_id) if self.last else {},
        }


@dataclass(frozen=True)
class Verdict:
    """Why the node itself ended the pod."""

    reason: str
    message: str


@dataclass(frozen=True)
class PodView:
    """A pod as the report shows it."""

    init: list[ContainerView]
    containers: list[ContainerView]
    address: str | None
    started_at: str
    verdict: Verdict | None = None


def phase(view: PodView) -> str:
    """The pod's phase by the kubelet's rules."""
    everyone = [*view.init, *view.containers]
    if view.verdict and not any(isinstance(one.state, Running) for one in everyone):
        return FAILED
    if any(one.done and one.failed for one in view.init):
        return FAILED
    if not initialized(view):
        return PENDING
    if all(one.done for one in view.containers):
        return FAILED if any(one.failed for one in view.containers) else SUCCEEDED
    return RUNNING if any(one.begun for one in view.containers) else PENDING


def initialized(view: PodView) -> bool:
    return all(one.done and not one.failed for one in view.init)


def render(view: PodView, previous: Object, now: str) -> Object:
    """The whole status. `previous` is the last one known: unchanged conditions keep their time."""
    now_phase = phase(view)
    ready = now_phase == RUNNING and all(isinstance(one.state, Running) for one in view.containers)
    ended = now_phase in {SUCCEEDED, FAILED}
    unready = [one.name for one in view.containers if not isinstance(one.state, Running)]
    not_ready = ("PodCompleted" if now_phase == SUCCEEDED else "PodFailed" if ended else "ContainersNotReady",
                 "" if ended else f"containers with unready status: [{' '.join(unready)}]")  # fmt: skip
    wanted: dict[str, tuple[bool, tuple[str, str]]] = {
        "PodReadyToStartContainers": (view.address is not None and not ended, ("", "")),
        "Initialized": (initialized(view), ("ContainersNotInitialized", "")),
        "ContainersReady": (ready, not_ready),
        "Ready": (ready, not_ready),
    }
    before = {one["type"]: one for one in previous.get("conditions") or []}
    conditions = [_condition(kind, *wanted[kind], before.get(kind), now) for kind in wanted]
    found: Object = {
        "phase": now_phase,
        "conditions": conditions,
        "hostIP": HOST_ADDRESS,
        "hostIPs": [{"ip": HOST_ADDRESS}],
        "startTime": view.started_at,
        "containerStatuses": [one.render() for one in view.containers],
    }
    if view.init:
        found["initContainerStatuses"] = [one.render() for one in view.init]
    if view.address:
        found |= {"podIP": view.address, "podIPs": [{"ip": view.address}]}
    if view.verdict:
        found |= {"reason": view.verdict.reason, "message": view.verdict.message}
    return found


def _condition(kind: str, holds: bool, why_not: tuple[str, str], before: Object | None, now: str) -> dict[str, Any]:
    status = "True" if holds else "False"
    same = before is not None and before.get("status") == status
    since = (before or {}).get("lastTransitionTime") if same else None
    reason, message = ("", "") if holds else why_not
    # Empty ones are named too: a merge leaves what is not named as it was.
    return {"type": kind, "status": status, "lastTransitionTime": since or now,
            "reason": reason or None, "message": message or None}  # fmt: skip
