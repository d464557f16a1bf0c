"""Comparison of old and new inputs, as the engine's detailed difference wants it: one entry a changed path.

Unknown values count as changed, so that "would this replace?" is answered for values that are not known yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from sandbox.providers import wire

_SIMPLE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")


class Kind(IntEnum):
    """Kind of one change in the protocol; the replacing variant is one higher."""

    ADD = 0
    DELETE = 2
    UPDATE = 4


@dataclass(frozen=True)
class Difference:
    """What changed: `changes` by path (`tags.Team`, `ingress[0].fromPort`), and which of those force a replacement.

    `outputs`: paths that were found in the state instead of the inputs.
    """

    changes: Mapping[str, Kind] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    delete_before_replace: bool = False
    outputs: frozenset[str] = frozenset()


def step(path: str, key: str | int) -> str:
    """The path of a member: `path.key`, `path["a.b"]` or `path[0]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _SIMPLE.match(key):
        return f"{path}.{key}" if path else key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def root(path: str) -> str:
    """The property a path starts with: `tags` of `tags.Team`."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def changes(old: Any, new: Any, path: str = "") -> dict[str, Kind]:
    """Every leaf that differs between two values. Lists are compared by position; the rest of the longer one is added
    or removed.
    """
    if wire.same(old, new):
        return {}
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not wire.is_asset(old) and not wire.is_asset(new):
        return _members(old, new, path, sorted(old.keys() | new.keys()))
    if isinstance(old, list) and isinstance(new, list) and old and new:
        first, second = dict(enumerate(old)), dict(enumerate(new))
        return _members(first, second, path, sorted(first.keys() | second.keys()))
    return {path: Kind.UPDATE}


def _members(old: Mapping[Any, Any], new: Mapping[Any, Any], path: str, keys: Iterable[Any]) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for key in keys:
        here = step(path, key)
        if old.get(key) is None and new.get(key) is None:
            continue
        if old.get(key) is None:
            found[here] = Kind.ADD
        elif new.get(key) is None:
            found[here] = Kind.DELETE
        else:
            found |= changes(old[key], new[key], here)
    return found
