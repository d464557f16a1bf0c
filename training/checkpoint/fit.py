"""Whether a checkpoint is of this model, asked before anything is loaded: every name and shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from training.errors import BadInput


def check(
    place: Path, state: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Any], ours: Mapping[str, Any]
) -> None:
    """Raises BadInput with a line for the first tensors that differ and one for the settings that differ."""
    known = FileSystemReader(place).read_metadata().state_dict_metadata
    problems = []
    for part, tensors in state.items():
        for name, value in tensors.items():
            there = known.get(f"{part}.{name}")
            if there is None:
                problems.append(f"{part} {name}: is not in the checkpoint")
            elif (
                isinstance(value, torch.Tensor)
                and isinstance(there, TensorStorageMetadata)
                and there.size != value.shape
            ):
                problems.append(f"{part} {name}: {list(there.size)} in the checkpoint, {list(value.shape)} here")
    if not problems:
        return
    changed = differences(theirs, ours)
    cause = f"the settings differ: {'; '.join(changed)}" if changed else "it was made by another program"
    more = [f"... and {len(problems) - 3} more"] if len(problems) > 3 else []
    shown = [f"{place}: {one}" for one in [*problems[:3], *more]]
    raise BadInput([*shown, f"{place}: does not fit this model ({cause}); use its settings, or --resume never"])


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """`model.size was tiny, is 560m` for each setting that is not the same."""
    names = sorted(set(theirs) | set(ours))
    return [
        f"{name} was {theirs.get(name)}, is {ours.get(name)}" for name in names if theirs.get(name) != ours.get(name)
    ]
