"""Fresh or given weights for a model that no rank holds whole: a module at a time, each rank keeping its share.

Every rank draws the same numbers in the same order as a process alone does, so the weights do not depend on how the
model is spread; what is in memory beside the shares is one module's parameters on the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from training.models.interface import Model


@torch.no_grad()
def initialise(model: Model, device: torch.device) -> None:
    """Give a model that was built on the device "meta", sharded or not, memory on `device` and fresh weights."""
    model.to_empty(device=device)
    for name, module in model.named_modules():
        with _whole(module):
            model.init_module(name, module)


@torch.no_grad()
def put(target: Tensor, whole: Tensor) -> None:
    """Copy a whole tensor, or this rank's share of it, into a parameter. No rank waits for another."""
    if not isinstance(target, DTensor):
        target.copy_(whole)
        return
    # Not `distribute_tensor`, which cannot split a dimension among both meshes (FSDP2 over tensor parallel).
    shape, start = compute_local_shape_and_global_offset(whole.shape, target.device_mesh, target.placements)
    share = tuple(slice(begin, begin + size) for begin, size in zip(start, shape, strict=True))
    target.to_local().copy_(whole[share])


@contextlib.contextmanager
def _whole(module: nn.Module) -> Iterator[None]:
    """The module's own parameters and buffers whole and on the CPU; afterwards they are put where they belong."""
    places: list[Any] = [module._parameters, module._buffers]  # noqa: SLF001 - swapped in place
    real = [(place, dict(place)) for place in places]
    for place, tensors in real:
        for name, one in tensors.items():
            if one is not None:
                # What a model forgets to initialise shows as a loss that is no number.
                fresh = torch.full(
                    one.shape, torch.nan if one.is_floating_point() else 0, dtype=one.dtype, device="cpu"
                )
                place[name] = nn.Parameter(fresh) if isinstance(one, nn.Parameter) else fresh
    try:
        yield
    finally:
        for place, tensors in real:
            made = dict(place)
            place.update(tensors)
            for name, one in tensors.items():
                if one is not None:
                    put(one, made[name])
