"""What went wrong while a checkpoint was written, in one line of the user's words."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from torch.distributed.checkpoint.api import CheckpointException

FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "a quota is used up", errno.EFBIG: "a file would be too large"}
NEARLY_NOTHING = 1 << 20  # bytes


def explain(error: BaseException, root: Path) -> str:
    """The cause; a full disk with what to do about it."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in FULL:
            return f"{FULL[cause.errno]} ({_free(root)}); make room or lower checkpoint.keep"
    # PyTorch's own file writer loses the error number of a failed write.
    if shutil.disk_usage(root).free < NEARLY_NOTHING:
        return f"the disk is full ({_free(root)}); make room or lower checkpoint.keep"
    return f"could not be written: {first_line(error)}"


def first_line(error: BaseException) -> str:
    """The innermost cause as one line."""
    first = next((one for one in _causes(error) if not isinstance(one, CheckpointException)), error)
    return f"{type(first).__name__}: {' '.join(str(first).split())}"


def _causes(error: BaseException) -> list[BaseException]:
    """An error, what its ranks failed with, and what these were caused by."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or one in found:
            continue
        found.append(one)
        if isinstance(one, CheckpointException):
            waiting += [failure[0] for failure in one.failures.values()]
        waiting += [one.__cause__, one.__context__]
    return found


def _free(root: Path) -> str:
    return f"{shutil.disk_usage(root).free / 1e6:.0f} MB free at {root}"
