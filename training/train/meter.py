"""What a step took and gave: seconds by part, the mean loss of all ranks, and whether it is a number.

Losses stay on the device until a step is looked at, so that the steps between do not wait for it.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from training.errors import TrainingError
from training.train import parallel
from training.train.signals import StopRequest


class NotFinite(TrainingError):
    """The loss is no number. The same on every rank."""


@dataclass(frozen=True)
class Interval:
    """The steps since the one last looked at."""

    steps: int
    loss: float
    """Of the last step, mean over all ranks."""
    seconds: float
    data_s: float
    checkpoint_s: float


class Meter:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._losses: list[Tensor] = []
        self._loss = math.nan
        self._seconds = self._data = self._checkpoint = 0.0
        self._began: float | None = None
        self._open = False

    def begin(self) -> None:
        """A step begins."""
        if self._began is None:
            self._began = time.perf_counter()
        self._losses.append(torch.zeros((), device=self._device))

    @contextlib.contextmanager
    def waiting_for_data(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._data += time.perf_counter() - began

    def add(self, loss: Tensor) -> None:
        """A micro-batch's share of the step's loss, a scalar."""
        self._losses[-1] += loss.detach()

    def agree(self, step: int, rate: float, norm: Tensor, request: StopRequest) -> bool:
        """Exchange the losses since the last look and whether a rank was asked to stop; answers that.

        Raises NotFinite naming the first step whose loss is no number.
        """
        mine = torch.tensor([float(request.number is not None)], device=self._device)
        values = parallel.mean(torch.cat([torch.stack(self._losses).float(), mine])).tolist()
        *losses, asked = values
        for place, loss in enumerate(losses, step - len(losses) + 1):
            if not math.isfinite(loss):
                raise NotFinite(_advice(place, loss, rate, float(norm)))
        self._loss = losses[-1]
        return asked > 0

    def stalled(self, seconds: float) -> None:
        """Training stood still for a checkpoint."""
        self._checkpoint += seconds

    def end(self) -> Interval:
        """What was measured since the last look; begins anew."""
        assert self._began is not None
        steps = len(self._losses)
        found = Interval(steps, self._loss, time.perf_counter() - self._began, self._data, self._checkpoint)
        self._losses, self._began, self._data, self._checkpoint = [], None, 0.0, 0.0
        return found


def _advice(step: int, loss: float, rate: float, norm: float) -> str:
    return (
        f"step {step}: the loss is {loss} (learning rate {rate:g}, gradient norm {norm:g}): no checkpoint was "
        "made of it; lower optimizer.lr, lengthen schedule.warmup_steps, set optimizer.clip=1.0, or take precision "
        "bf16 or fp32 where it was fp16, then resume"
    )
