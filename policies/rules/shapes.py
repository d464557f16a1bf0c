"""Inputs of retired types in the shape of the types that took their place, so that rules know one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .reading import UNKNOWN

Change = Callable[[Any], Any]


def _first(change: Change) -> Change:
    """The only item of what is a list in the old shape and one object in the new."""

    def changed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return change(value[0]) if value and value[0] is not UNKNOWN else (UNKNOWN if value else None)
        return value if value is UNKNOWN else change(value)

    return changed


def _renamed(names: Mapping[str, tuple[str, Change]]) -> Change:
    """An object with some of its keys under their new name and in their new shape."""

    def changed(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        found = {key: item for key, item in value.items() if key not in names}
        for old, (new, change) in names.items():
            if old in value and new not in found:
                found[new] = change(value[old])
        return found

    return changed


def _as_it_is(value: Any) -> Any:
    return value


_DEFAULT = {"applyServerSideEncryptionByDefaults": ("applyServerSideEncryptionByDefault", _first(_as_it_is))}
_RULE = {"rules": ("rule", _first(_renamed(_DEFAULT)))}
_BUCKET = {
    "versionings": ("versioning", _first(_as_it_is)),
    "serverSideEncryptionConfigurations": ("serverSideEncryptionConfiguration", _first(_renamed(_RULE))),
    "loggings": ("logging", _first(_as_it_is)),
    "websites": ("website", _first(_as_it_is)),
    "objectLockConfigurations": ("objectLockConfiguration", _first(_as_it_is)),
    "replicationConfigurations": ("replicationConfiguration", _first(_as_it_is)),
}
SHAPES: Final[dict[str, Change]] = {"aws:s3/bucketV2:BucketV2": _renamed(_BUCKET)}


def modern(kind: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inputs of a type, by its token as it was given."""
    change = SHAPES.get(kind)
    return change(inputs) if change else inputs
