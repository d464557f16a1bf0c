"""Who owns the fields of an object: server-side apply's `managedFields`."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object, items, members

_TAKEN_OVER = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    ("pulumi-kubernetes", "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)
"""Managers whose fields an update takes over, by prefix and operation: whoever used kubectl or client-side Pulumi
before it. The official provider does the same (`fixCSAFieldManagers` in provider/pkg/await/await.go).
"""


def managed_by(live: Object, manager: str) -> bool:
    """Whether `manager` has applied `live`."""
    return any(members(entry).get("manager") == manager for entry in items(objects.metadata(live).get("managedFields")))


def takes_over(live: Object, manager: str) -> bool:
    """Whether an update by `manager` would first take over fields of client-side tools."""
    return any(_taken(entry, manager) for entry in items(objects.metadata(live).get("managedFields")))


def take_over(live: Object, manager: str) -> list[dict[str, Any]] | None:
    """The JSON patch that gives the fields of client-side tools to `manager`; None when there is nothing to do."""
    entries = [members(entry) for entry in items(objects.metadata(live).get("managedFields"))]
    taken = [entry for entry in entries if _taken(entry, manager)]
    if not taken:
        return None
    own = next(
        (entry for entry in entries if entry.get("manager") == manager and entry.get("operation") == "Apply"), None
    )
    fields: Object = {}
    for entry in [own, *taken] if own else taken:
        fields = _union(fields, members(entry.get("fieldsV1")))
    merged = (own or taken[0]) | {"manager": manager, "operation": "Apply", "fieldsV1": fields}
    kept = [entry for entry in entries if entry is not own and entry not in taken]
    version = objects.metadata(live).get("resourceVersion")
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, merged]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _taken(entry: Any, manager: str) -> bool:
    owner, operation = str(members(entry).get("manager", "")), members(entry).get("operation")
    if (owner, operation) == (manager, "Apply") or members(entry).get("subresource"):
        return False
    return any(owner.startswith(prefix) and operation == wanted for prefix, wanted in _TAKEN_OVER)


def _union(first: Object, second: Object) -> Object:
    result = dict(first)
    for key, value in second.items():
        result[key] = _union(result[key], value) if key in result else value
    return result


def owned_paths(live: Object, manager: str) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """Field paths (object members only) owned by `manager` and by others."""
    ours: set[tuple[str, ...]] = set()
    theirs: set[tuple[str, ...]] = set()
    for entry in items(objects.metadata(live).get("managedFields")):
        own = members(entry).get("manager") == manager
        _collect(members(members(entry).get("fieldsV1")), (), ours if own else theirs)
    return ours, theirs


def _collect(fields: Object, path: tuple[str, ...], found: set[tuple[str, ...]]) -> None:
    for key, value in fields.items():
        if key.startswith("f:"):
            found.add((*path, key[2:]))
            _collect(members(value), (*path, key[2:]), found)


def ignore(desired: Object, live: Object, manager: str, paths: list[tuple[str, ...]]) -> Object:
    """`desired` for a server-side apply that must not change `paths` (the option `ignoreChanges`): a field that only
    others own is left out, any other keeps its live value.
    """
    result = copy.deepcopy(desired)
    ours, theirs = owned_paths(live, manager)
    for path in paths:
        parent = objects.pluck(result, *path[:-1]) if path[:-1] else result
        current = objects.pluck(live, *path)
        if not isinstance(parent, dict):
            continue
        if path in theirs and path not in ours:
            parent.pop(path[-1], None)
        elif current is not None:
            parent[path[-1]] = copy.deepcopy(current)
    return result
