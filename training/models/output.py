"""What every model takes and gives.

`forward(batch)` takes a dictionary of tensors and answers an `Output`:

- bloom, gpt: `input_ids` [b, s] int64, `labels` [b, s] int64, `attention_mask` [b, s] (optional, 0 = padding, on the
  left). Logits [b, s, vocabulary], only without labels.
- bert: `input_ids` [b, s], `attention_mask` [b, s] (optional), `token_type_ids` [b, s] (optional), `labels` [b] int64.
  Logits [b, classes].
- bilstm: `input_ids` [b, s], 0 = padding on the right, `labels` [b], 0 or 1. Logits [b], before the sigmoid.
- resnet: `images` [b, 3, h, w] float, `labels` [b] int64. Logits [b, classes].
- mlp: `images` [b, ...] float, flattened to 784, `labels` [b] int64. Logits [b, classes].

Labels of language models are already shifted: `labels[b, i]` is the token that follows `input_ids[b, i]`, or -100 where
nothing is to be learned. The loss is the mean over all labels that are not -100.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

IGNORE = -100
"""Label of a position that does not count."""


class Output(NamedTuple):
    """A named tuple, because FSDP finds the tensors of tuples but not those of dataclasses."""

    loss: Tensor | None
    """Scalar, float32; None without labels."""
    logits: Tensor | None
    """None where the model does not hold them whole (a language model with labels)."""
