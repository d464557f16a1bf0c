"""What is reported of a pod, from what its containers do."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.node.launch import Outcome
from sandbox.node.status import ContainerView, Ended, PodView, Running, State, Verdict, Waiting, phase, render

NOW, LATER = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:01:00.000000Z"


def ended(code: int) -> Ended:
    return Ended(Outcome(code, "Error" if code else "Completed", "", NOW, NOW))


def container(state: State, done: bool = False, restarts: int = 0, last: Ended | None = None) -> ContainerView:
    return ContainerView("main", "image", state, last, restarts, done, "process://u/main/0")


WAITING, RUNS = container(Waiting("ContainerCreating")), container(Running(NOW))
DONE, FAILED = container(ended(0), done=True), container(ended(3), done=True)
RESTARTING = container(Waiting("CrashLoopBackOff"), restarts=1, last=ended(1))


def pod(*containers: ContainerView, init: list[ContainerView] | None = None, **more: Any) -> PodView:
    return PodView(init or [], list(containers), "100.64.0.2", NOW, **more)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (pod(WAITING), "Pending"),
        (pod(RUNS), "Running"),
        (pod(RUNS, WAITING), "Running"),
        (pod(DONE), "Succeeded"),
        (pod(DONE, RUNS), "Running"),
        (pod(DONE, FAILED), "Failed"),
        (pod(FAILED, RUNS), "Running"),
        (pod(RESTARTING), "Running"),
        (pod(WAITING, init=[RUNS]), "Pending"),
        (pod(WAITING, init=[DONE]), "Pending"),
        (pod(RUNS, init=[DONE]), "Running"),
        (pod(WAITING, init=[FAILED]), "Failed"),
        (pod(DONE, verdict=Verdict("Terminated", "")), "Failed"),
        (pod(RUNS, verdict=Verdict("DeadlineExceeded", "")), "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(view: PodView, expected: str) -> None:
    assert phase(view) == expected


def conditions(status: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in status["conditions"]}


def test_a_running_pod_is_ready_and_has_its_address() -> None:
    status = render(pod(RUNS), {}, NOW)
    assert set(conditions(status).values()) == {"True"}
    assert status["podIP"] == "100.64.0.2"
    assert status["containerStatuses"][0]["ready"] is True


def test_a_pod_with_one_container_of_two_running_is_not_ready_and_names_the_other() -> None:
    status = render(pod(RUNS, WAITING), {}, NOW)
    ready = next(one for one in status["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert "[main]" in ready["message"]


def test_a_condition_keeps_its_time_while_it_stays_the_same() -> None:
    first = render(pod(RUNS), {}, NOW)
    second = render(pod(DONE), first, LATER)
    times = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    assert times["Initialized"] == NOW
    assert times["Ready"] == LATER
    assert render(pod(RUNS), first, LATER) == first


def test_an_ended_container_tells_code_reason_and_message() -> None:
    outcome = Outcome(128, "StartError", "no such program", None, LATER)
    status = render(pod(container(Ended(outcome), done=True)), {}, NOW)
    assert status["containerStatuses"][0]["state"] == {
        "terminated": {"exitCode": 128, "reason": "StartError", "message": "no such program", "startedAt": None,
                       "finishedAt": LATER, "containerID": "process://u/main/0"},
    }  # fmt: skip


def test_a_container_that_will_be_restarted_shows_how_it_ended_before() -> None:
    status = render(pod(RESTARTING), {}, NOW)["containerStatuses"][0]
    assert status["restartCount"] == 1
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert status["lastState"]["terminated"]["exitCode"] == 1


def test_the_nodes_verdict_is_told() -> None:
    status = render(pod(FAILED, verdict=Verdict("DeadlineExceeded", "too long")), {}, NOW)
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "DeadlineExceeded", "too long")
