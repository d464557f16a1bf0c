"""What went wrong in a step, in one line that says what to do.

Turns out-of-memory errors and the loss of another rank into `TrainingError`s; everything else passes through.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist

from training.checkpoint import folder
from training.errors import TrainingError
from training.train.config import TrainConfig
from training.train.parallel import Layout
from training.train.run import Run

NO_MEMORY = re.compile(r"out of memory|can't allocate memory|Cannot allocate memory|bad_alloc", re.IGNORECASE)
GONE = re.compile(
    r"Connection (closed|reset|refused)|Broken pipe|Timed out|timed? ?out waiting|NCCL.*(abort|timeout|remote)|"
    r"recvValue|Socket Timeout|peer .* (closed|gone)",
    re.IGNORECASE,
)
"""Texts of gloo, NCCL and the store when another process does not answer."""


class RankLost(TrainingError):
    """Another rank is gone: this process must end without waiting for it."""


class OutOfMemory(TrainingError):
    """The device or the host has no memory left."""


@contextlib.contextmanager
def explained(run: Run) -> Iterator[None]:
    """Around the steps."""
    with _told(lambda: _memory(run), lambda error: _lost(run, error)):
        yield


@contextlib.contextmanager
def explained_at_start(config: TrainConfig, layout: Layout) -> Iterator[None]:
    """Around the building of a run."""

    def memory() -> str:
        return (
            f"rank {layout.rank}: out of memory on the {layout.device.type} while {config.model.name} "
            f"{config.model.size} is built; take a smaller model.size, or a device with more memory"
        )

    def lost(error: Exception) -> str:
        return f"rank {layout.rank}: another rank is gone or stuck while the run starts ({_said(error)}); start again"

    with _told(memory, lost):
        yield


@contextlib.contextmanager
def _told(memory: Callable[[], str], lost: Callable[[Exception], str]) -> Iterator[None]:
    try:
        yield
    except TrainingError:
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemory(memory()) from error
    except (RuntimeError, dist.DistError) as error:
        if NO_MEMORY.search(str(error)):
            raise OutOfMemory(memory()) from error
        if isinstance(error, dist.DistError) or GONE.search(str(error)):
            raise RankLost(lost(error)) from error
        raise


def _memory(run: Run) -> str:
    batch, model = run.config.batch, run.config.model
    knobs = []
    if batch.micro > 1:
        knobs.append(
            f"batch.micro={batch.micro // 2} with batch.accumulation={run.accumulation * 2} (the same samples a step)"
        )
    if not model.activation_checkpointing and run.raw.blocks():
        knobs.append("model.activation_checkpointing=true")
    if run.config.precision == "fp32":
        knobs.append("precision=bf16")
    if "fsdp" not in run.config.parallel.strategy and run.layout.world > 1:
        knobs.append("parallel.strategy=fsdp")
    if not knobs:
        knobs.append("more ranks with parallel.strategy=fsdp, or a smaller model")
    where = f"{run.layout.device.type} of rank {run.layout.rank}"
    return (
        f"step {run.step + 1}: out of memory on the {where} at batch.micro={batch.micro}; "
        f"try --set {', then --set '.join(knobs)}"
    )


def _said(error: Exception) -> str:
    """What the libraries say, cut short."""
    return " ".join(str(error).split())[:160]


def _lost(run: Run, error: Exception) -> str:
    saved = folder.steps(run.saver.root)
    kept = f"the last whole checkpoint is of step {saved[0]}" if saved else "there is no whole checkpoint yet"
    return (
        f"rank {run.layout.rank}: step {run.step + 1}: another rank is gone or stuck ({_said(error)}); {kept}; start "
        "again with --resume auto, or under torchrun with --max-restarts"
    )
