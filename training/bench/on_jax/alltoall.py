"""All-to-all over all devices of all ranks: time and correctness by message size."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

AXIS = "ranks"


def measure(size: int, warmup: int, repetitions: int) -> dict[str, Any]:
    """Each device sends an equal part of a buffer of `size` bytes of float32 to every device, `repetitions` times.

    The part from device i to device j is filled with i x devices + j, so that a part that arrives in the wrong place is
    noticed.
    """
    devices = jax.device_count()
    mesh = jax.make_mesh((devices,), (AXIS,))
    rows = NamedSharding(mesh, PartitionSpec(AXIS))
    part = max(size // 4 // devices, 1)
    exchange = jax.jit(
        jax.shard_map(
            lambda mine: jax.lax.all_to_all(mine, AXIS, split_axis=1, concat_axis=1, tiled=True),
            mesh=mesh,
            in_specs=PartitionSpec(AXIS),
            out_specs=PartitionSpec(AXIS),
        )
    )
    numbers = np.arange(devices, dtype=np.float32)
    buffer = jax.make_array_from_callback(
        (devices, devices * part),
        rows,
        lambda index: np.repeat((index[0].start or 0) * devices + numbers, part)[None, :],
    )
    seconds, wrong = [], 0
    for repetition in range(warmup + repetitions):
        began = time.perf_counter()
        result = exchange(buffer).block_until_ready()
        taken = time.perf_counter() - began
        wrong += sum(not _right(shard, numbers, part) for shard in result.addressable_shards)
        if repetition >= warmup:
            seconds.append(taken)
    return {
        "bytes": part * devices * 4,
        "dtype": "float32",
        "devices": devices,
        "seconds": seconds,
        "wrong": wrong,
    }


def _right(shard: Any, numbers: np.ndarray, part: int) -> bool:
    """Whether device j holds the parts that were meant for it, in the order of their senders."""
    own = shard.index[0].start or 0
    expected = np.repeat(numbers * len(numbers) + own, part)
    return bool(jnp.array_equal(shard.data[0], expected))
