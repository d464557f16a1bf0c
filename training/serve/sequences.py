"""Texts that are made together by a causal model: each with its own length, sampling and seed.

Every sequence draws from a generator of its own and its padding is masked, so what it becomes does not depend on its
neighbours (but for the rounding of sums, which may differ in the last bit).
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from training.models.generation import Sampling, choose

if TYPE_CHECKING:
    from training.models.causal import CausalModel


@dataclass
class Continuation:
    """One text to be continued."""

    ids: list[int]
    most: int
    """Tokens to add at most."""
    sampling: Sampling
    seed: int
    push: Callable[[int], bool]
    """Takes each new token, in the batch's thread; True: that was enough."""
    finish: Callable[[str], None]
    """Told once why it ended: "stop" or "length"."""
    problem: Callable[[BaseException], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for it any more."""

    def failed(self, problem: BaseException) -> None:
        self.problem(problem)


@torch.inference_mode()
def extend(model: CausalModel, batch: Sequence[Continuation], end: int) -> None:
    """Continue all of them until each has stopped, is full, or was cancelled. Runs on the model's device."""
    device = model.head.device
    longest = max(len(one.ids) for one in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.int64)
    mask = torch.zeros(len(batch), longest, dtype=torch.int64)
    for row, one in enumerate(batch):
        ids[row, longest - len(one.ids) :] = torch.tensor(one.ids)
        mask[row, longest - len(one.ids) :] = 1
    generators = [torch.Generator(device=device).manual_seed(one.seed % (1 << 63)) for one in batch]
    tokens, mask = ids.to(device), mask.to(device)
    steps = max(one.most for one in batch)
    cache = model.new_cache(len(batch), longest + steps)
    running = {row for row, one in enumerate(batch) if not _over(one, 0)}
    for step in range(1, steps + 1):
        if not running:
            return
        last = model.hidden(tokens, mask, cache)[:, -1]
        logits = (last @ model.head.to(last.dtype).T).float()
        following = [end] * len(batch)
        for row in sorted(running):
            one = batch[row]
            token = int(choose(logits[row : row + 1], one.sampling, generators[row]))
            following[row] = token
            if token == end or one.push(token):
                one.finish("stop")
                running.discard(row)
            elif _over(one, step):
                running.discard(row)
        tokens = torch.tensor(following, device=device)[:, None]
        mask = torch.cat([mask, mask.new_ones(len(batch), 1)], 1)


def _over(one: Continuation, made: int) -> bool:
    """Whether a sequence is full or nobody waits for it; tells it so."""
    if one.cancelled.is_set() or made >= one.most:
        one.finish("length")
        return True
    return False
