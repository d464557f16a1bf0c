"""Small models and batches of each kind."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from training.models import build, size
from training.models.interface import Model


def tiny(name: str, **changes: Any) -> Model:
    """The model's tiny size with weights from a fixed seed."""
    torch.manual_seed(0)
    return build(name, {**size(name, "tiny"), **changes})


def batch(name: str, samples: int = 4, length: int = 16) -> dict[str, Tensor]:
    """Inputs and labels that the tiny size takes."""
    generator = torch.Generator().manual_seed(1)

    def integers(limit: int, *shape: int) -> Tensor:
        return torch.randint(1, limit, shape, generator=generator)

    if name in {"bloom", "gpt"}:
        return {"input_ids": integers(512, samples, length), "labels": integers(512, samples, length)}
    if name in {"bert", "bilstm"}:
        return {"input_ids": integers(512, samples, length), "labels": integers(3, samples) - 1}
    shape = (samples, 3, 32, 32) if name == "resnet" else (samples, 28, 28)
    return {"images": torch.randn(*shape, generator=generator), "labels": integers(11, samples) - 1}


def gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def assert_same(left: dict[str, Tensor], right: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    """Equal names, and values within a tolerance of each tensor's largest value.

    A tensor far smaller than the others (the gradient of a key's bias is 0 but for rounding) is held to theirs.
    """
    assert left.keys() == right.keys()
    largest = max(float(value.abs().max()) for value in right.values())
    for name, value in left.items():
        limit = tolerance * max(largest / 100, float(right[name].abs().max()))
        worst = float((value - right[name]).abs().max())
        assert worst <= limit, f"{name}: {worst:.2e} apart, {limit:.2e} allowed"
