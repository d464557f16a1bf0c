"""All-reduce and all-to-all over all processes: time and correctness by message size."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
from typing import Any

import torch
import torch.distributed as dist

from training.bench.arithmetic import expected_sum

from .timing import slowest, timed

PERIOD = 7
"""Of the pattern in `expected_sum`."""
ELEMENT_BYTES = 4


def allreduce(size: int, warmup: int, repetitions: int, device: torch.device) -> dict[str, Any]:
    """Sum a buffer of `size` bytes of float32 in place over all processes.

    The first sum is checked, element by element. The timed ones sum zeros: sums of sums would overflow.
    """
    rank, world = dist.get_rank(), dist.get_world_size()
    pattern = torch.arange(size // ELEMENT_BYTES, device=device, dtype=torch.int64).remainder_(PERIOD).add_(1)
    buffer = pattern.to(torch.float32).mul_(rank + 1)
    dist.all_reduce(buffer)
    wrong = int(not torch.equal(buffer, pattern.to(torch.float32).mul_(expected_sum(world, 0))))
    del pattern
    buffer.zero_()  # sums of zeros stay zero; links do not care what they carry
    dist.barrier()
    seconds = timed(lambda: dist.all_reduce(buffer), warmup, repetitions, device)
    return _finding(size, world, slowest(seconds), wrong)


def alltoall(size: int, warmup: int, repetitions: int, device: torch.device) -> dict[str, Any]:
    """Every process sends an equal part of a buffer of `size` bytes of float32 to every process."""
    rank, world = dist.get_rank(), dist.get_world_size()
    part = max(size // ELEMENT_BYTES // world, 1)
    numbers = torch.arange(world, device=device, dtype=torch.float32)
    send = (rank * world + numbers).repeat_interleave(part)
    received = torch.empty_like(send)
    dist.all_to_all_single(received, send)
    wrong = int(not torch.equal(received, (numbers * world + rank).repeat_interleave(part)))
    dist.barrier()
    seconds = timed(lambda: dist.all_to_all_single(received, send), warmup, repetitions, device)
    return _finding(part * world * ELEMENT_BYTES, world, slowest(seconds), wrong)


def _finding(size: int, world: int, seconds: list[float], wrong: int) -> dict[str, Any]:
    total = torch.tensor(wrong)
    dist.all_reduce(total)
    return {
        "bytes": size,
        "dtype": "float32",
        "devices": world,
        "seconds": seconds,
        "wrong_sums": int(total),
        "wrong": int(total),
    }
