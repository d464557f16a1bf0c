"""The state of every random-number generator of a process: Python, NumPy, PyTorch on the CPU and on its accelerator.

Kept as tensors and plain lists, so that it loads without running anything (`weights_only`).
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch


def seed(number: int) -> None:
    """Seed all of them."""
    random.seed(number)
    np.random.seed(number % 2**32)
    torch.manual_seed(number)  # accelerators too


def capture() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(words), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys).copy()), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def reinstate(state: dict[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy(), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    # A checkpoint made without an accelerator has no state for one; the seed of the run stands then.
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def pack() -> bytes:
    """The state as the content of a file."""
    buffer = io.BytesIO()
    torch.save(capture(), buffer)
    return buffer.getvalue()


def unpack(file: Path) -> None:
    """Take up the state in a file. Raises OSError where there is none."""
    reinstate(torch.load(file, weights_only=True, map_location="cpu"))
