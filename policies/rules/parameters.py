"""What a parameter of a rule may hold: a JSON schema from its default, and what is wrong with a value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .model import Rule

Schema = dict[str, Any]
NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
TEXT: Final[Schema] = {"type": "string"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
WITHOUT_EXAMPLE: Final[dict[str, Schema]] = {
    "principals": TEXTS,
    "regions": TEXTS,
    "families": TEXTS,
    "accounts": {"type": "array", "items": {"type": ["string", "number"]}},
    "maxima": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    "values": {"type": "object", "additionalProperties": TEXTS},
    "defaults": {"type": "object", "additionalProperties": TEXT},
    "factors": {"type": "object", "additionalProperties": NUMBER},
    "limits": {"type": "object", "additionalProperties": {"type": "object"}},
}
"""Parameters whose default does not show what they hold: it is empty, or there is none."""
WORDS = {"boolean": "true or false", "number": "a number", "string": "a text", "array": "a list", "object": "a map"}


def schema(rule: Rule, name: str) -> Schema:
    """JSON schema of a parameter."""
    return WITHOUT_EXAMPLE.get(name) or _of(rule.parameters[name])


def _of(value: Any) -> Schema:
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list | tuple):
        return {"type": "array", "items": _of(value[0])} if value else TEXTS
    if isinstance(value, Mapping):
        return (
            {"type": "object", "additionalProperties": _of(next(iter(value.values())))} if value else {"type": "object"}
        )
    return NUMBER  # figures are what has no default otherwise


def mistakes(rule: Rule, given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the parameters given for a rule: `NAME: what; what to do`."""
    for name, value in given.items():
        if name not in rule.parameters:
            yield f"{name}: unknown; the rule has {', '.join(rule.parameters) or 'none'}"
        elif not _fits(value, wanted := schema(rule, name)):
            yield f"{name}: {value!r} is not {words(wanted)}"


def words(wanted: Schema) -> str:
    """A schema as a person says it: a list of numbers."""
    kinds = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
    inside = wanted.get("items") or wanted.get("additionalProperties")
    said = " or ".join(WORDS[kind] for kind in kinds)
    if not inside:
        return f"{said} from 0" if kinds == ["number"] else said
    return f"{said} of which every value is {words(inside)}"


def _fits(value: Any, wanted: Schema) -> bool:
    kinds = wanted["type"] if isinstance(wanted["type"], list) else [wanted["type"]]
    return any(_is(value, kind, wanted) for kind in kinds)


def _is(value: Any, kind: str, wanted: Schema) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return number and value >= wanted.get("minimum", -math.inf)
    if kind == "string":
        return isinstance(value, str)
    if kind == "array":
        return isinstance(value, list | tuple) and all(_fits(item, wanted["items"]) for item in value)
    inside = wanted.get("additionalProperties")
    return isinstance(value, Mapping) and (inside is None or all(_fits(item, inside) for item in value.values()))
