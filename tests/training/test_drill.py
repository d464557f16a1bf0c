"""A drill kills one process, once, after a checkpoint is whole; and says what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from training import drill

RANKS = """
import os, subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, "RANK": str(n)})
            for n in range(2)]
print("ready", flush=True)
print([child.wait() for child in children][::-1][0], flush=True)
children[0].kill()
"""
LIMIT_S = 60


@pytest.fixture
def program() -> Any:
    """A process with two ranks below it; its output ends with how rank 1 ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", RANKS.replace("[::-1][0]", "[1:]")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    for _, pid in drill.ranks(process.pid):
        subprocess.run(["kill", "-9", str(pid)], check=False)
    process.kill()
    process.communicate()


def test_the_last_rank_is_killed_once_there_is_a_whole_checkpoint(program: Any, tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "partial-5").mkdir(parents=True)
    kill = drill.Kill(tmp_path, program.pid)
    kill.start()
    kill.join(0.3)
    assert kill.is_alive(), "half a checkpoint is none"
    assert [rank for rank, _ in drill.ranks(program.pid)] == [0, 1]
    (tmp_path / "checkpoints" / "step-10").mkdir()
    kill.join(LIMIT_S)
    assert drill.account(tmp_path) == {"killed_rank": 1, "after_step": 10, "resumed_from": None}


def test_a_pod_that_is_started_again_does_not_kill_again(program: Any, tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "step-10").mkdir(parents=True)
    drill.write_note(tmp_path, {"killed_rank": 1, "after_step": 10})
    kill = drill.Kill(tmp_path, program.pid)
    kill.start()
    kill.join(LIMIT_S)
    assert not kill.is_alive()
    assert [rank for rank, _ in drill.ranks(program.pid)] == [0, 1]


def test_where_the_run_went_on_is_read_from_its_events_half_lines_passed_over(tmp_path: Path) -> None:
    drill.write_note(tmp_path, {"killed_rank": 1, "after_step": 10})
    events = [{"event": "started", "step": 0}, {"event": "resumed", "step": 20}]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)) + '\n{"event": "res', encoding="utf-8")
    assert drill.account(tmp_path) == {"killed_rank": 1, "after_step": 10, "resumed_from": 20}


@pytest.mark.parametrize(
    ("suits", "answer"),
    [(0, {"choices": [{"text": " and"}]}), (1, {"data": [{"label": "LABEL_0"}]}), (2, {"data": [{"label": "seven"}]})],
)
def test_each_kind_of_model_is_asked_what_it_understands(suits: int, answer: dict[str, Any]) -> None:
    asked: list[str] = []

    def send(url: str, _: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        asked.append(url)
        return (200, answer) if len(asked) == suits + 1 else (400, {"error": {"message": "not for me"}})

    found = drill.ask("http://server", send)
    assert found["route"] == list(drill.questions())[suits][0]
    assert found["answer"] in {" and", "LABEL_0", "seven"}


def test_a_model_that_answers_nothing_is_told_with_its_last_words() -> None:
    found = drill.ask("http://server", lambda *_: (500, {"error": {"message": "out of memory"}}))
    assert found == {"error": "/v1/classify: 500 out of memory"}


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    found = drill.answer(tmp_path / "nothing")
    assert "ended with exit code 2" in found["error"]
    assert "is no folder" in found["error"]
