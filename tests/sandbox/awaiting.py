"""Waiting for what another process does, by what it writes."""

from __future__ import annotations

import time
from pathlib import Path

LIMIT_S = 180.0
"""Nothing that is waited for takes longer; a hang becomes a failure."""


def line(path: Path) -> str:
    """The content of a file, once another process has written a whole line into it."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return text
        time.sleep(0.02)
    raise AssertionError(f"{path.name} was not written")
