"""Memory bandwidth of one device: copy, and triad (a = b + s c) as in STREAM."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
from collections.abc import Iterator
from typing import Any

import torch

from .timing import timed

SCALAR = 3.0


def measure(size: int, warmup: int, repetitions: int, device: torch.device) -> Iterator[dict[str, Any]]:
    """Arrays of `size` bytes each; `moved` counts bytes read and written once, as STREAM does."""
    left = torch.rand(size // 4, device=device)
    right = torch.rand(size // 4, device=device)
    out = torch.empty_like(left)
    operations = (
        ("copy", lambda: out.copy_(left), 2),
        ("triad", lambda: torch.add(left, right, alpha=SCALAR, out=out), 3),
    )
    for operation, run, arrays in operations:
        seconds = timed(run, warmup, repetitions, device)
        yield {"operation": operation, "bytes": size, "moved": arrays * size, "seconds": seconds}
