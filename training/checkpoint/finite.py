"""Whether what a checkpoint holds is made of numbers: a model that was lost must not take a good one's place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.errors import TrainingError


class NotFinite(TrainingError):
    """A loss, a gradient or a weight is no number. The same on every rank."""


def lost(state: Mapping[str, Mapping[str, Any]], group: dist.ProcessGroup) -> str | None:
    """What is wrong with the tensors of a state (`{"model": {name: tensor}, ...}`), the same on all ranks, or None.

    One norm over this rank's part of all of them: a number that is none, or one beyond 1e19, whose square is none in
    float32, makes it infinite or NaN. Only then is the tensor looked for.
    """
    mine = {f"{part} {name}": own for part, tensors in state.items() for name, own in _local(tensors)}
    found = None
    if not math.isfinite(_norm(mine.values())):
        found = next((name for name, one in mine.items() if not math.isfinite(_norm([one]))), "the norm of all weights")
    told: list[str | None] = [None] * dist.get_world_size(group)
    dist.all_gather_object(told, found, group=group)
    return next((f"{one} is not finite" for one in told if one), None)


def _local(tensors: Mapping[str, Any]) -> Iterable[tuple[str, Tensor]]:
    """This rank's part of the tensors of numbers with a fraction."""
    for name, one in tensors.items():
        own = one.to_local() if isinstance(one, DTensor) else one
        if isinstance(own, Tensor) and own.is_floating_point() and own.numel():
            yield name, own.detach()


def _norm(tensors: Iterable[Tensor]) -> float:
    found = list(tensors)
    return float(nn.utils.get_total_norm(found)) if found else 0.0
