"""A classifier of texts into two: embedding → bidirectional LSTM → dense ReLU → one logit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models import interface
from training.models.output import Output

PADDING = 0
"""Token that fills texts up on the right."""


@dataclass(frozen=True)
class Config:
    """Size of the network."""

    vocab_size: int = 32_000
    embedding_size: int = 128
    hidden_size: int = 128
    """Of the LSTM in each direction."""
    dense_size: int = 128


class Model(interface.Model):
    """The probability of class 1 is the sigmoid of the logit."""

    task = "binary"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size, padding_idx=PADDING)
        self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, batch_first=True, bidirectional=True)
        self.dense = nn.Linear(2 * config.hidden_size, config.dense_size)
        self.output = nn.Linear(config.dense_size, 1)

    def init_module(self, name: str, module: nn.Module) -> None:  # noqa: ARG002 - all of a kind are alike
        if isinstance(module, nn.Embedding | nn.LSTM | nn.Linear):
            module.reset_parameters()

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        """`input_ids` [b, s]; the last states of both directions, padding not read, decide."""
        tokens = batch["input_ids"]
        lengths = (tokens != PADDING).sum(1).clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)
        both = torch.cat([last[0], last[1]], -1)
        logits = self.output(functional.relu(self.dense(both)))[:, 0]
        labels = batch.get("labels")
        if labels is None:
            return Output(None, logits)
        return Output(functional.binary_cross_entropy_with_logits(logits.float(), labels.float()), logits)
