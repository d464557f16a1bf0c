"""Memory bandwidth of one device: copy, and triad (a = b + s c) as in STREAM."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

SCALAR = 3.0


def measure(size: int, warmup: int, repetitions: int) -> Iterator[dict[str, Any]]:
    """Arrays of `size` bytes each; `moved` counts bytes read and written once, as STREAM does."""
    left = jnp.arange(size // 4, dtype=jnp.float32)
    right = left + 1
    # A copy that XLA cannot elide: one operation on each element, one read and one write.
    copy = jax.jit(lambda a, _: -a)
    triad = jax.jit(lambda a, b: a + SCALAR * b)
    for operation, function, arrays in (("copy", copy, 2), ("triad", triad, 3)):
        seconds = []
        for repetition in range(warmup + repetitions):
            began = time.perf_counter()
            function(left, right).block_until_ready()
            if repetition >= warmup:
                seconds.append(time.perf_counter() - began)
        yield {"operation": operation, "bytes": size, "moved": arrays * size, "seconds": seconds}
