"""The figures of an evaluation, against a table worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.models.interface import Model
from training.train.evaluate import confusion, predicted, summarise

TRUE = torch.tensor([0, 0, 0, 1, 1, 2])
GUESS = torch.tensor([0, 0, 1, 1, 0, 0])


def report(classes: int = 4):
    matrix = confusion(GUESS, TRUE, classes).flatten().double()
    return summarise(torch.cat([torch.tensor([12.0, 6.0, 6.0], dtype=torch.float64), matrix]), classes)


def test_precision_recall_and_f1_of_each_class() -> None:
    found = report()
    assert found.loss == 2.0
    assert found.accuracy == pytest.approx(3 / 6)
    first, second, third, fourth = found.classes
    assert (first.precision, first.recall, first.support) == (2 / 4, 2 / 3, 3)
    assert first.f1 == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))
    assert (second.precision, second.recall, second.f1, second.support) == (1 / 2, 1 / 2, 1 / 2, 2)
    assert (third.precision, third.recall, third.f1) == (None, 0.0, 0.0), "never predicted: no precision"
    assert (fourth.precision, fourth.recall, fourth.f1, fourth.support) == (None, None, None, 0), "not there: no recall"


def test_figures_for_an_event_are_flat() -> None:
    figures = report().figures()
    assert figures["f1_1"] == 0.5
    assert figures["support_0"] == 3
    assert "perplexity" not in figures


def test_perplexity_is_e_to_the_loss_per_token() -> None:
    found = summarise(torch.tensor([6.0, 3.0, 1.0], dtype=torch.float64), 0)
    assert found.loss == 2.0
    assert found.perplexity == pytest.approx(math.exp(2))
    assert found.accuracy is None


def test_one_logit_is_a_class_by_its_sign_and_several_by_the_largest() -> None:
    assert predicted(torch.tensor([-1.0, 0.5])).tolist() == [0, 1]
    assert predicted(torch.tensor([[0.1, 0.9], [2.0, 1.0]])).tolist() == [1, 0]


def test_every_model_has_a_task() -> None:
    from training.models import bert, bilstm, bloom, gpt, mlp, resnet

    found: dict[str, type[Model]] = {one.__name__: one.Model for one in (bert, bilstm, bloom, gpt, mlp, resnet)}
    assert {one.task for one in found.values()} == {"causal-lm", "classification", "binary"}
