"""All-reduce over all devices of all ranks: time and correctness by message size."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from training.bench.arithmetic import expected_sum

AXIS = "ranks"
PERIOD = 7
"""Of the pattern in `expected_sum`."""


def measure(size: int, warmup: int, repetitions: int) -> dict[str, Any]:
    """Sum a buffer of `size` bytes of float32 over all devices, `repetitions` times.

    Returns the seconds of each repetition on this rank and how many sums were wrong. Before each one all ranks meet in
    a barrier, so that the time is the collective's and not that of waiting for a late rank.
    """
    devices = jax.device_count()
    mesh = jax.make_mesh((devices,), (AXIS,))
    rows = NamedSharding(mesh, PartitionSpec(AXIS))
    reduce = jax.jit(
        jax.shard_map(
            lambda part: jax.lax.psum(part, AXIS),
            mesh=mesh,
            in_specs=PartitionSpec(AXIS),
            out_specs=PartitionSpec(),
        )
    )
    elements = size // 4
    pattern = (np.arange(elements) % PERIOD + 1).astype(np.float32)
    buffer = jax.make_array_from_callback((devices, elements), rows, lambda index: _row(index, pattern))
    one = jax.make_array_from_callback((devices, 1), rows, lambda _: np.ones((1, 1), np.float32))
    expected = pattern * np.float32(expected_sum(devices, 0))
    seconds, wrong = [], 0
    for repetition in range(warmup + repetitions):
        reduce(one).block_until_ready()
        began = time.perf_counter()
        total = reduce(buffer).block_until_ready()
        taken = time.perf_counter() - began
        wrong += not _right(total, expected)
        if repetition >= warmup:
            seconds.append(taken)
    return {"bytes": size, "dtype": "float32", "devices": devices, "seconds": seconds, "wrong_sums": wrong}


def _row(index: tuple[slice, ...], pattern: np.ndarray) -> np.ndarray:
    """The buffer of one device: its number (from 1) times the pattern."""
    return pattern[None, :] * np.float32((index[0].start or 0) + 1)


def _right(total: jax.Array, expected: np.ndarray) -> bool:
    """Whether every copy of the sum on this rank is exact."""
    return all(bool(jnp.array_equal(shard.data[0], expected)) for shard in total.addressable_shards)
