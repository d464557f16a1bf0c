"""What a search tries: for each setting a list of values or a range. Pure, no Optuna.

optimizer.lr=1e-4..1e-2:log      a range, on a logarithmic scale
optimizer.lr=1e-4..1e-2:log:5    the same; a grid takes 5 values of it
batch.micro=16,32,64             these values
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from training.errors import BadInput


@dataclass(frozen=True)
class Axis:
    """One setting."""

    key: str
    values: tuple[Any, ...] = ()
    """The values, or those a grid takes of a range."""
    low: float | None = None
    """None: `values` are all there is."""
    high: float | None = None
    logarithmic: bool = False
    whole: bool = False
    """Whole numbers only."""

    def at(self, share: float) -> Any:
        """The value at 0 <= share <= 1 of a range."""
        assert self.low is not None
        assert self.high is not None
        if self.logarithmic:
            found = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            found = self.low + share * (self.high - self.low)
        return round(found) if self.whole else min(max(found, self.low), self.high)


def parse(texts: Iterable[str]) -> tuple[Axis, ...]:
    """The axes. Raises BadInput with all problems."""
    axes: list[Axis] = []
    problems: list[str] = []
    for text in texts:
        key, sign, rest = text.partition("=")
        try:
            if not sign or not key or not rest:
                raise ValueError("write it as key=a,b,c or key=low..high[:log][:points]")
            if any(one.key == key for one in axes):
                raise ValueError(f"{key} is given twice")
            axes.append(_range(key, rest) if ".." in rest else _values(key, rest))
        except ValueError as problem:
            problems.append(f"--space {text}: {problem}")
    if problems or not axes:
        raise BadInput(problems or "--space: give at least one, for instance optimizer.lr=1e-4..1e-2:log")
    return tuple(axes)


def grid(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Every combination, the last axis fastest. Raises BadInput for a range without points."""
    problems = [f"--space {one.key}: a grid needs points, write low..high:5" for one in axes if not one.values]
    if problems:
        raise BadInput(problems)
    keys = [one.key for one in axes]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*(one.values for one in axes))]


def draw(axes: Sequence[Axis], seed: int, index: int) -> dict[str, Any]:
    """The values of random trial `index`: the same wherever and whenever it is asked."""
    chance = random.Random(f"{seed}:{index}")  # noqa: S311 - no secret
    return {one.key: chance.choice(one.values) if one.low is None else one.at(chance.random()) for one in axes}


def flags(params: Mapping[str, Any]) -> list[str]:
    """As `--set` takes them."""
    return [f"{key}={yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}" for key, value in params.items()]


def _values(key: str, text: str) -> Axis:
    values = tuple(_number(part.strip()) for part in text.split(","))
    if any(value in {"", None} for value in values):
        raise ValueError("an empty value; write key=a,b,c")
    return Axis(key, values)


def _range(key: str, text: str) -> Axis:
    bounds, *options = text.split(":")
    low, high = (_number(part) for part in bounds.split("..", 1))
    if isinstance(low, str) or isinstance(high, str) or not low < high:
        raise ValueError(f"{bounds} is not a range of two rising numbers")
    logarithmic = "log" in options
    points = [one for one in options if one != "log"]
    if len(points) > 1 or any(not one.isdigit() or int(one) < 2 for one in points):
        raise ValueError(f"{':'.join(points)} is not log or a number of points, 2 or more")
    if logarithmic and low <= 0:
        raise ValueError("a logarithmic range lies above 0")
    axis = Axis(key, (), float(low), float(high), logarithmic, isinstance(low, int) and isinstance(high, int))
    count = int(points[0]) if points else 0
    values = tuple(dict.fromkeys(axis.at(place / (count - 1)) for place in range(count)))
    return Axis(key, values, axis.low, axis.high, axis.logarithmic, axis.whole)


def _number(text: str) -> Any:
    """As YAML reads it, and 1e-4 as a number (YAML 1.1 reads a text)."""
    value = yaml.safe_load(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
