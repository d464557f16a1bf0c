"""The mean training loss of each pass over the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One that has ended."""

    number: int
    """Counts from 1."""
    step: int
    """The step that ended it."""
    loss: float
    """Mean over its steps; the step in which one epoch ends and the next begins belongs to the one that ends."""
    steps: int


@dataclass
class Epochs:
    """Takes the losses of all steps in order, on every rank the same."""

    samples: int | None
    """Of one epoch, all ranks; None: the data has no end, and no epochs."""
    total: float = 0.0
    steps: int = 0
    """Of the epoch under way: sum and number of its steps' losses."""

    def ended(self, losses: Sequence[float], step: int, seen: int, samples_of_a_step: int) -> Iterator[Epoch]:
        """The epochs that ended within the steps of some losses, the last of which is `step`, after `seen` samples."""
        if self.samples is None:
            return
        for back, loss in zip(range(len(losses) - 1, -1, -1), losses, strict=True):
            after = seen - back * samples_of_a_step
            self.total, self.steps = self.total + loss, self.steps + 1
            if after // self.samples > (after - samples_of_a_step) // self.samples:
                yield Epoch(after // self.samples, step - back, self.total / self.steps, self.steps)
                self.total, self.steps = 0.0, 0

    def state_dict(self) -> dict[str, Any]:
        return {"total": self.total, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.total, self.steps = float(state["total"]), int(state["steps"])
