"""Measurements with torch: one process an accelerator under torchrun, NCCL on GPUs, Gloo on CPUs.

`PARTS` maps a part to a function that yields findings; `Session` is the run they share. Only the worker imports this.
Every process takes part; the first of each rank of the job speaks for it.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
import datetime as dt
import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist

from training.bench import options
from training.bench.settings import Settings
from training.bench.unavailable import Unavailable

from . import checkpoint, collectives, gemm, memory

Finding = dict[str, Any]
MISSING = "there is no such measurement with torch"


class Session:
    """One process's part in the run: joined on entry, left on exit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.on_cpu = settings.cpu or not torch.cuda.is_available()
        self.local = int(os.environ.get("LOCAL_RANK", "0"))
        self.leads = self.local == 0
        """Whether this process speaks for its rank of the job."""
        self.device = torch.device("cpu") if self.on_cpu else torch.device("cuda", self.local)

    def __enter__(self) -> Session:
        if not self.on_cpu:
            torch.cuda.set_device(self.device)
        limit = dt.timedelta(seconds=self._settings.limit_seconds)
        dist.init_process_group("gloo" if self.on_cpu else "cpu:gloo,cuda:nccl", timeout=limit)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and dist.is_initialized():
            dist.destroy_process_group()

    @property
    def world(self) -> int:
        return dist.get_world_size()

    def meet(self) -> None:
        dist.barrier()

    def software(self) -> Finding:
        from torch.cuda import nccl

        cuda = torch.version.cuda if not self.on_cpu else None
        return {
            "backend": "torch",
            "torch": torch.__version__,
            "cuda": cuda,
            "nccl": ".".join(map(str, nccl.version())) if cuda else None,
            "platform": "cpu" if self.on_cpu else "cuda",
            "device_kind": None if self.on_cpu else torch.cuda.get_device_name(self.device),
            "threads": torch.get_num_threads(),
            "local_devices": int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
            "devices": self.world,
        }

    def of_this_rank(self, findings: list[Finding]) -> list[Finding]:
        """What all processes of this rank of the job found, in the order of their devices."""
        everyone: list[Any] = [None] * self.world
        dist.all_gather_object(everyone, (os.environ.get("GROUP_RANK"), self.local, findings))
        mine = sorted((local, found) for group, local, found in everyone if group == os.environ.get("GROUP_RANK"))
        return [{"device": local, **one} for local, found in mine for one in found]


def _allreduce(session: Session, settings: Settings) -> Iterator[Finding]:
    for size in settings.sizes or options.sizes(session.on_cpu, settings.largest):
        yield collectives.allreduce(size, settings.warmup, settings.repetitions, session.device)


def _alltoall(session: Session, settings: Settings) -> Iterator[Finding]:
    for size in settings.sizes or options.sizes(session.on_cpu):
        yield collectives.alltoall(size, settings.warmup, settings.repetitions, session.device)


def _gemm(session: Session, settings: Settings) -> Iterator[Finding]:
    found = [
        gemm.measure(order, dtype, settings.warmup, settings.repetitions, session.device)
        for order in settings.orders or options.orders(session.on_cpu)
        for dtype in settings.dtypes
    ]
    yield from session.of_this_rank(found)


def _memory(session: Session, settings: Settings) -> Iterator[Finding]:
    size = settings.memory_bytes or options.memory_bytes(session.on_cpu)
    found = list(memory.measure(size, settings.warmup, settings.repetitions, session.device))
    yield from session.of_this_rank(found)


def _checkpoint(session: Session, settings: Settings) -> Iterator[Finding]:
    size = settings.file_bytes or options.file_bytes(session.on_cpu)
    yield checkpoint.measure(settings.storage, size, session.device)


def _trainer_part(name: str) -> Any:
    """A measurement that needs the trainer. Raises Unavailable where the image or the program lacks it."""
    try:
        return importlib.import_module(f"{__package__}.{name}")
    except ImportError as problem:
        raise Unavailable(f"it needs the trainer: {problem}") from None


def _dataloader(session: Session, settings: Settings) -> Iterator[Finding]:
    dataloader = _trainer_part("dataloader")
    yield dataloader.measure(settings.preset or options.preset(session.on_cpu), settings.steps)


def _train(session: Session, settings: Settings) -> Iterator[Finding]:
    train = _trainer_part("train")
    preset = settings.preset or options.preset(session.on_cpu)
    yield train.measure(preset, settings.steps, settings.storage, settings.peak_tflops, cpu=session.on_cpu)


PARTS: dict[str, Callable[[Session, Settings], Iterator[Finding]]] = {
    "allreduce": _allreduce,
    "alltoall": _alltoall,
    "gemm": _gemm,
    "memory": _memory,
    "checkpoint": _checkpoint,
    "dataloader": _dataloader,
    "train": _train,
}
