"""Shapes that AWS and pulumi-aws write differently: key spelling, JSON documents, booleans as text, whole lists
behind pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Renames = Mapping[str, str]


def pascal(value: Any, renames: Renames | None = None) -> Any:
    """Keys as most AWS APIs spell them: `subnetIds` -> `SubnetIds`; `renames` for those that differ in more than a
    letter.
    """
    if isinstance(value, Mapping):
        names = renames or {}
        return {names.get(key, key[:1].upper() + key[1:]): pascal(item, renames) for key, item in value.items()}
    return [pascal(item, renames) for item in value] if isinstance(value, list | tuple) else value


def camel(value: Any, renames: Renames | None = None) -> Any:
    """The reverse of `pascal` with the same `renames`."""
    if isinstance(value, Mapping):
        names = {theirs: ours for ours, theirs in (renames or {}).items()}
        return {names.get(key, key[:1].lower() + key[1:]): camel(item, renames) for key, item in value.items()}
    return [camel(item, renames) for item in value] if isinstance(value, list | tuple) else value


def picked(value: Any, *names: str) -> dict[str, Any] | None:
    """Some keys of an object; None when there is no object."""
    return {name: value[name] for name in names if name in value} if isinstance(value, Mapping) else None


def text(document: Any) -> str | None:
    """A JSON document as text, whether it was given as text or as an object."""
    return document if isinstance(document, str) or document is None else json.dumps(document, sort_keys=True)


def boolean(value: Any) -> bool | None:
    """A boolean that may be text ("true", "false", "")."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value


def whole(api: Any, operation: str, items: str, **arguments: Any) -> list[Any]:
    """All items of a listing, page by page."""
    found: list[Any] = []
    while True:
        answer = api(operation, **arguments)
        found += answer.get(items) or []
        following = next(
            ((key, answer[key]) for key in ("NextToken", "nextToken", "NextMarker", "Marker") if answer.get(key)), None
        )
        if following is None:
            return found
        name, token = following
        arguments["Marker" if name == "NextMarker" else name] = token
