"""What files have in common: their checksum, and what to say when one cannot be written. Does not import NumPy."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from training.errors import TrainingError

READ_BYTES = 1 << 22


def unwritten(path: Path, problem: OSError) -> TrainingError:
    """What to say when a file cannot be written."""
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return TrainingError(f"{path}: the disk is full; make room and run the same command again, it goes on")
    return TrainingError(f"{path}: cannot be written ({problem.strerror})")


def checksum(path: Path) -> str:
    """SHA-256 of a file, in pieces."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
