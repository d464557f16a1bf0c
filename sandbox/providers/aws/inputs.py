"""Check: refuse what the table does not know, name what has no name. Values themselves are judged by the AWS API's
own model.
"""

from __future__ import annotations

from sandbox.providers.autonaming import GENERATED, named, without_hidden
from sandbox.providers.aws.record import Record
from sandbox.providers.protocol import Naming, Problem, Props

__all__ = ["GENERATED", "UNFINISHED", "checked", "without_hidden"]
UNFINISHED = "__unfinished"
"""Marks the state of a half-made resource: the next update makes all later calls again, whatever else it changes."""


def checked(
    record: Record, name: str, olds: Props, news: Props, seed: bytes, naming: Naming | None
) -> tuple[Props, list[Problem]]:
    """The inputs with a name, and everything that is wrong with them."""
    inputs = {key: value for key, value in news.items() if key != GENERATED}
    problems = [
        Problem(key, f"input {key} of {record.type} is not supported in the local environment")
        for key in sorted(inputs)
        if key not in record.inputs and not key.startswith("__") and inputs[key] is not None
    ]
    missing = (key for key in record.required if inputs.get(key) is None)
    problems += [Problem(key, f"missing required property '{key}'") for key in missing]
    return inputs, problems + named(record.naming, name, olds, inputs, seed, naming)
