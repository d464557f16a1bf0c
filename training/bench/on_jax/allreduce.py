"""All-reduce over all devices of all ranks: time and correctness by message size."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX is in the environment of the benchmark, not in that of the toolkit.
import time
from typing import Any

import jax
import jax.numpy as jnp
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
    # Made and checked where it lies, and fused: a message may take a third of the device's memory.
    buffer = jax.jit(lambda: _row_number(devices) * _pattern(elements), out_shardings=rows)()
    one = jax.jit(lambda: jnp.ones((devices, 1), jnp.float32), out_shardings=rows)()
    check = jax.jit(lambda total: jnp.all(total == expected_sum(devices, 0) * _pattern(elements)))
    seconds, wrong = [], 0
    for repetition in range(warmup + repetitions):
        reduce(one).block_until_ready()
        began = time.perf_counter()
        total = reduce(buffer).block_until_ready()
        taken = time.perf_counter() - began
        wrong += not all(bool(shard.data) for shard in check(total).addressable_shards)
        del total
        if repetition >= warmup:
            seconds.append(taken)
    return {"bytes": size, "dtype": "float32", "devices": devices, "seconds": seconds, "wrong_sums": wrong}


def _row_number(devices: int) -> jax.Array:
    """A column: each device's number, from 1."""
    return jnp.arange(1, devices + 1, dtype=jnp.float32)[:, None]


def _pattern(elements: int) -> jax.Array:
    """A row: the numbers 1 to 7 over and over."""
    numbers = jax.lax.broadcasted_iota(jnp.uint32, (1, elements), 1)
    return (numbers % PERIOD + 1).astype(jnp.float32)
