"""Seconds of an operation on a device, and of the slowest process."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
import time
from collections.abc import Callable

import torch
import torch.distributed as dist


def timed(operation: Callable[[], object], warmup: int, repetitions: int, device: torch.device) -> list[float]:
    """Seconds of each repetition on this process. On GPUs by events on the stream, without the launch before it."""
    for _ in range(warmup):
        operation()
    if device.type == "cpu":
        seconds = []
        for _ in range(repetitions):
            began = time.perf_counter()
            operation()
            seconds.append(time.perf_counter() - began)
        return seconds
    torch.cuda.synchronize(device)
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repetitions)]
    for start, end in marks:
        start.record()
        operation()
        end.record()
    torch.cuda.synchronize(device)
    return [start.elapsed_time(end) / 1000 for start, end in marks]


def slowest(seconds: list[float]) -> list[float]:
    """Each repetition with its slowest process: a collective has ended when its last process has."""
    mine = torch.tensor(seconds, dtype=torch.float64)
    dist.all_reduce(mine, op=dist.ReduceOp.MAX)  # on the CPU, by Gloo
    return mine.tolist()
