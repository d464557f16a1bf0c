"""What a run is made of, built once: layout, model, optimizer, data, checkpoints, records. The steps are in `loop`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from training.checkpoint.finite import NotFinite
from training.checkpoint.saver import Saver
from training.data import Stream
from training.errors import err
from training.models.interface import Model
from training.telemetry import Recorder
from training.train import evaluate, feed, parallel, records
from training.train.accounting import Work
from training.train.config import TrainConfig
from training.train.epochs import Epochs
from training.train.meter import Interval, Meter
from training.train.pace import Pace
from training.train.parallel import Layout
from training.train.precision import Precision
from training.train.signals import StopRequest

Watch = Callable[[int, evaluate.Report], None]
"""Sees the step and what was measured on "dev"; may end the run by raising."""


@dataclass
class Run:
    """One rank's part in a training run."""

    config: TrainConfig
    output: Path
    layout: Layout
    raw: Model
    """The model itself; its parameters may be sharded."""
    model: nn.Module
    """The same as it is called in training: in DDP's wrapper where there is one."""
    optimizer: Optimizer
    precision: Precision
    stream: Stream
    saver: Saver
    recorder: Recorder
    work: Work
    stop_request: StopRequest
    total: int
    """Steps at the end of the run."""
    accumulation: int
    pace: Pace
    meter: Meter = field(init=False)
    epochs: Epochs = field(init=False)
    began_at: int = field(init=False)
    """Step of the checkpoint that this run took up; 0: none."""
    watch: Watch | None = None
    step: int = 0
    """Steps taken."""
    stopping: bool = False
    """A rank was asked to stop: the same on all ranks."""

    def __post_init__(self) -> None:
        self.meter = Meter(self.layout.device, overflows=self.precision.leaves_out_overflows)
        self.epochs = Epochs(self.stream.samples)
        self.began_at = self.step

    @property
    def samples_of_a_step(self) -> int:
        return self.config.batch.micro * self.accumulation * self.layout.data_world

    def next_batch(self) -> dict[str, Tensor]:
        return feed.to_device(next(self.stream), self.layout.device)

    def is_looked_at(self, step: int) -> bool:
        due = step % self.config.telemetry.log_every == 0 or step == self.total
        return due or self.pace.is_due(step) or self.is_evaluated(step)

    def is_saved(self, step: int) -> bool:
        at_end = step == self.total and self.config.checkpoint.at_end
        return self.pace.is_due(step) or at_end or self.stopping

    def is_evaluated(self, step: int) -> bool:
        every = self.config.evaluate_every
        return bool(every and step % every == 0 and step < self.total)

    def agree(self, rate: float) -> None:
        """Exchange with the other ranks what must be the same on all. Raises NotFinite."""
        try:
            losses, self.stopping = self.meter.agree(self.step, rate, self.stop_request)
        except NotFinite as problem:
            # The loss of the first step is that of the weights as they were taken up.
            first = self.step == self.began_at + 1 and self.began_at > 0
            if first and (told := self.saver.distrust(self.began_at)):
                raise NotFinite([*problem.problems, told]) from None
            raise
        for one in self.epochs.ended(losses, self.step, self.stream.samples_seen, self.samples_of_a_step):
            self.recorder.event("epoch", step=one.step, epoch=one.number, loss=one.loss, steps=one.steps)
            self.say(f"step {one.step}: epoch {one.number}: mean training loss {one.loss:.4f} over {one.steps} steps")

    def save(self) -> float:
        """Begin a checkpoint; answers the seconds of its stall."""
        parallel.share_buffers(self.model)
        state = {
            "samples_of_a_step": self.samples_of_a_step,
            "epoch": self.epochs.state_dict(),
            "scaler": self.precision.state_dict(),
            "stream": self.stream.state_dict(),
        }
        stall = self.saver.save(self.step, state)
        self.pace.saved(self.step, stall, self.layout.device)
        self.recorder.event("checkpoint", step=self.step, stall_s=stall)
        return stall

    def record(self, interval: Interval, rate: float, norm: Tensor) -> None:
        self.pace.stepped((interval.seconds - interval.checkpoint_s) / interval.steps)
        self.recorder.step(records.make(self, interval, rate, norm))

    def evaluate(self, split: str, *, whole: bool = False) -> evaluate.Report | None:
        """Measure on another split and record it; None where the data has none."""
        parallel.share_buffers(self.model)
        report = evaluate.run(self.config, self.model, self.raw, self.layout, self.precision, split, whole)
        if report is not None:
            self.recorder.event("evaluation", step=self.step, split=split, **report.figures())
            self.say(f"step {self.step}: {split}: {report.line()}")
            if self.watch is not None and split == "dev":
                try:
                    self.watch(self.step, report)
                except BaseException:
                    # Whoever ends the run leaves the process group, which a save in the background still uses.
                    self.saver.settle()
                    raise
        return report

    def say(self, line: str) -> None:
        """A line for the user, from rank 0."""
        if self.layout.rank == 0:
            err().print(line, markup=False)

    def close(self) -> None:
        self.recorder.close()
        self.stream.close()


def memory_bytes(device: torch.device) -> int:
    """Highest memory so far: of the device, or of the process on CPUs."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    # Linux counts in KiB (getrusage(2)), macOS in bytes.
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
