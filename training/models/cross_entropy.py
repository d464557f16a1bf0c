"""Linear layer and cross-entropy in one, without ever holding the logits of all tokens.

For BLOOM's vocabulary (250,880) and 16 x 2048 tokens whole logits are 16 GB in bf16. Here they exist for a chunk of
tokens at a time. The gradient is made in the same pass, while the chunk's logits are there, so nothing is computed
twice (the head is 42 % of bloom-560m's work); the idea is that of Liger Kernel (arXiv 2410.10989) and of
"Cut Your Losses" (arXiv 2411.09009), without a kernel of our own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from training.models.output import IGNORE

CHUNK_ELEMENTS = {"cuda": 1 << 30}
CHUNK_ELEMENTS_ELSEWHERE = 1 << 28
"""Logits held at a time: 1 GiB in float32; on accelerators 2 GiB in bf16, since each chunk also costs a reading and a
writing of the whole weight gradient."""
SHRUNK = 2.0**-6
"""What hidden states are multiplied by where float16 sums them up over the tokens of a chunk: it ends at 65,504."""
ROWS = 128
"""Chunks are whole multiples of it, as the kernels' tiles are."""


def fused_cross_entropy(hidden: Tensor, weight: Tensor, labels: Tensor, chunk: int | None = None) -> Tensor:
    """Mean cross-entropy of `hidden @ weight.T` against `labels`, a float32 scalar; 0 when no label counts.

    hidden [n, d], weight [v, d], labels [n] int64 with `IGNORE` where a token does not count. `chunk` is the number of
    tokens at a time. The matrix products run in autocast's type, or in that of `hidden`; the rest in float32.
    """
    if chunk is None:
        chunk = max(1, CHUNK_ELEMENTS.get(hidden.device.type, CHUNK_ELEMENTS_ELSEWHERE) // weight.shape[0])
        chunk -= chunk % ROWS if chunk > ROWS else 0
    loss: Tensor = _Fused.apply(hidden, weight, labels, chunk)  # type: ignore[assignment]
    return loss


def _compute_dtype(hidden: Tensor) -> torch.dtype:
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def _loss_and_gradient(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the losses of one chunk and its gradient: softmax - one-hot where a label counts.

    logits [c, v], labels [c]; the gradient has the logits' shape and type. It is that of the sum, not of the mean:
    divided by tens of thousands of tokens most of it would be 0 in float16, before any scaling of the loss reaches it.
    """
    counts = labels != IGNORE
    target = labels.masked_fill(~counts, 0)
    wide = logits.float()
    lse = torch.logsumexp(wide, -1)
    loss = ((lse - wide.gather(1, target[:, None])[:, 0]) * counts).sum()
    hot = torch.arange(wide.shape[1], device=wide.device)[None, :] == target[:, None]
    gradient = ((wide - lse[:, None]).exp() - hot.float()) * counts[:, None]
    return loss, gradient.to(logits.dtype)


def _loss_and_gradient_in_place(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The same without a compiler: PyTorch's own kernel, then everything in its one result."""
    counts = labels != IGNORE
    target = labels.masked_fill(~counts, 0)[:, None]
    found = torch.log_softmax(logits, -1, dtype=torch.float32)
    loss = -(found.gather(1, target)[:, 0] * counts).sum()
    found.exp_()
    found.scatter_add_(1, target, found.new_full((1, 1), -1.0).expand_as(target))
    found.mul_(counts[:, None])
    return loss, found.to(logits.dtype)


@functools.cache
def _step_of(kind: str) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """On accelerators compiled: it is bound by memory, and one pass over the logits beats five."""
    return torch.compile(_loss_and_gradient, dynamic=False) if kind == "cuda" else _loss_and_gradient_in_place


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, labels: Tensor, chunk: int) -> Tensor:
        dtype = _compute_dtype(hidden)
        learns = any(ctx.needs_input_grad[:2])
        inputs, table = hidden.detach().to(dtype), weight.detach().to(dtype)
        mean = 1.0 / (labels != IGNORE).sum().clamp(min=1)
        shrunk = SHRUNK if dtype is torch.float16 else 1.0
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        grad_hidden = torch.empty_like(inputs) if learns else None
        # Written by the first chunk, so it need not be zero, unless there is none.
        make = torch.empty if len(inputs) else torch.zeros
        grad_weight = make(weight.shape, dtype=torch.float32, device=weight.device) if learns else None
        with torch.autocast(hidden.device.type, enabled=False):
            for start in range(0, inputs.shape[0], chunk):
                part, target = inputs[start : start + chunk], labels[start : start + chunk]
                logits = part @ table.T
                if grad_hidden is None or grad_weight is None:
                    total += functional.cross_entropy(logits.float(), target, ignore_index=IGNORE, reduction="sum")
                    continue
                loss, gradient = _step_of(hidden.device.type)(logits, target)
                total += loss
                torch.mm(gradient, table, out=grad_hidden[start : start + chunk])
                if dtype is torch.float32:
                    grad_weight.addmm_(gradient.T, part, beta=0 if start == 0 else 1)
                elif start == 0:
                    grad_weight.copy_(gradient.T @ (part * shrunk))
                else:
                    grad_weight += gradient.T @ (part * shrunk)
        if grad_hidden is not None and grad_weight is not None:
            ctx.save_for_backward(grad_hidden, grad_weight, mean)
            ctx.types, ctx.shrunk = (hidden.dtype, weight.dtype), shrunk
        return total * mean

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        """`grad` may hold the scale of the loss: with the mean it is applied in float32, before anything is rounded."""
        grad_hidden, grad_weight, mean = ctx.saved_tensors
        of_hidden, of_weight = ctx.types
        factor = grad.float() * mean
        return (grad_hidden * factor).to(of_hidden), (grad_weight * (factor / ctx.shrunk)).to(of_weight), None, None
