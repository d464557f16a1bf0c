"""How good a model is on data it was not trained on: loss, perplexity, accuracy; precision, recall and F1 by class.

Language models are judged by loss and perplexity (e to the loss per token), classifiers by a confusion matrix. Sums are
over all ranks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.models.interface import Model
from training.models.output import IGNORE
from training.train import feed
from training.train.config import TrainConfig
from training.train.parallel import Layout
from training.train.precision import Precision

DURING_TRAINING = 16
"""Batches of an evaluation between two steps, where the settings do not say."""


@dataclass(frozen=True)
class ClassReport:
    """One class against the rest. None where it is not defined: nothing was predicted, or nothing was there."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Samples of the class."""


@dataclass(frozen=True)
class Report:
    """One evaluation over all ranks."""

    loss: float
    """Mean over tokens (language models) or samples."""
    samples: int
    split_samples: int
    """Samples of the split: more than `samples` where a choice of them was evaluated."""
    perplexity: float | None = None
    """Language models only."""
    accuracy: float | None = None
    """Classifiers only."""
    classes: tuple[ClassReport, ...] = ()

    def figures(self) -> dict[str, Any]:
        """Flat, for an event: `precision_0`, `recall_0`, `f1_0`, `support_0`, ..."""
        found: dict[str, Any] = {"loss": self.loss, "samples": self.samples, "split_samples": self.split_samples}
        found |= {name: getattr(self, name) for name in ("perplexity", "accuracy") if getattr(self, name) is not None}
        for number, one in enumerate(self.classes):
            found |= {f"{name}_{number}": value for name, value in vars(one).items()}
        return found

    def line(self) -> str:
        parts = [f"loss {self.loss:.4f}"]
        parts += [] if self.perplexity is None else [f"perplexity {self.perplexity:.2f}"]
        parts += [] if self.accuracy is None else [f"accuracy {self.accuracy:.1%}"]
        scores = [one.f1 for one in self.classes if one.f1 is not None]
        parts += [f"mean F1 {sum(scores) / len(scores):.3f}"] if scores else []
        return ", ".join([*parts, f"{self.samples} of {self.split_samples} samples"])


def run(
    config: TrainConfig, model: nn.Module, raw: Model, layout: Layout, precision: Precision, split: str, whole: bool
) -> Report | None:
    """Evaluate on a split; None when none is wanted or there is none. Leaves the model in evaluation mode.

    `whole`: all of it, unless the settings bound that too; else as much as is looked at during training.
    """
    if feed.evaluated(config, layout).get(split, "not there") is not None:
        return None
    model.eval()
    batches = config.evaluate_batches if whole else config.evaluate_batches or DURING_TRAINING
    classes = 0 if raw.task == "causal-lm" else int(getattr(raw.config, "classes", 2))
    # [loss x weight, weight, samples], then the confusion matrix [true, predicted], row by row.
    sums = torch.zeros(3 + classes * classes, dtype=torch.float64, device=layout.device)
    with feed.evaluation(config, raw, layout, split, batches) as stream, torch.no_grad():
        there = stream.samples_there or 0
        # Sharded models compute together: every rank takes as many batches (a stream's ranks have the same number).
        for batch in stream:
            placed = feed.to_device(batch, layout.device)
            with precision.autocast():
                output = model(placed)
            labels = placed["labels"]
            weight = (labels != IGNORE).sum() if classes == 0 else torch.tensor(len(labels), device=layout.device)
            sums[0] += output.loss.double() * weight
            sums[1] += weight
            sums[2] += len(labels)
            if classes:
                sums[3:] += confusion(predicted(output.logits), labels, classes).flatten()
    # Ranks that split matrices saw the same samples: they are counted once.
    dist.all_reduce(sums, group=layout.mesh.get_group("data"))
    return summarise(sums.cpu(), classes, there)


def predicted(logits: Tensor) -> Tensor:
    """Class [b] of logits [b, classes], or of one logit a sample [b]."""
    return (logits > 0).long() if logits.ndim == 1 else logits.argmax(-1)


def confusion(guesses: Tensor, labels: Tensor, classes: int) -> Tensor:
    """[true, predicted] counts."""
    return torch.bincount(labels.long() * classes + guesses, minlength=classes * classes).view(classes, classes)


def summarise(sums: Tensor, classes: int, there: int) -> Report:
    """The report of the sums that `run` makes, on a split of `there` samples."""
    total, weight, samples = sums[:3].tolist()
    loss = total / weight if weight else math.nan
    if not classes:
        return Report(loss, int(samples), there, perplexity=math.exp(min(loss, 700.0)))
    matrix = sums[3:].view(classes, classes)
    right = matrix.diagonal()
    real, guessed = matrix.sum(1), matrix.sum(0)
    reports = []
    for hit, true, guess in zip(right.tolist(), real.tolist(), guessed.tolist(), strict=True):
        f1 = 2 * hit / (true + guess) if true + guess else None
        reports.append(ClassReport(hit / guess if guess else None, hit / true if true else None, f1, int(true)))
    accuracy = float(right.sum() / matrix.sum()) if samples else None
    return Report(loss, int(samples), there, accuracy=accuracy, classes=tuple(reports))
