"""What the installed pulumi-gcp says about a resource type: its inputs, which are required, allowed values, outputs.

Read from the classes of the SDK, so it is right for the installed version without a table of ours. Allowed values are
in the descriptions only, in a few fixed forms ("Possible values are: `A`, `B`."); where a description has another form,
any value passes. Nothing but the module of the type asked for is imported.
"""

from __future__ import annotations

import collections.abc
import functools
import importlib
import inspect
import re
import sys
import threading
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pulumi import _types

Kind = Literal["scalar", "object", "list", "map", "any"]

_ARE = r"\b(?:possible|valid|supported|accepted) values(?: are)?:?"
VALUES = re.compile(_ARE + r"\s+((?:(?:,|and|or|\s)*`\"?[A-Za-z0-9_]+\"?`)+)\s*(?:\.|\Z|\n)", re.IGNORECASE)
LISTED = re.compile(_ARE + r"\s*\n((?:\s*\*?\s*`?\"?[A-Z0-9_]+\"?`?(?::[^\n]*)?(?:\n|\Z))+)", re.IGNORECASE)
ONE_LISTED = re.compile(r"^\s*\*?\s*`?\"?([A-Z0-9_]+)\"?`?(?::|\s*$)", re.MULTILINE)
_IMPORTING = threading.Lock()
"""The SDK's modules import each other in circles: two threads at once would meet half-made ones."""
TICKED = re.compile(r"`\"?([A-Za-z0-9_]+)\"?`")


@dataclass(frozen=True)
class Field:
    """One input. `of` is the class of an object, `item` the field of a list's or map's entries."""

    kind: Kind
    required: bool = False
    values: frozenset[str] = frozenset()
    """Allowed values; empty when the SDK does not say."""
    of: type | None = None
    item: Field | None = None


@dataclass(frozen=True)
class Type:
    """One resource type of the SDK."""

    inputs: type
    outputs: frozenset[str]


class NotInSdk(Exception):
    """pulumi-gcp has no such resource type."""


@functools.cache
def of(token: str) -> Type:
    """The classes of a type token such as gcp:compute/network:Network. Raises `NotInSdk`."""
    try:
        provider, path, noun = token.split(":")
        if provider != "gcp":
            raise NotInSdk(token)
        with _IMPORTING:
            cls = getattr(importlib.import_module(f"pulumi_gcp.{path.split('/')[0]}"), noun)
    except (ValueError, ImportError, AttributeError):
        raise NotInSdk(token) from None
    module: Any = sys.modules[cls.__module__]
    # A class whose Args name is taken by a nested type is called InitArgs.
    inputs = getattr(module, f"{noun}InitArgs", None) or getattr(module, f"{noun}Args")
    return Type(inputs, frozenset(name for name, _ in _properties(getattr(module, f"_{noun}State"))))


@functools.cache
def fields(cls: type) -> Mapping[str, Field]:
    """The inputs of a class by the name that the engine uses."""
    parameters = inspect.signature(cls).parameters
    kinds = _types.input_type_types(cls)
    found: dict[str, Field] = {}
    for name, getter in _properties(cls):
        python = getter.__name__
        required = python in parameters and parameters[python].default is inspect.Parameter.empty
        found[name] = _field(kinds[name], required, allowed(inspect.getdoc(getter) or ""))
    return found


def allowed(description: str) -> frozenset[str]:
    """The values that a description names as the only ones; empty when it names none.

    A single value is not believed: the description may go on in another form.
    """
    found: list[str] = []
    if match := VALUES.search(description):
        found = TICKED.findall(match[1])
    elif match := LISTED.search(description):
        found = ONE_LISTED.findall(match[1])
    return frozenset(found) if len(set(found)) > 1 else frozenset()


def _properties(cls: type) -> Iterator[tuple[str, Any]]:
    """Name of the engine and getter of every property of an SDK class."""
    for member in vars(cls).values():
        name = getattr(getattr(member, "fget", None), "_pulumi_name", None)
        if name:
            yield name, member.fget


def _field(kind: Any, required: bool = False, values: frozenset[str] = frozenset()) -> Field:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        # Input[T] is T, an Awaitable or an Output; Optional[T] adds None.
        return _field(next(one for one in arguments if _is_value(one)), required, values)
    if origin in (collections.abc.Sequence, list):
        return Field("list", required, item=_field(arguments[0], values=values))
    if origin in (collections.abc.Mapping, dict):
        return Field("map", required, item=_field(arguments[1]))
    if isinstance(kind, type) and _types.is_input_type(kind):
        return Field("object", required, of=kind)
    if kind in (str, int, float, bool):
        return Field("scalar", required, values)
    return Field("any", required)


def _is_value(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    if origin in (collections.abc.Awaitable, typing.Awaitable) or kind is type(None):
        return False
    name = getattr(origin or kind, "__name__", "") or getattr(kind, "__forward_arg__", "")
    return not name.startswith("Output")
