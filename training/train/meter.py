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

from training.checkpoint.finite import NotFinite
from training.train import parallel
from training.train.signals import StopRequest

ASK_S = 1.0
"""Seconds between two exchanges, at most about: as long may a request to stop wait."""


@dataclass(frozen=True)
class Interval:
    """The steps since the one last recorded."""

    steps: int
    loss: float
    """Of the last step, mean over all ranks."""
    seconds: float
    """Of the steps, and of a checkpoint before them."""
    data_s: float
    checkpoint_s: float


class Meter:
    def __init__(self, device: torch.device, *, overflows: bool = False) -> None:
        """`overflows`: a gradient that is no number is expected now and then, and its step left out (fp16)."""
        self._device, self._overflows = device, overflows
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        """Both of the steps since the last exchange."""
        self._loss = math.nan
        self._steps = 0
        self._data = self._checkpoint = 0.0
        self._began: float | None = None
        self._asked_at: tuple[int, float] | None = None
        self._next = 0

    def begin(self) -> None:
        """A step begins."""
        if self._began is None:
            self._began = time.perf_counter()
        self._steps += 1
        self._losses.append(torch.zeros((), device=self._device))

    @contextlib.contextmanager
    def waiting_for_data(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._data += time.perf_counter() - began

    def add(self, loss: Tensor) -> None:
        """A micro-batch's share of the step's loss, a scalar."""
        self._losses[-1] += loss.detach()

    def stepped(self, norm: Tensor) -> None:
        """The optimizer has taken the step; `norm` is that of all gradients, a scalar."""
        self._norms.append(norm.detach().to(self._device))

    def is_due(self, step: int) -> bool:
        """Whether the ranks exchange after this step even if nobody looks at it. The same on every rank."""
        return step >= self._next

    def agree(self, step: int, rate: float, request: StopRequest) -> tuple[list[float], bool]:
        """Exchange what the steps since the last exchange gave: their losses, and whether a rank was asked to stop.

        Raises NotFinite naming the first step whose loss or gradient is no number.
        """
        now, count = time.perf_counter(), len(self._losses)
        pace = (now - self._asked_at[1]) / max(step - self._asked_at[0], 1) if self._asked_at else ASK_S
        mine = torch.tensor([float(request.number is not None), pace], device=self._device)
        found = parallel.mean(torch.cat([torch.stack(self._losses + self._norms).float(), mine])).tolist()
        losses, norms, (asked, pace) = found[:count], found[count:-2], found[-2:]
        for place, (loss, norm) in enumerate(zip(losses, norms, strict=True), step - count + 1):
            if not math.isfinite(loss) or not (math.isfinite(norm) or self._overflows):
                raise NotFinite(_advice(place, loss, rate, norm))
        self._loss, self._losses, self._norms = losses[-1], [], []
        self._asked_at, self._next = (step, now), step + max(1, int(ASK_S / max(pace, 1e-9)))
        return losses, asked > 0

    def stalled(self, seconds: float) -> None:
        """Training stood still for a checkpoint, between two steps."""
        self._checkpoint += seconds

    def end(self) -> Interval:
        """What was measured since the last record; begins anew."""
        assert self._began is not None
        seconds = time.perf_counter() - self._began + self._checkpoint
        found = Interval(self._steps, self._loss, seconds, self._data, self._checkpoint)
        self._steps, self._began, self._data, self._checkpoint = 0, None, 0.0, 0.0
        return found


def _advice(step: int, loss: float, rate: float, norm: float) -> str:
    what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient is {norm} at a loss of {loss:g}"
    return (
        f"step {step}: {what} (learning rate {rate:g}, gradient norm {norm:g}): no checkpoint was "
        "made of it; lower optimizer.lr, lengthen schedule.warmup_steps, set optimizer.clip=1.0, or take precision "
        "bf16 or fp32 where it was fp16, then resume"
    )
