"""All-reduce and all-to-all over all processes: time and correctness by message size."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist

from training.bench.arithmetic import expected_sum

from .timing import slowest, timed

PERIOD = 7
"""Of the pattern in `expected_sum`."""
ELEMENT_BYTES = 4
SLICE = 16 << 20
"""Elements that are filled and checked at a time: a message may take a third of the device's memory, a second and a
third copy of it must not."""


def allreduce(size: int, warmup: int, repetitions: int, device: torch.device) -> dict[str, Any]:
    """Sum a buffer of `size` bytes of float32 in place over all processes.

    The first sum is checked, element by element. The timed ones sum zeros: sums of sums would overflow.
    """
    rank, world = dist.get_rank(), dist.get_world_size()
    buffer = torch.empty(size // ELEMENT_BYTES, device=device)
    for start, part in slices(buffer):
        part.copy_(pattern(start, part).mul_(rank + 1))
    dist.all_reduce(buffer)
    total = expected_sum(world, 0)
    wrong = int(not all(torch.equal(part, pattern(start, part).mul_(total)) for start, part in slices(buffer)))
    buffer.zero_()  # sums of zeros stay zero; links do not care what they carry
    dist.barrier()
    seconds = timed(lambda: dist.all_reduce(buffer), warmup, repetitions, device)
    return _finding(size, world, slowest(seconds), wrong)


def slices(buffer: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """Views of a flat buffer, one after the other, with where each begins."""
    for start in range(0, len(buffer), SLICE):
        yield start, buffer[start : start + SLICE]


def pattern(start: int, like: torch.Tensor) -> torch.Tensor:
    """The numbers 1 to 7 over and over, as they stand from element `start` on: float32, as many as `like` has."""
    numbers = torch.arange(start, start + len(like), device=like.device, dtype=torch.int64)
    return numbers.remainder_(PERIOD).add_(1).to(torch.float32)


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
