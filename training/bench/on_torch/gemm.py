"""Matrix product on one device, all devices at once: speed and plausibility by size and number format."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
from typing import Any

import torch

from .timing import timed

TOLERANCE = {"float32": 1e-2, "float16": 2e-2, "bfloat16": 5e-2}
"""Largest relative error of the check. Wide: hardware may round float32 inputs to TF32, and sums to the format."""


def measure(order: int, dtype: str, warmup: int, repetitions: int, device: torch.device) -> dict[str, Any]:
    """Multiply two random `order` x `order` matrices. Random: with zeros a chip draws less power and runs faster."""
    kind = getattr(torch, dtype)
    made = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(order, order, generator=made, device=device).to(kind) for _ in range(2))
    result = torch.empty(order, order, dtype=kind, device=device)
    seconds = timed(lambda: torch.matmul(left, right, out=result), max(warmup, 1), repetitions, device)
    error = relative_error(left, right, result)
    return {"n": order, "dtype": dtype, "seconds": seconds, "relative_error": error, "right": error <= TOLERANCE[dtype]}


def relative_error(left: torch.Tensor, right: torch.Tensor, result: torch.Tensor) -> float:
    """Freivalds' check: `result` times a random vector against `left` times (`right` times it), in O(n^2)."""
    made = torch.Generator(left.device).manual_seed(1)
    signs = torch.randint(0, 2, (left.shape[0],), generator=made, device=left.device)
    vector = signs.mul_(2).sub_(1).to(torch.float64)
    expected = left.double() @ (right.double() @ vector)
    return float((result.double() @ vector - expected).abs().max() / expected.abs().max())
