"""Save and load with torch's distributed checkpoint: what a run's state meets on its way to the file system."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch is in the environment of the benchmark, not in that of the toolkit.
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import checkpoint as dcp

TENSORS = 16


def measure(folder: str, size: int, device: torch.device) -> dict[str, Any]:
    """Every process saves and loads `size` bytes. One checkpoint of all where the folder is shared, else one each.

    Raises OSError, such as a full disk.
    """
    rank = dist.get_rank()
    place, shared = _place(folder)
    try:
        state = {f"{rank}.{number}": torch.randn(size // 4 // TENSORS, device=device) for number in range(TENSORS)}
        dist.barrier()
        began = time.perf_counter()
        dcp.save(state, checkpoint_id=place, no_dist=not shared)
        dist.barrier()
        saved = time.perf_counter() - began
        loaded = {name: torch.zeros_like(value) for name, value in state.items()}
        dist.barrier()
        began = time.perf_counter()
        dcp.load(loaded, checkpoint_id=place, no_dist=not shared)
        dist.barrier()
        read = time.perf_counter() - began
        right = torch.tensor(int(all(torch.equal(loaded[name], value) for name, value in state.items())))
        dist.all_reduce(right, op=dist.ReduceOp.MIN)
    finally:
        dist.barrier()
        if rank == 0 or not shared:
            shutil.rmtree(place, ignore_errors=True)
    total = size // 4 // TENSORS * TENSORS * 4 * dist.get_world_size()
    return {"bytes": total, "save_seconds": saved, "load_seconds": read, "right": bool(right), "shared": shared}


def _place(folder: str) -> tuple[Path, bool]:
    """A folder that all processes see, or one for each; and which of the two it is."""
    names = [tempfile.mkdtemp(prefix="bench-", dir=folder) if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(names)
    first = Path(str(names[0]))
    seen = torch.tensor(int(first.is_dir()))
    dist.all_reduce(seen, op=dist.ReduceOp.MIN)
    if seen:
        return first, True
    if dist.get_rank() == 0:
        first.rmdir()
    return Path(tempfile.mkdtemp(prefix="bench-", dir=folder)), False
