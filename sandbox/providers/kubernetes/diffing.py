"""What changed between the inputs in the state and the program's, and whether that replaces the object.

The official provider compares the program with the live object as last seen, cut down to the program's fields, after
a round trip through Go types that makes equal quantities equal. Here the inputs are compared: a refresh has already
brought drift into them (`checkpoint.overlay`), and a value the server only writes differently (1000m, 1) never shows
as a change.
"""

from __future__ import annotations

import base64
import copy
import re
from typing import Any

from sandbox.providers.difference import Difference, Kind, changes, root
from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.forcenew import Path, touches
from sandbox.providers.kubernetes.objects import Object

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.\[\]]+)')


def compare(old: Object, new: Object, live: Object, *, namespaced: bool, forced: tuple[Path, ...]) -> Difference:
    """The difference of two sets of inputs.

    `live` is the object as last seen (the state), `forced` the paths that replace. A replacement deletes first when
    old and new object would have the same name in the same namespace and the name was not generated.
    """
    old, new = _canonical(old, namespaced), _canonical(new, namespaced)
    if objects.name(new) and objects.name(live):
        # The generated name may be written into the program later without a replacement.
        objects.metadata(old)["name"] = objects.name(live)
    found = changes(old, new)
    if objects.is_secret(new) and effective_data(old) == effective_data(new):
        found = {path: kind for path, kind in found.items() if root(path) not in ("data", "stringData")}
    replaces = frozenset(path for path, kind in found.items() if _replaces(path, kind, old, new, forced))
    return Difference(found, replaces, bool(replaces) and collides(old, new))


def collides(old: Object, new: Object) -> bool:
    """Whether a replacement must delete first: same fixed name, same namespace."""
    same_place = objects.namespace(old) == objects.namespace(new)
    same_name = bool(objects.name(new)) and objects.name(old) == objects.name(new)
    return same_name and same_place and not objects.marked(new, objects.AUTONAMED)


def effective_data(secret: Object) -> dict[str, Any]:
    """The data of a Secret as the server stores it: `stringData` encoded over `data`."""
    text = {
        key: base64.b64encode(value.encode()).decode() if isinstance(value, str) else value
        for key, value in objects.members(secret.get("stringData")).items()
    }
    return objects.members(secret.get("data")) | text


def steps(path: str) -> Path:
    """A path of a detailed difference, taken apart: `a["b.c"][0].d` is ("a", "b.c", 0, "d")."""
    found: list[str | int] = []
    for quoted, index, plain in _STEP.findall(path):
        if index:
            found.append(int(index))
        else:
            found.append(plain or re.sub(r"\\(.)", r"\1", quoted))
    return tuple(found)


def _replaces(path: str, kind: Kind, old: Object, new: Object, forced: tuple[Path, ...]) -> bool:
    changed = steps(path)
    return touches(changed, _at(old if kind is Kind.DELETE else new, changed), forced)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = objects.members(value).get(step)
    return value


def _canonical(inputs: Object, namespaced: bool) -> Object:
    """A copy in which inputs that mean the same look the same."""
    result = copy.deepcopy(objects.from_api(objects.to_api(inputs)))
    metadata = result.setdefault("metadata", {})
    if isinstance(metadata, dict):
        for field in objects.READ_ONLY_METADATA:
            metadata.pop(field, None)
        if namespaced:
            metadata["namespace"] = metadata.get("namespace") or "default"
        else:
            metadata.pop("namespace", None)
    if objects.api_version(result).startswith("core/"):
        result["apiVersion"] = objects.api_version(result).removeprefix("core/")
    if objects.is_definition(result):
        result.pop("status", None)
    return result
