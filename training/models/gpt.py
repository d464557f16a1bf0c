"""A decoder of our own size for the throughput goal: rotary positions, RMS norm, SwiGLU, tied embeddings, no biases.

What decoders of 2026 have in common (Llama's shape, arXiv 2302.13971), so that all attention is the plain causal one,
for which every accelerator has its fastest kernel. Leaves out grouped keys and values: at 1.3 B they save nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel
from torch.nn import functional

from training.models.causal import Cache, CausalModel, SplitHeads, attention_bias, check_heads, run_block


@dataclass(frozen=True)
class Config:
    """Size and manner of one GPT."""

    vocab_size: int = 50_304
    hidden_size: int = 2048
    layers: int = 24
    heads: int = 16
    ffn_size: int = 5504
    """Of SwiGLU, which has three matrices: 8/3 of the hidden size has as many weights as two of 4 times."""
    sequence_length: int = 2048
    """Of training."""
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    checkpointing: bool = False
    """Recompute each block's activations in the backward pass."""

    def __post_init__(self) -> None:
        check_heads(self.hidden_size, self.heads)
        if self.hidden_size // self.heads % 2:
            raise ValueError(f"hidden_size / heads is {self.hidden_size // self.heads}; rotary positions need it even")


Rotation = tuple[Tensor, Tensor]
"""Cosines and sines [1 or b, 1, s, head size] of the positions of one forward pass."""


def rotation(positions: Tensor, head_size: int, base: float, dtype: torch.dtype) -> Rotation:
    """Rotary embedding (arXiv 2104.09864) of positions [s], halves layout as in Llama."""
    frequency = base ** (-torch.arange(0, head_size, 2, device=positions.device).float() / head_size)
    angle = positions.float()[:, None] * frequency[None, :]
    angle = torch.cat([angle, angle], -1)[None, None]
    return angle.cos().to(dtype), angle.sin().to(dtype)


def rotated(x: Tensor, by: Rotation) -> Tensor:
    """x [b, heads, s, head size], turned."""
    cos, sin = by
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


class Attention(nn.Module):
    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.layer, self.heads, self.head_size = layer, config.heads, config.hidden_size // config.heads
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size, bias=False)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor, by: Rotation, bias: Tensor | None, cache: Cache | None) -> Tensor:
        """x [b, s, d] to [b, s, d]. Without `bias` [b or 1, 1, s, keys] plain causal attention."""
        batch, length, _ = x.shape
        # As many heads as this rank's part of the weight holds.
        fused = self.query_key_value(x).view(batch, length, -1, 3, self.head_size)
        query, key, value = fused.permute(3, 0, 2, 1, 4)
        query, key = rotated(query, by), rotated(key, by)
        if cache is not None:
            key, value = cache.extended(self.layer, key, value)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, is_causal=bias is None)
        return self.dense(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.gate = nn.Linear(config.hidden_size, config.ffn_size, bias=False)
        self.up = nn.Linear(config.hidden_size, config.ffn_size, bias=False)
        self.down = nn.Linear(config.ffn_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.recompute = config.checkpointing
        self.attention_norm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)
        self.attention = Attention(config, layer)
        self.ffn_norm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)
        self.ffn = FeedForward(config)

    def forward(self, x: Tensor, by: Rotation, bias: Tensor | None, cache: Cache | None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), by, bias, cache)
        return x + self.ffn(self.ffn_norm(x))


class Model(CausalModel):
    """The whole of the GPT; `embedding` is the head too."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)

    def init_module(self, name: str, module: nn.Module) -> None:
        """Normal, the layers that write into the residual stream smaller by the root of their number (GPT-2)."""
        if isinstance(module, nn.Linear | nn.Embedding):
            shrink = (2 * self.config.layers) ** -0.5 if name.endswith(("dense", "down")) else 1.0
            nn.init.normal_(module.weight, std=self.config.initializer_range * shrink)
        elif isinstance(module, nn.RMSNorm):
            module.reset_parameters()

    @property
    def head(self) -> Tensor:
        return self.embedding.weight

    def blocks(self) -> Sequence[nn.Module]:
        return list(self.h)

    def hidden(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        x = self.embedding(input_ids)
        kind, queries, past = x.device.type, input_ids.shape[1], cache.length if cache is not None else 0
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        positions = torch.arange(past, past + queries, device=x.device)
        by = rotation(positions, self.config.hidden_size // self.config.heads, self.config.rope_base, dtype)
        bias = None
        if cache is not None or attention_mask is not None:
            bias = attention_bias(queries, past + queries, attention_mask, dtype, x.device)
        for block in self.h:
            x = run_block(block, x, by, bias, cache)
        if cache is not None:
            cache.length += queries
        return self.norm(x)

    def tensor_parallel_plan(self) -> dict[str, Any]:
        """Heads and the feed-forward's columns are split; embedding, head and norms stay whole on each rank."""
        return {
            "h.*.attention": SplitHeads(),
            "h.*.attention.query_key_value": ColwiseParallel(),
            "h.*.attention.dense": RowwiseParallel(),
            "h.*.ffn.gate": ColwiseParallel(),
            "h.*.ffn.up": ColwiseParallel(),
            "h.*.ffn.down": RowwiseParallel(),
        }
