"""Being asked to stop: SIGTERM (a node is taken away, a job is deleted) and ctrl-C end a run after its step.

The trainer saves a checkpoint and ends with `RETRY`, or 130 for ctrl-C. A second ctrl-C ends it at once.
"""

from __future__ import annotations

import signal
from types import FrameType

from training.errors import INTERRUPTED

RETRY = 75
"""Exit code of a run that was asked to stop and can go on from its checkpoint: EX_TEMPFAIL of sysexits.h. A Job counts
it as a failure and starts the pod again; a pod failure policy can tell it from 1 (failed) and 2 (wrong settings)."""


class StopRequest:
    """Whether this process was asked to stop."""

    def __init__(self) -> None:
        self.number: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)

    @property
    def exit_code(self) -> int:
        return INTERRUPTED if self.number == signal.SIGINT else RETRY

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number
