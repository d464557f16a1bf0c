"""A network for digits: 784 → 128 ReLU → 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from training.models import interface
from training.models.output import Output


@dataclass(frozen=True)
class Config:
    """Size of the network."""

    inputs: int = 784
    hidden_size: int = 128
    classes: int = 10


class Model(interface.Model):
    """Flattens what it is given: an image of any shape with `inputs` pixels."""

    task = "classification"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.first = nn.Linear(config.inputs, config.hidden_size)
        self.second = nn.Linear(config.hidden_size, config.classes)

    def init_module(self, name: str, module: nn.Module) -> None:  # noqa: ARG002 - all of a kind are alike
        if isinstance(module, nn.Linear):
            module.reset_parameters()

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        logits = self.second(functional.relu(self.first(batch["images"].flatten(1))))
        labels = batch.get("labels")
        return Output(None if labels is None else functional.cross_entropy(logits.float(), labels), logits)
