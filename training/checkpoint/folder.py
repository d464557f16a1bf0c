"""The checkpoints of one run on a file system that all ranks share: names, order, commit, retention.

A checkpoint has its final name only once it is whole, and loses that name before the first of its files is removed.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from training import atomic

PARTIAL, OLD, BROKEN = ".partial", ".old", ".broken"


def place(root: Path, step: int) -> Path:
    return root / f"step-{step}"


def partial(root: Path, step: int) -> Path:
    return root / f"step-{step}{PARTIAL}"


def steps(root: Path) -> list[int]:
    """Steps of the checkpoints that have their final name, newest first."""
    found = [re.fullmatch(r"step-(\d+)", one.name) for one in root.iterdir()] if root.is_dir() else []
    return sorted((int(match[1]) for match in found if match), reverse=True)


def commit(root: Path, step: int) -> None:
    """Give a finished partial checkpoint its name. Another one of that step (made again) is kept until then."""
    atomic.replace_folder(partial(root, step), place(root, step))


def retain(root: Path, keep: int) -> None:
    """Remove all but the newest `keep`."""
    for step in steps(root)[keep:]:
        os.replace(place(root, step), root / f"step-{step}{OLD}")
        shutil.rmtree(root / f"step-{step}{OLD}", ignore_errors=True)


def put_aside(root: Path, step: int) -> Path:
    """Take a broken checkpoint out of the row without removing it."""
    aside = root / f"step-{step}{BROKEN}"
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(place(root, step), aside)
    return aside


def clean(root: Path) -> None:
    """Remove what an interrupted run left half made or half removed, and give back what it had not replaced yet."""
    for one in list(root.iterdir()) if root.is_dir() else []:
        if re.fullmatch(rf"step-\d+{re.escape(atomic.REPLACED)}", one.name):
            atomic.recover(one.with_name(one.name.removesuffix(atomic.REPLACED)))
            shutil.rmtree(one, ignore_errors=True)
        if re.fullmatch(rf"step-\d+({re.escape(PARTIAL)}|{re.escape(OLD)})", one.name):
            shutil.rmtree(one, ignore_errors=True)
