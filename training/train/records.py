"""The figures of a step as a record: speed, FLOP/s against the device's peak, memory, energy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from training.telemetry import StepRecord
from training.train import feed
from training.train.meter import Interval

if TYPE_CHECKING:
    from training.train.run import Run


def make(run: Run, interval: Interval, rate: float, norm: Tensor) -> StepRecord:
    from training.train.run import memory_bytes

    samples = run.samples_of_a_step
    # A checkpoint's stall is not in the speed: it has its own figure.
    seconds = max(interval.seconds - interval.checkpoint_s, 1e-9)
    speed = interval.steps * samples / seconds
    tokens = feed.tokens_of_a_sample(run.config.data)
    mfu = run.work.mfu(speed, run.layout.world)
    gradient = float(norm)
    return StepRecord(
        step=run.step,
        loss=interval.loss,
        learning_rate=rate,
        grad_norm=gradient if math.isfinite(gradient) else None,
        tokens=run.stream.samples_seen * tokens,
        samples=run.stream.samples_seen,
        tokens_per_second=speed * tokens,
        samples_per_second=speed,
        step_s=interval.seconds / interval.steps,
        data_s=interval.data_s / interval.steps,
        checkpoint_s=interval.checkpoint_s / interval.steps,
        mfu=mfu,
        flops_accounting=run.work.rule if mfu is not None else None,
        memory_bytes=memory_bytes(run.layout.device),
        power_w=run.recorder.power.power_w(),
        energy_j=run.recorder.power.energy_j(),
        epoch=run.stream.epoch if run.stream.samples else None,
    )
