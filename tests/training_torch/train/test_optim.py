"""Optimizer, learning rate and clipping do what their sources do."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from training.train import optim
from training.train.config import OptimizerConfig, ScheduleConfig


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.Linear(7, 3))


@pytest.mark.parametrize(("name", "source"), [
    ("linear", get_linear_schedule_with_warmup), ("cosine", get_cosine_schedule_with_warmup),
])  # fmt: skip
def test_the_rate_is_that_of_transformers(name: str, source) -> None:
    optimizer = torch.optim.SGD(model().parameters(), lr=0.3)
    schedule = source(optimizer, num_warmup_steps=4, num_training_steps=20)
    ours = OptimizerConfig(lr=0.3), ScheduleConfig(name=name, warmup_steps=4)
    for step in range(1, 21):
        assert optim.rate(step, 20, *ours) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        schedule.step()


def test_the_floor_is_where_the_rate_ends() -> None:
    schedule = ScheduleConfig(name="cosine", floor=0.1)
    rates = [optim.rate(step, 50, OptimizerConfig(lr=2.0), schedule) for step in range(1, 52)]
    assert rates[0] == 2.0
    assert rates[-1] == pytest.approx(0.2)
    assert all(a >= b for a, b in pairwise(rates))


def test_a_constant_rate_needs_no_end() -> None:
    assert optim.rate(10_000, 1, OptimizerConfig(lr=0.1), ScheduleConfig()) == 0.1


def test_matrices_decay_and_nothing_else() -> None:
    made = optim.make(model(), OptimizerConfig(weight_decay=0.5))
    decays = {p.ndim: group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert decays == {2: 0.5, 1: 0.0}


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("fused", [True, False])
def test_a_fused_step_is_that_of_pytorch(name: str, fused: bool) -> None:
    torch.manual_seed(1)
    ours = model()
    theirs = model()
    theirs.load_state_dict(ours.state_dict())
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    more = {"momentum": 0.9} if name == "sgd" else {"betas": (0.9, 0.95)}
    optimizer = optim.make(ours, OptimizerConfig(name=name, lr=0.01, beta2=0.95, momentum=0.9, fused=fused))
    reference = kinds[name](theirs.parameters(), lr=0.01, weight_decay=0.0, foreach=False, **more)
    for _ in range(5):
        batch = torch.randn(4, 5)
        for one, by in ((ours, optimizer), (theirs, reference)):
            one(batch).square().sum().backward()
            by.step()
            by.zero_grad()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("limit", [0.5, 1e9, None])
def test_clipping_is_that_of_pytorch(limit: float | None) -> None:
    ours, batch = model(), torch.randn(4, 5)
    theirs = model()
    theirs.load_state_dict(ours.state_dict())
    for one in (ours, theirs):
        (one(batch).square().sum() * 10).backward()
    expected = nn.utils.clip_grad_norm_(theirs.parameters(), limit if limit is not None else float("inf"))
    torch.testing.assert_close(optim.clip(ours.parameters(), limit), expected)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_a_model_without_gradients_has_no_norm() -> None:
    assert float(optim.clip(model().parameters(), 1.0)) == 0.0
