"""Two commands never change one stack at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operations import lock
from terminal import UserError

HOLDER = """
import sys
from pathlib import Path
from operations import lock
with lock.held(Path(sys.argv[1]), "local", "make up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_the_second_command_stops_with_one_line_that_names_the_first(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    with (
        pytest.raises(UserError, match=rf"stack local: `make up` \(pid {holder.pid}, since .*\) is at work") as error,
        lock.held(tmp_path, "local", "make down"),
    ):
        pass
    assert len(error.value.problems) == 1


def test_other_stacks_are_free(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with lock.held(tmp_path, "dev", "make up"):
        pass


def test_a_killed_command_frees_the_stack(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with lock.held(tmp_path, "local", "make up"):
        pass
