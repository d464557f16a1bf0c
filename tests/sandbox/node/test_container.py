"""A container over its attempts, read from the files that shims leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox.node import launch as paper
from sandbox.node.container import Container
from sandbox.node.launch import Launch, Outcome
from sandbox.node.linux import Process
from sandbox.node.status import Ended, Running, Waiting

SPEC = {"name": "main", "image": "image"}


def container(folder: Path, policy: str = "Never") -> Container:
    return Container(SPEC, folder, "uid", policy, "pod team/a")


def attempt(folder: Path, number: int, outcome: int | None = None, shim: Process | None = None) -> Path:
    """What an agent and a shim left of an attempt."""
    place = folder / str(number)
    place.mkdir(parents=True)
    Launch([], {}, "/", "", [], [], 0, 0, [], [], False, False, None, None, "", 0, 0).write(place)
    if shim or outcome is not None:
        paper.claim(place, shim or Process(1 << 22, 1, "boot"))
        paper.write_json(place / paper.RUNNING, {"pid": 0, "started_at": "2026-01-01T00:00:00Z"})
    if outcome is not None:
        ended = "2026-01-01T00:01:00Z"
        Outcome(outcome, "Error" if outcome else "Completed", "", "2026-01-01T00:00:00Z", ended).write(place)
    return place


def test_an_attempt_that_was_prepared_but_not_started_is_given_up_for_good(tmp_path: Path) -> None:
    """The agent died in between; a shim that starts late must find the attempt taken."""
    place = attempt(tmp_path, 0)
    found = container(tmp_path)
    found.adopt()
    assert found.outcome
    assert (found.outcome.exit_code, found.outcome.reason) == (137, "ContainerStatusUnknown")
    assert not paper.claim(place, Process(1, 1, "boot"))


def test_an_end_in_the_absence_of_an_agent_is_read_from_the_last_attempt(tmp_path: Path) -> None:
    attempt(tmp_path, 0, outcome=1)
    attempt(tmp_path, 1, outcome=5)
    found = container(tmp_path)
    found.adopt()
    assert (found.restarts, found.outcome and found.outcome.exit_code, found.settled) == (1, 5, True)
    view = found.view(done=True)
    assert isinstance(view.state, Ended)
    assert view.last
    assert (view.state.outcome.exit_code, view.last.outcome.exit_code) == (5, 1)


def test_a_shim_that_is_gone_without_a_word_took_its_container_with_it(tmp_path: Path) -> None:
    attempt(tmp_path, 0, shim=Process(1 << 22, 1, "boot"))
    found = container(tmp_path)
    found.adopt()
    assert found.outcome
    assert found.outcome.reason == "ContainerStatusUnknown"


def test_a_living_shim_is_watched_and_its_end_is_noticed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        place = attempt(tmp_path, 0, shim=Process.of(child.pid))
        found = container(tmp_path)
        found.adopt()
        assert found.alive
        assert isinstance(found.view(done=False).state, Running)
        Outcome(3, "Error", "", None, paper.now()).write(place)
        child.communicate()
    found.look()
    assert not found.alive
    assert found.outcome
    assert found.outcome.exit_code == 3


def test_another_start_is_another_attempt(tmp_path: Path) -> None:
    attempt(tmp_path, 0, outcome=1)
    found = container(tmp_path, "OnFailure")
    assert found.next_attempt == tmp_path / "0"
    found.adopt()
    assert not found.settled
    assert found.next_attempt == tmp_path / "1"
    found.waiting = Waiting("CrashLoopBackOff")
    view = found.view(done=False)
    assert view.state == Waiting("CrashLoopBackOff")
    assert view.last


def test_what_never_ran_is_waiting(tmp_path: Path) -> None:
    found = container(tmp_path)
    found.adopt()
    assert not found.started
    assert found.view(done=False).render()["state"] == {"waiting": {"reason": "ContainerCreating"}}


def test_a_container_that_ran_long_starts_with_a_short_pause_again(tmp_path: Path) -> None:
    place = attempt(tmp_path, 0, outcome=1)
    found = container(tmp_path)
    found.adopt()
    assert not found.stable()
    Outcome(1, "Error", "", "2026-01-01T00:00:00Z", "2026-01-01T00:11:00Z").write(place)
    again = container(tmp_path)
    again.adopt()
    assert again.stable()


def test_success_settles_under_on_failure_and_nothing_does_under_always(tmp_path: Path) -> None:
    attempt(tmp_path, 0, outcome=0)
    settled = {}
    for policy in ("Never", "OnFailure", "Always"):
        found = container(tmp_path, policy)
        found.adopt()
        settled[policy] = found.settled
    assert settled == {"Never": True, "OnFailure": True, "Always": False}
