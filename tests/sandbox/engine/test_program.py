"""What a user is told about the end of a program, and what is left unsaid."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pulumi
import pytest

from sandbox.engine import program

ROOT = Path("/home/user/project")


@pytest.mark.parametrize(
    "error",
    [
        pulumi.RunError("Resource monitor has terminated, shutting down"),
        Exception("resource monitor shut down while sending resource registration"),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
    ],
    ids=["sdk", "engine", "ctrl-c", "cancelled"],
)
def test_what_the_engine_has_said_already_is_not_said_again(error: BaseException) -> None:
    assert program.message(error, ROOT) is None


def test_an_error_in_a_library_is_shown_from_the_users_line_on(tmp_path: Path) -> None:
    library = tmp_path / ".venv" / "lib" / "site-packages" / "library.py"
    library.parent.mkdir(parents=True)
    library.write_text("def deep():\n    raise ValueError('bad cidr')\n")
    own = tmp_path / "__main__.py"
    own.write_text("deep()\n")
    names: dict[str, object] = {}
    exec(compile(library.read_text(), str(library), "exec"), names)  # a library inside the project's own directory
    with pytest.raises(ValueError, match="bad cidr") as caught:
        exec(compile(own.read_text(), str(own), "exec"), names)
    lines = (program.message(caught.value, tmp_path) or "").splitlines()
    frames = [line.split('"')[1] for line in lines if line.lstrip().startswith("File")]
    assert frames == [str(own), str(library)]
    assert lines[-1] == "ValueError: bad cidr"


def test_a_cause_is_shown_as_well(tmp_path: Path) -> None:
    own = tmp_path / "__main__.py"
    source = "try:\n    int('x')\nexcept ValueError as e:\n    raise RuntimeError('the size is no number') from e\n"
    with pytest.raises(RuntimeError) as caught:
        exec(compile(source, str(own), "exec"), {})
    text = program.message(caught.value, tmp_path) or ""
    assert "invalid literal for int()" in text
    assert text.rstrip().endswith("RuntimeError: the size is no number")
    assert "test_program.py" not in text


def test_the_end_of_the_parent_is_noticed(tmp_path: Path) -> None:
    """The parent is gone before its child even looks, and while it waits."""
    code = "import os, sys\nfrom sandbox.engine.program import wait_for_end_of\n"
    watcher = f"{code}wait_for_end_of(int(sys.argv[1]))\nprint('noticed', flush=True)\n"
    starter = (
        "import os, subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', {watcher!r}, str(os.getpid())])\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", starter]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None and parent.stdout is not None
        parent.stdin.close()
        assert parent.stdout.readline() == "noticed\n"
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    program.wait_for_end_of(int(ended.stdout))


def test_a_machine_without_pidfd_notices_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    noticed = threading.Event()
    parents = iter([4711, 4711, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(program.time, "sleep", lambda _: None)
    program.on_end_of(4711, noticed.set)
    assert noticed.wait(120)
