"""Definitions of what is measured. Pure.

Bandwidths as in nccl-tests, so that figures can be compared:
https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def algorithm_bandwidth(size: int, seconds: float) -> float:
    """Bytes of one rank's buffer over time, in GB/s (1e9 bytes)."""
    return size / seconds / 1e9


def bus_bandwidth(size: int, seconds: float, ranks: int) -> float:
    """Algorithm bandwidth of an all-reduce x 2(n-1)/n, in GB/s: what the slowest link carries, whatever n is.

    0 for one rank: nothing was sent.
    """
    return algorithm_bandwidth(size, seconds) * 2 * (ranks - 1) / ranks


def exchange_bandwidth(size: int, seconds: float, ranks: int) -> float:
    """Algorithm bandwidth of an all-to-all x (n-1)/n, in GB/s: a rank's own part is not sent."""
    return algorithm_bandwidth(size, seconds) * (ranks - 1) / ranks


def matmul_tflops(n: int, seconds: float) -> float:
    """An n x n x n matrix product is 2 n^3 floating-point operations; in TFLOP/s."""
    return 2 * n**3 / seconds / 1e12


def slowest(samples: Sequence[Sequence[float]]) -> list[float]:
    """Seconds of each repetition, given those of each rank: a collective has ended when its last rank has."""
    return [max(one) for one in zip(*samples, strict=True)]


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Median, least and largest. Raises ValueError when nothing was measured."""
    if not seconds:
        raise ValueError("no repetition was measured")
    return {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}


def parse_size(text: str) -> int:
    """`64MiB`, `64M` or `65536` in bytes. Raises ValueError naming what is allowed."""
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", text.strip())
    if not match or match[2].upper() not in UNITS or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a size; write for instance 65536, 64KiB, 16MiB or 1GiB")
    return int(match[1]) * UNITS[match[2].upper()]


def expected_sum(rank_count: int, index: int) -> int:
    """Element `index` of the sum when rank r fills its buffer with (r + 1) x (index mod 7 + 1).

    Exact in float32 for up to 2,000 ranks, and different for neighbouring elements, so that a shifted or truncated
    buffer is noticed.
    """
    return rank_count * (rank_count + 1) // 2 * (index % 7 + 1)
