"""What a search tries, as numbers."""

from __future__ import annotations

import pytest

from training.errors import BadInput
from training.search.space import draw, flags, grid, parse


def test_a_grid_takes_every_combination() -> None:
    axes = parse(["optimizer.lr=1e-4..1e-2:log:3", "batch.micro=16,32", "optimizer.name=adam"])
    found = grid(axes)
    assert len(found) == 6
    assert [one["optimizer.lr"] for one in found[::2]] == pytest.approx([1e-4, 1e-3, 1e-2])
    assert [one["batch.micro"] for one in found[:2]] == [16, 32]
    assert {one["optimizer.name"] for one in found} == {"adam"}


def test_random_values_depend_on_seed_and_index_only() -> None:
    axes = parse(["optimizer.lr=1e-4..1e-2:log", "batch.micro=8..64", "optimizer.name=adam,sgd"])
    drawn = [draw(axes, 3, index) for index in range(200)]
    assert drawn == [draw(axes, 3, index) for index in range(200)]
    assert drawn != [draw(axes, 4, index) for index in range(200)]
    assert all(1e-4 <= one["optimizer.lr"] <= 1e-2 for one in drawn)
    assert all(isinstance(one["batch.micro"], int) and 8 <= one["batch.micro"] <= 64 for one in drawn)
    assert {one["optimizer.name"] for one in drawn} == {"adam", "sgd"}
    below = sum(one["optimizer.lr"] < 1e-3 for one in drawn)
    assert 60 < below < 140, "a logarithmic range gives each power of ten the same chance"


def test_values_reach_the_trainer_as_they_are() -> None:
    assert flags({"a": 1e-05, "b": 16, "c": "adam", "d": None}) == ["a=1.0e-05", "b=16", "c=adam", "d=null"]


def test_every_bad_axis_is_told() -> None:
    with pytest.raises(BadInput) as told:
        parse(["lr", "a=2..1", "b=1,,2", "c=0..1:log", "d=1..2:often", "d=1..2:1", "e=1", "e=2"])
    assert len(told.value.problems) == 7
    assert all(problem.startswith("--space ") for problem in told.value.problems)


def test_a_grid_over_a_range_needs_points() -> None:
    with pytest.raises(BadInput, match="a grid needs points"):
        grid(parse(["optimizer.lr=1e-4..1e-2:log"]))
