"""The log files of the daemons: their last lines, and following one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

BLOCK = 1 << 16
PAUSE = 0.3


def tail(path: Path, count: int, size: int | None = None) -> list[str]:
    """The last `count` lines of a file, or of its first `size` bytes; [] when there is none.

    Reads from its end: logs grow to 10 MB.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            size = end if size is None else min(size, end)
            block = BLOCK
            while True:
                begin = file.seek(max(0, size - block))
                lines = file.read(size - begin).decode(errors="replace").splitlines()
                if begin == 0 or len(lines) > count:
                    return lines[-count:] if count > 0 else []
                block *= 2
    except OSError:
        return []


def follow(path: Path) -> Iterator[str]:
    """Text that is appended from now on, for ever; goes on with the new file after a rotation."""
    return _follow(path, *_place(path))


def tail_and_follow(path: Path, count: int) -> tuple[list[str], Iterator[str]]:
    """The last lines, and all that is appended after them: nothing is lost or told twice in between."""
    size, inode = _place(path)
    return tail(path, count, size), _follow(path, size, inode)


def _follow(path: Path, position: int, inode: int) -> Iterator[str]:
    while True:
        size, now = _place(path)
        if now != inode or size < position:
            position, inode = 0, now
        if size > position:
            with path.open("rb") as file:
                file.seek(position)
                data = file.read()
            position += len(data)
            yield data.decode(errors="replace")
        else:
            time.sleep(PAUSE)


def _place(path: Path) -> tuple[int, int]:
    """(size, inode); zeros while the file does not exist."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_size, state.st_ino
