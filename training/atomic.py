"""Files and folders that appear whole or not at all, and are never gone while they are replaced."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

REPLACED = ".replaced"
"""End of the name of a folder that another one is about to replace."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name when the block ends: flushed to the disk, several writers apart.

    Raises OSError; then nothing is left behind and what was there before is still there.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, content: bytes | str) -> None:
    """`writing` of something that is at hand."""
    with writing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def replace_folder(new: Path, place: Path) -> None:
    """Give a finished folder its name, on the same file system. One that has it goes aside first and is removed last:
    whoever is killed between leaves it for `recover`."""
    recover(place)
    aside = place.with_name(place.name + REPLACED)
    shutil.rmtree(aside, ignore_errors=True)
    if place.exists():
        os.replace(place, aside)
    os.replace(new, place)
    flush(place.parent)
    shutil.rmtree(aside, ignore_errors=True)


def recover(place: Path) -> None:
    """Give a folder its name back that was put aside for one which never came."""
    aside = place.with_name(place.name + REPLACED)
    if aside.is_dir() and not place.exists():
        os.replace(aside, place)


def present(place: Path) -> Path:
    """Where to read a folder from: under its name, or put aside for one which has not come yet or never came."""
    aside = place.with_name(place.name + REPLACED)
    return aside if aside.is_dir() and not place.exists() else place


def flush(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
