"""What bloom and gpt have in common: the loss, the key-value cache, the split over ranks.

Leaves out how their layers work (bloom.py, gpt.py) and how text is made (generation.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor.parallel import ParallelStyle
from torch.utils.checkpoint import checkpoint

from training.errors import BadInput
from training.models.cross_entropy import fused_cross_entropy
from training.models.interface import Model
from training.models.output import Output


@dataclass
class Cache:
    """Keys and values of the tokens so far: a pair [b, heads, capacity, head size] a layer, filled up to `length`."""

    layers: list[tuple[Tensor, Tensor]]
    length: int = 0

    @property
    def capacity(self) -> int:
        return self.layers[0][0].shape[2]

    def extended(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the new tokens' keys and values of a layer [b, heads, s, head size]; answers those of all tokens."""
        end = self.length + keys.shape[2]
        stored_keys, stored_values = self.layers[layer]
        stored_keys[:, :, self.length : end] = keys
        stored_values[:, :, self.length : end] = values
        return stored_keys[:, :, :end], stored_values[:, :, :end]


class CausalModel(Model):
    """A decoder: `hidden` is its own, loss and logits are the same for all."""

    task = "causal-lm"

    def hidden(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """Last hidden states [b, s, d] of tokens [b, s].

        `attention_mask` [b, k] is over all keys (those in the cache, then the new ones), 0 = padding, which is on the
        left. With a cache the tokens follow those in it and are added to it.
        """
        raise NotImplementedError

    @property
    def head(self) -> Tensor:
        """Weight [vocabulary, d] that turns hidden states into logits."""
        raise NotImplementedError

    def new_cache(self, batch: int, capacity: int) -> Cache:
        """An empty cache for `capacity` tokens of `batch` texts."""
        config, weight = self.config, self.head
        kind = weight.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        shape = (batch, config.heads, capacity, config.hidden_size // config.heads)
        keys, values = (torch.zeros(config.layers, *shape, dtype=dtype, device=weight.device) for _ in range(2))
        return Cache(list(zip(keys, values, strict=True)))

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        """Loss with `labels` (then no logits are held), logits [b, s, vocabulary] without."""
        hidden = self.hidden(batch["input_ids"], batch.get("attention_mask"))
        labels = batch.get("labels")
        if labels is None:
            return Output(None, hidden @ self.head.to(hidden.dtype).T)
        return Output(fused_cross_entropy(hidden.flatten(0, 1), self.head, labels.flatten()), None)


def run_block(block: nn.Module, *arguments: Any) -> Tensor:
    """The block's output; its activations are made again in the backward pass where `block.recompute` says so."""
    if getattr(block, "recompute", False) and torch.is_grad_enabled():
        return checkpoint(block, *arguments, use_reentrant=False)
    return block(*arguments)


def attention_bias(
    queries: int, keys: int, attention_mask: Tensor | None, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Additive mask [b or 1, 1, queries, keys]: 0 where a query may look, a very large negative number elsewhere.

    The queries are the last of the keys. Finite, so that a row of padding, which may look nowhere, gives no NaN.
    """
    position = torch.arange(keys - queries, keys, device=device)
    hidden = torch.arange(keys, device=device)[None, :] > position[:, None]
    hidden = hidden[None, None]
    if attention_mask is not None:
        hidden = hidden | (attention_mask[:, None, None, :] == 0)
    return torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill(hidden, torch.finfo(dtype).min)


def check_heads(hidden_size: int, heads: int) -> None:
    """Raises ValueError when the heads do not divide the hidden size."""
    if heads <= 0 or hidden_size % heads:
        raise ValueError(f"heads {heads} must divide hidden_size {hidden_size}")


class SplitHeads(ParallelStyle):
    """Tells an attention module which of its heads this rank has; its weights are split by the styles of its parts."""

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        ranks, heads = device_mesh.size(), int(module.heads)  # type: ignore[arg-type]
        if heads % ranks:
            fitting = ", ".join(str(n) for n in range(1, heads + 1) if heads % n == 0)
            raise BadInput(f"tensor parallel size {ranks}: {heads} heads cannot be split so; give one of {fitting}")
        module.first_head = device_mesh.get_local_rank() * (heads // ranks)  # type: ignore[assignment]
        return module
