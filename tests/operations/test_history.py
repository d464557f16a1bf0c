"""The history keeps every verdict whole, whoever writes and whenever a writer dies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations import history
from operations.stack import Stack
from plan.config import StackFile
from sandbox.settings import Settings


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack("local", StackFile("ai-datacenter", "local", {}, ()), Settings(tmp_path, tmp_path, 20000))


def test_entries_come_back_in_order_with_time_and_commit(stack: Stack) -> None:
    for verdict in ("FAIL", "PASS"):
        history.append(stack, {"pool": "bench", "verdict": verdict})
    first, second = history.entries(stack)
    assert [first["verdict"], second["verdict"]] == ["FAIL", "PASS"]
    assert first["schema_version"] == 1
    assert first["at"] <= second["at"]
    assert "commit" in first


def test_a_damaged_line_hides_no_other(stack: Stack) -> None:
    history.append(stack, {"pool": "a"})
    with stack.history.open("a") as file:
        file.write('{"pool": "b"\n')
    history.append(stack, {"pool": "c"})
    assert [entry["pool"] for entry in history.entries(stack)] == ["a", "c"]


def test_a_new_stack_has_no_history(stack: Stack) -> None:
    assert history.entries(stack) == []


def test_each_entry_is_one_line(stack: Stack) -> None:
    history.append(stack, {"text": "two\nlines"})
    (line,) = stack.history.read_text().splitlines()
    assert json.loads(line)["text"] == "two\nlines"
