"""Matrix product on one device of each rank, all ranks at once: speed and plausibility by size and number format."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = {"float32": 1e-2, "float16": 2e-2, "bfloat16": 5e-2}
"""Largest relative error of the check. Wide: hardware may round float32 inputs to TF32, and sums to the format."""


def measure(order: int, dtype: str, warmup: int, repetitions: int) -> dict[str, Any]:
    """Multiply two random `order` x `order` matrices. Returns seconds of each repetition and the check's error."""
    kind = jnp.dtype(dtype)
    left, right = (
        jax.random.normal(key, (order, order), jnp.float32).astype(kind) for key in jax.random.split(jax.random.key(0))
    )
    product = jax.jit(jnp.matmul)
    seconds = []
    result = product(left, right).block_until_ready()
    for repetition in range(warmup + repetitions):
        began = time.perf_counter()
        result = product(left, right).block_until_ready()
        if repetition >= warmup:
            seconds.append(time.perf_counter() - began)
    error = relative_error(*(np.asarray(one, np.float32) for one in (left, right, result)))
    return {"n": order, "dtype": dtype, "seconds": seconds, "relative_error": error, "right": error <= TOLERANCE[dtype]}


def relative_error(left: np.ndarray, right: np.ndarray, result: np.ndarray) -> float:
    """Freivalds' check: `result` times a random vector against `left` times (`right` times it), in O(n^2)."""
    vector = np.random.default_rng(1).choice(np.array([-1.0, 1.0], np.float32), left.shape[0])
    expected = left @ (right @ vector)
    return float(np.abs(result @ vector - expected).max() / np.abs(expected).max())
