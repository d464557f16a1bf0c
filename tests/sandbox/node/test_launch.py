"""What passes between agent and shim, and how processes are told apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.node import launch as paper
from sandbox.node.container import Backoff
from sandbox.node.launch import Launch, Mount
from sandbox.node.linux import Process


def test_pauses_between_starts_grow_to_a_limit() -> None:
    backoff = Backoff(first=1, longest=60)
    assert [backoff.after(n) for n in (0, 1, 2, 5, 6, 100)] == [1, 2, 4, 32, 60, 60]


def test_a_launch_paper_is_private_and_comes_back_the_same(tmp_path: Path) -> None:
    mounts = [Mount("/a", "/b", read_only=True)]
    launch = Launch(["a"], {"TOKEN": "x"}, "/", "h", mounts, ["/root"], 1, 2, [3], [], True, False, None, None, "/lock",
                    60.0, 30.0)  # fmt: skip
    launch.write(tmp_path)
    assert Launch.read(tmp_path) == launch
    assert (tmp_path / paper.LAUNCH).stat().st_mode & 0o077 == 0


def test_an_attempt_is_claimed_by_the_first_who_comes(tmp_path: Path) -> None:
    me = Process.of(os.getpid())
    assert paper.claim(tmp_path, me)
    assert not paper.claim(tmp_path, None)
    assert paper.shim(tmp_path) == me
    assert [path.name for path in tmp_path.iterdir()] == [paper.SHIM]


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = Process.of(child.pid)
        assert found
        assert found.alive
        assert not Process(found.pid, found.started + 1, found.boot).alive
        assert not Process(found.pid, found.started, "another boot").alive
        child.communicate()
    assert not found.alive
    assert found.open() is None


def test_records_are_whole_or_not_there(tmp_path: Path) -> None:
    assert paper.read_json(tmp_path / "none.json") is None
    paper.write_json(tmp_path / "a.json", {"a": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1
