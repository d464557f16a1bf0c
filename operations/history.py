"""The stack's history: one JSON document a line, newest last; appended whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from operations.stack import Stack
from sandbox.settings import REPOSITORY


def append(stack: Stack, entry: Mapping[str, Any]) -> None:
    """Add an entry with the time and the commit of the checkout."""
    stack.history.parent.mkdir(parents=True, exist_ok=True)
    full = {
        "schema_version": 1,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        **entry,
    }
    line = (json.dumps(full, sort_keys=True) + "\n").encode()
    # A single write to a file opened for appending: two writers do not mix their lines, a kill leaves no half line.
    descriptor = os.open(stack.history, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def entries(stack: Stack) -> list[dict[str, Any]]:
    """All entries, oldest first; a damaged line is left out."""
    if not stack.history.is_file():
        return []
    found = []
    for line in stack.history.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def commit() -> str | None:
    """The commit of the checkout, marked when there are uncommitted changes; None outside a git checkout."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None
