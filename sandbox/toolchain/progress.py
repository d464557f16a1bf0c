"""Tells the user what a long step is doing: a line that moves on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from terminal import err

PLAIN_EVERY_S = 20.0
"""Seconds between two lines where the output is not a terminal (a CI log)."""


def megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Task:
    """One long step. `update` may be called as often as one likes."""

    def __init__(self, console: Console, title: str, status: Status | None) -> None:
        self._console, self._title, self._status = console, title, status
        self._start = self._last = time.monotonic()

    def update(self, detail: str = "") -> None:
        """Show how far the step is."""
        now = time.monotonic()
        text = f"{self._title} {elapsed(now - self._start)}{' · ' if detail else ''}{detail}"
        if self._status is not None:
            self._status.update(escape(text))
        elif now - self._last >= PLAIN_EVERY_S:
            self._last = now
            self._console.print(text, markup=False)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


class Progress:
    """Talks on stderr."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or err()

    def say(self, line: str) -> None:
        """One line that stays."""
        self._console.print(line, markup=False)

    @contextmanager
    def task(self, title: str) -> Iterator[Task]:
        """A step that takes more than a second."""
        if not self._console.is_terminal:
            self.say(title)
            yield Task(self._console, title, None)
            return
        with self._console.status(escape(title)) as status:
            yield Task(self._console, title, status)
