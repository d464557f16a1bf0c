"""BERT's encoder (arXiv 1810.04805) with a linear classifier on the first token.

Post-norm layers, learned positions, exact GELU. The classifier reads the last hidden state of [CLS] directly: the
recipe has no pooler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models import interface
from training.models.causal import check_heads, run_block
from training.models.output import Output


@dataclass(frozen=True)
class Config:
    """Size and manner of one BERT."""

    vocab_size: int = 30_522
    hidden_size: int = 768
    layers: int = 12
    heads: int = 12
    ffn_size: int = 3072
    max_positions: int = 512
    token_types: int = 2
    classes: int = 2
    dropout: float = 0.1
    norm_epsilon: float = 1e-12
    initializer_range: float = 0.02
    checkpointing: bool = False
    """Recompute each layer's activations in the backward pass."""

    def __post_init__(self) -> None:
        check_heads(self.hidden_size, self.heads)


class Embeddings(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.positions = nn.Embedding(config.max_positions, config.hidden_size)
        self.types = nn.Embedding(config.token_types, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor, types: Tensor | None) -> Tensor:
        """[b, s] to [b, s, d]; without types all tokens are of type 0."""
        position = torch.arange(tokens.shape[1], device=tokens.device)
        kind = self.types(types) if types is not None else self.types.weight[0]
        return self.dropout(self.norm(self.words(tokens) + self.positions(position) + kind))


class Layer(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.recompute = config.checkpointing
        self.head_size = config.hidden_size // config.heads
        self.rate = config.dropout
        self.query, self.key, self.value, self.dense = (
            nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4)
        )
        self.attention_norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.up = nn.Linear(config.hidden_size, config.ffn_size)
        self.down = nn.Linear(config.ffn_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x [b, s, d] to [b, s, d]; mask [b, 1, 1, s], True where a key counts."""
        query, key, value = (
            part(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        rate = self.rate if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=rate)
        x = self.attention_norm(x + self.dropout(self.dense(mixed.transpose(1, 2).flatten(2))))
        return self.norm(x + self.dropout(self.down(functional.gelu(self.up(x)))))


class Model(interface.Model):
    """Encoder and classifier."""

    task = "classification"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.hidden_size, config.classes)

    def init_module(self, name: str, module: nn.Module) -> None:  # noqa: ARG002 - all of a kind are alike
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()

    def blocks(self) -> Sequence[nn.Module]:
        return list(self.layers)

    def encode(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Last hidden states [b, s, d]."""
        mask = batch.get("attention_mask")
        mask = None if mask is None else mask[:, None, None, :].bool()
        x = self.embeddings(batch["input_ids"], batch.get("token_type_ids"))
        for layer in self.layers:
            x = run_block(layer, x, mask)
        return x

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        logits = self.classifier(self.dropout(self.encode(batch)[:, 0]))
        labels = batch.get("labels")
        return Output(None if labels is None else functional.cross_entropy(logits.float(), labels), logits)
