"""Pods: when one is ready, and what keeps the pods of a controller from it.

Follows provider/pkg/await/pod.go and checker/pod/check.go of the official provider. Unlike there, a pod that has
failed for good (phase Failed) ends the wait at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.errors import one_line
from sandbox.providers.kubernetes.objects import Object, condition, items, members, pluck
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings

_MAX_PODS = 5
"""Pods whose problems are shown; a job of a thousand fails for the same reason a thousand times."""


def pod(live: Object, _: Surroundings) -> Progress:
    """Scheduled, initialized, and Ready or Succeeded."""
    phase = pluck(live, "status", "phase")
    name = _short(live)
    if phase == "Failed":
        reason = pluck(live, "status", "message") or pluck(live, "status", "reason") or "a container failed"
        return Progress(False, problems=[f"[Pod {name}]: {one_line(str(reason))}", *problems(live)], failed=True)
    for own_type, what in (("PodScheduled", "scheduled"), ("Initialized", "initialized")):
        if condition(live, own_type).get("status") != "True":
            return Progress(False, f'Waiting for Pod "{name}" to be {what}', problems(live))
    if phase == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return Progress(True)
    return Progress(False, f'Waiting for Pod "{name}" to be ready', problems(live))


def owned(around: Surroundings, owner: Object) -> list[Object]:
    """The pods that `owner` made."""
    return [one for one in around.list("v1", "Pod") if objects.owned_by(one, owner)]


def all_problems(pods: Iterable[Object]) -> list[str]:
    """What keeps pods from being ready, without repetitions."""
    found = (line for one in list(pods)[:_MAX_PODS] for line in problems(one))
    return list(dict.fromkeys(found))


def problems(live: Object) -> list[str]:
    """What keeps one pod from being ready: scheduling, waiting and failed containers."""
    if pluck(live, "status", "phase") == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return []
    scheduled = condition(live, "PodScheduled")
    lines = [str(scheduled["message"])] if scheduled.get("status") == "False" and scheduled.get("message") else []
    for list_name in ("initContainerStatuses", "containerStatuses"):
        for status in items(pluck(live, "status", list_name)):
            lines += _container(members(status))
    return [one_line(f"[Pod {_short(live)}]: {line}") for line in lines]


def _container(status: dict[str, Any]) -> list[str]:
    if status.get("ready"):
        return []
    lines = []
    name, state = status.get("name"), members(status.get("state"))
    waiting, ended = members(state.get("waiting")), members(state.get("terminated"))
    last = members(members(status.get("lastState")).get("terminated"))
    if waiting.get("reason") and waiting["reason"] not in ("ContainerCreating", "PodInitializing"):
        lines.append(f"[{waiting['reason']}] {_pull(str(waiting.get('message', '')))}".strip())
    if ended.get("exitCode"):
        message = f"[{ended['reason']}] {_pull(str(ended['message']))}: " if ended.get("message") else ""
        lines.append(f'{message}container "{name}" completed with exit code {ended["exitCode"]}')
    if last:
        end = f"{last.get('reason')}: exit code {last.get('exitCode')}"
        lines.append(
            f'container "{name}" terminated at {last.get("finishedAt")} ({end}) {last.get("message", "")}'.strip()
        )
    return lines


def _pull(message: str) -> str:
    prefix = "rpc error: code = Unknown desc = Error response from daemon: "
    return message.removeprefix(prefix).removesuffix(": manifest unknown")


def _short(live: Object) -> str:
    space = objects.namespace(live)
    return f"{space}/{objects.name(live)}" if space not in ("", "default") else objects.name(live)
