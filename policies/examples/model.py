"""What an example is: a stack that breaks a rule and one that does not, as loose resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Thing:
    """One resource of an example; `refers` maps an input to the names of the things it was made from."""

    type: str
    name: str = "it"
    inputs: dict[str, Any] = field(default_factory=dict)
    refers: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False


@dataclass(frozen=True)
class Example:
    """`bad` is reported by the rule under `check`, `good` is not; with `parameters` where the rule needs some.

    Rules about totals differ by parameters alone: `fine` are those of the good side where they are others.
    """

    bad: list[Thing]
    good: list[Thing]
    check: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    fine: dict[str, Any] = field(default_factory=dict)

    @property
    def allowed(self) -> dict[str, Any]:
        """The parameters under which the good side passes."""
        return self.fine or self.parameters


def one(kind: str, bad: dict[str, Any], good: dict[str, Any], check: str = "", **parameters: Any) -> Example:
    given = {name.replace("_", "-"): value for name, value in parameters.items()}
    return Example([Thing(kind, inputs=bad)], [Thing(kind, inputs=good)], check, given)
