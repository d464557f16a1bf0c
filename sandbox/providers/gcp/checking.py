"""Inputs against the SDK's description of a type: unknown names, missing ones, wrong shapes, values that are not
allowed. All problems at once, each with its path; what is not known yet is not judged.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers import wire
from sandbox.providers.difference import step
from sandbox.providers.gcp import sdk
from sandbox.providers.gcp.sdk import Field
from sandbox.providers.protocol import Problem

WORDS = {"object": "an object", "list": "a list", "map": "an object"}
Values = Mapping[str, frozenset[str]]


def problems(cls: type, inputs: Mapping[str, Any], values: Values) -> list[Problem]:
    """What is wrong with the inputs of a type. `values`: allowed values by path without indices, for what the SDK
    does not say.
    """
    return list(_object(cls, inputs, "", "", values))


def _object(cls: type, given: Mapping[str, Any], path: str, plain: str, values: Values) -> Iterator[Problem]:
    known = sdk.fields(cls)
    for name in sorted(given):
        if given[name] is None or name.startswith("__"):
            continue
        here = step(path, name)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; it takes {', '.join(sorted(known))}"
            yield Problem(here, f"{here}: there is no such input{hint}")
        else:
            yield from _value(known[name], given[name], here, f"{plain}.{name}".lstrip("."), values)
    for name, field in known.items():
        if field.required and given.get(name) is None:
            here = step(path, name)
            yield Problem(here, f"{here}: required, but not given")


def _value(field: Field, given: Any, path: str, plain: str, values: Values) -> Iterator[Problem]:
    if isinstance(given, str) and wire.unknown(given):
        return
    match field.kind:
        case "object" if isinstance(given, Mapping) and field.of:
            yield from _object(field.of, given, path, plain, values)
        case "list" if isinstance(given, list) and field.item:
            for index, one in enumerate(given):
                yield from _value(field.item, one, step(path, index), plain, values)
        case "map" if isinstance(given, Mapping) and field.item:
            for key, one in given.items():
                if one is not None:
                    yield from _value(field.item, one, step(path, key), plain, values)
        case "object" | "list" | "map":
            yield Problem(path, f"{path}: must be {WORDS[field.kind]}, not {_shown(given)}")
        case "scalar" if isinstance(given, Mapping | list):
            yield Problem(
                path, f"{path}: must be a single value, not {'an object' if isinstance(given, Mapping) else 'a list'}"
            )
        case "scalar":
            allowed = values.get(plain, field.values)
            if allowed and str(given) not in allowed:
                yield Problem(path, f"{path}: {given} is not allowed; give {_either(allowed)}")


def _shown(value: Any) -> str:
    return "a list" if isinstance(value, list) else repr(value) if not isinstance(value, Mapping) else "an object"


def _either(values: frozenset[str]) -> str:
    return " or ".join(sorted(values)) if len(values) < 3 else f"one of {', '.join(sorted(values))}"
