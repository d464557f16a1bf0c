"""When a checkpoint is due: every n steps, or by Young's formula from what checkpoints and steps were seen to take."""

from __future__ import annotations

import statistics

import torch
import torch.distributed as dist

from training.checkpoint.interval import young_interval_steps
from training.train.config import CheckpointConfig

FIRST = 10
"""Step of the first checkpoint where Young's formula decides: early, to learn what one costs."""
SAMPLES = 50
"""Steps over which the step time is the median."""


class Pace:
    def __init__(self, config: CheckpointConfig) -> None:
        self._config = config
        self.every = config.every or (FIRST if config.mtbf_hours else None)
        self._last = 0
        self._steps: list[float] = []

    def is_due(self, step: int) -> bool:
        return self.every is not None and step - self._last >= self.every

    def stepped(self, seconds: float) -> None:
        """A step took so long, checkpoints not counted."""
        self._steps = [*self._steps[1 - SAMPLES :], seconds]

    def saved(self, step: int, stall_s: float, device: torch.device) -> None:
        """A checkpoint was made and stopped training for so long. Every rank comes to the same interval."""
        self._last = step
        if self._config.mtbf_hours is None or not self._steps:
            return
        slowest = torch.tensor([stall_s, statistics.median(self._steps)], dtype=torch.float32, device=device)
        dist.all_reduce(slowest, dist.ReduceOp.MAX)
        stall, seconds = slowest.tolist()
        self.every = young_interval_steps(stall, self._config.mtbf_hours * 3600, seconds)

    def resumed(self, step: int) -> None:
        self._last = step
