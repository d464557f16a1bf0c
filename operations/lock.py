"""One command at a time changes a stack: the second stops with one line that says who holds it."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from terminal import UserError


@contextlib.contextmanager
def held(folder: Path, stack: str, command: str) -> Iterator[None]:
    """Hold the stack's lock while the body runs. The kernel frees it when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stack}.lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(f"stack {stack}: {_holder(file.read())} is at work on it; wait for it to end") from None
        file.seek(0)
        file.truncate()
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "command": command, "started": started}, file)
        file.flush()
        yield


def _holder(text: str) -> str:
    try:
        entry = json.loads(text)
    except ValueError:
        return "another command"
    return f"`{entry['command']}` (pid {entry['pid']}, since {entry['started']})"
