"""BLOOM (arXiv 2211.05100): a decoder with ALiBi positions, tied embeddings and a layer norm after the embedding.

Module names are those of Hugging Face's BLOOM without the prefix `transformer.`, and so is the order inside the fused
query-key-value weight: [heads, 3, head size]. Leaves out dropout, which BLOOM was trained without.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel
from torch.nn import functional

from training.models.causal import Cache, CausalModel, SplitHeads, attention_bias, check_heads, run_block


@dataclass(frozen=True)
class Config:
    """Size and manner of one BLOOM."""

    vocab_size: int = 250_880
    hidden_size: int = 1024
    layers: int = 24
    heads: int = 16
    sequence_length: int = 2048
    """Of training; ALiBi itself has no limit."""
    norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    checkpointing: bool = False
    """Recompute each block's activations in the backward pass."""
    attention: Literal["auto", "sdpa", "flex"] = "auto"
    """auto: FlexAttention on CUDA (no [s, s] bias in memory), scaled_dot_product_attention elsewhere."""

    def __post_init__(self) -> None:
        check_heads(self.hidden_size, self.heads)


def alibi_slopes(heads: int) -> Tensor:
    """Slope of each head [heads], float32: powers of 2^(-8/n), filled up for other numbers than powers of two.

    Press et al., arXiv 2108.12409, section 3.
    """
    power = 2 ** math.floor(math.log2(heads))
    base = 2.0 ** (-8.0 / power)
    slopes = [base ** (i + 1) for i in range(power)]
    extra = 2.0 ** (-4.0 / power)
    slopes += [extra ** (2 * i + 1) for i in range(heads - power)]
    return torch.tensor(slopes, dtype=torch.float32)


def alibi_bias(slopes: Tensor, queries: int, keys: int, attention_mask: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Slope x distance, and a very large negative number where a query may not look: [b or 1, heads, queries, keys].

    The same for all layers of a forward pass. The queries are the last of the keys.
    """
    device = slopes.device
    query = torch.arange(keys - queries, keys, device=device)
    distance = (torch.arange(keys, device=device)[None, :] - query[:, None]).float()
    mask = attention_bias(queries, keys, attention_mask, torch.float32, device)
    return (slopes[:, None, None] * distance + mask).clamp(min=torch.finfo(dtype).min).to(dtype)


class Flex(NamedTuple):
    """ALiBi for FlexAttention: no bias in memory. Made once outside of the blocks, which may be compiled."""

    slopes: Tensor
    """[heads], of all ranks."""
    mask: Any
    """Which blocks of the score matrix are computed at all."""


@functools.lru_cache(maxsize=8)
def _block_mask(length: int, device: str) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    return create_block_mask(lambda _b, _h, query, key: query >= key, None, None, length, length, device=device)


@functools.cache
def _compiled_flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False)


def flex_alibi(query: Tensor, key: Tensor, value: Tensor, alibi: Flex, heads: slice) -> Tensor:
    """Causal attention with ALiBi of [b, heads, s, head size]; `heads` are those of this rank."""
    from torch.nn.attention.flex_attention import flex_attention

    slopes = alibi.slopes[heads].float()  # FSDP casts what goes into a block; distances need more than 8 bits

    def biased(score: Tensor, _batch: Tensor, head: Tensor, at: Tensor, to: Tensor) -> Tensor:
        return score + slopes[head] * (to - at)

    # Inside a compiled block FlexAttention is compiled with it; alone it would fall back to whole score matrices.
    attend = flex_attention if torch.compiler.is_compiling() else _compiled_flex()
    return attend(query, key, value, score_mod=biased, block_mask=alibi.mask)


class Attention(nn.Module):
    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.layer, self.heads, self.head_size = layer, config.heads, config.hidden_size // config.heads
        self.first_head = 0
        """Of this rank, under tensor parallelism."""
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, alibi: Tensor | Flex, cache: Cache | None) -> Tensor:
        """x [b, s, d] to [b, s, d]. `alibi` is common to all layers: a bias over all heads, or FlexAttention's."""
        batch, length, _ = x.shape
        # As many heads as this rank's part of the weight holds.
        fused = self.query_key_value(x).view(batch, length, -1, 3, self.head_size)
        query, key, value = fused.permute(3, 0, 2, 1, 4)
        local = slice(self.first_head, self.first_head + fused.shape[2])
        if cache is not None:
            key, value = cache.extended(self.layer, key, value)
        if isinstance(alibi, Flex):
            mixed = flex_alibi(query, key, value, alibi, local)
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=alibi[:, local])
        return self.dense(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(config.hidden_size, 4 * config.hidden_size)
        self.dense_4h_to_h = nn.Linear(4 * config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense_4h_to_h(functional.gelu(self.dense_h_to_4h(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, config: Config, layer: int) -> None:
        super().__init__()
        self.recompute = config.checkpointing
        self.input_layernorm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.self_attention = Attention(config, layer)
        self.post_attention_layernorm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, alibi: Tensor | Flex, cache: Cache | None) -> Tensor:
        x = x + self.self_attention(self.input_layernorm(x), alibi, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(CausalModel):
    """The whole of BLOOM; `word_embeddings` is the head too."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.word_embeddings_layernorm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.ln_f = nn.LayerNorm(config.hidden_size, config.norm_epsilon)

    def init_module(self, name: str, module: nn.Module) -> None:  # noqa: ARG002 - all of a kind are alike
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()

    @property
    def head(self) -> Tensor:
        return self.word_embeddings.weight

    def blocks(self) -> Sequence[nn.Module]:
        return list(self.h)

    def hidden(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        x = self.word_embeddings_layernorm(self.word_embeddings(input_ids))
        keys = input_ids.shape[1] + (cache.length if cache is not None else 0)
        alibi = self._alibi(x, keys, attention_mask, cache)
        for block in self.h:
            x = run_block(block, x, alibi, cache)
        if cache is not None:
            cache.length += input_ids.shape[1]
        return self.ln_f(x)

    def _alibi(self, x: Tensor, keys: int, attention_mask: Tensor | None, cache: Cache | None) -> Tensor | Flex:
        """What all layers of this pass add to their scores."""
        kind, wanted = x.device.type, self.config.attention
        slopes = alibi_slopes(self.config.heads).to(x.device)
        # FlexAttention has no backward pass on CPUs, and no use where a few new tokens look at a cache.
        able = (kind == "cuda" or not torch.is_grad_enabled()) and cache is None and attention_mask is None
        if able and (wanted == "flex" or (wanted == "auto" and kind == "cuda")):
            return Flex(slopes, _block_mask(keys, str(x.device)))
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        return alibi_bias(slopes, x.shape[1], keys, attention_mask, dtype)

    def tensor_parallel_plan(self) -> dict[str, Any]:
        """Heads and the feed-forward's columns are split; embedding, head and norms stay whole on each rank."""
        return {
            "h.*.self_attention": SplitHeads(),
            "h.*.self_attention.query_key_value": ColwiseParallel(),
            "h.*.self_attention.dense": RowwiseParallel(),
            "h.*.mlp.dense_h_to_4h": ColwiseParallel(),
            "h.*.mlp.dense_4h_to_h": RowwiseParallel(),
        }
