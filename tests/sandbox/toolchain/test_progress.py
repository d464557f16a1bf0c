"""Long steps show that they live, without filling a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sandbox.toolchain import progress
from sandbox.toolchain.progress import Progress


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_a_log_gets_a_line_now_and_then(clock: Clock) -> None:
    output = io.StringIO()
    with Progress(Console(file=output, force_terminal=False)).task("building [x]") as task:
        for second in range(1, 46):
            clock.now += 1
            task.update(f"{second} packages")
    assert output.getvalue().splitlines() == [
        "building [x]",
        "building [x] 0:20 · 20 packages",
        "building [x] 0:40 · 40 packages",
    ]


def test_a_terminal_gets_one_line_that_moves_and_is_gone_at_the_end(clock: Clock) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80)
    with Progress(console).task("building [x]") as task:
        clock.now += 61
        task.update("7 packages")
        assert task._status is not None
        assert task._status.status == "building \\[x] 1:01 · 7 packages"
    assert output.getvalue().count("\n") <= 1


def test_sizes_and_times_are_readable() -> None:
    assert progress.megabytes(112_668_937) == "113 MB"
    assert progress.elapsed(3725) == "62:05"
