"""Numbers of the forward and backward pass: float32, bfloat16, or float16 with scaled gradients.

Weights and optimizer state stay float32; autocast casts what each operation may have in less.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from training.train import optim

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    def __init__(self, name: str, device: torch.device) -> None:
        self.name, self.device = name, device
        self._scaler = GradScaler(device.type, enabled=name == "fp16")

    @property
    def leaves_out_overflows(self) -> bool:
        """Whether a step whose gradient is no number changes nothing."""
        return self._scaler.is_enabled()

    def autocast(self) -> AbstractContextManager[object]:
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.name])

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a scalar loss."""
        self._scaler.scale(loss).backward()

    def step(self, model: nn.Module, optimizer: Optimizer, limit: float | None) -> Tensor:
        """Clip, step, forget the gradients; answers their norm before. fp16 leaves out a step that overflows."""
        self._scaler.unscale_(optimizer)
        norm = optim.clip(model.parameters(), limit)
        self._scaler.step(optimizer)
        self._scaler.update()
        optimizer.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> dict[str, Any]:
        return self._scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state and self.name == "fp16":
            self._scaler.load_state_dict(state)
