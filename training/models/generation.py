"""Text from a causal model, token by token, with a key-value cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.models.causal import CausalModel


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 1.0
    """0: always the likeliest."""
    top_p: float = 1.0
    """Choose among the likeliest tokens that together have this probability (nucleus sampling, arXiv 1904.09751)."""


@torch.no_grad()
def generate(
    model: CausalModel,
    input_ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int | None = None,
    *,
    attention_mask: Tensor | None = None,
    end: int | None = None,
) -> Tensor:
    """The texts [b, s] with up to `max_new_tokens` more: [b, s + n] int64.

    Shorter texts of a batch are padded on the left, with 0 in `attention_mask` [b, s]. With `end` a text stops at that
    token (what follows it repeats it), and all stops when all have. The same seed gives the same texts.
    """
    device = input_ids.device
    generator = None
    if seed is not None:
        generator = torch.Generator(device=device).manual_seed(seed)
    if max_new_tokens <= 0:
        return input_ids
    was_training = model.training
    model.eval()
    try:
        return _generate(model, input_ids, max_new_tokens, Sampling(temperature, top_p), generator, attention_mask, end)
    finally:
        model.train(was_training)


def _generate(
    model: CausalModel,
    input_ids: Tensor,
    count: int,
    sampling: Sampling,
    generator: torch.Generator | None,
    attention_mask: Tensor | None,
    end: int | None,
) -> Tensor:
    batch, length = input_ids.shape
    cache = model.new_cache(batch, length + count)
    texts, tokens = input_ids, input_ids
    done = torch.zeros(batch, dtype=torch.bool, device=input_ids.device)
    for _ in range(count):
        last = model.hidden(tokens, attention_mask, cache)[:, -1]
        tokens = choose((last @ model.head.to(last.dtype).T).float(), sampling, generator)[:, None]
        if end is not None:
            tokens = tokens.masked_fill(done[:, None], end)
            done = done | (tokens[:, 0] == end)
        texts = torch.cat([texts, tokens], 1)
        if attention_mask is not None:
            attention_mask = torch.cat([attention_mask, attention_mask.new_ones(batch, 1)], 1)
        if end is not None and bool(done.all()):
            break
    return texts


def choose(logits: Tensor, sampling: Sampling, generator: torch.Generator | None = None) -> Tensor:
    """The next token [b] of each text, by logits [b, vocabulary], float32."""
    if sampling.temperature <= 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits / sampling.temperature, -1)
    if sampling.top_p < 1:
        ordered, index = probabilities.sort(-1, descending=True)
        # The first token that passes the limit still belongs to the nucleus.
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        ordered = ordered.masked_fill(outside, 0)
        probabilities = torch.zeros_like(probabilities).scatter(-1, index, ordered)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
