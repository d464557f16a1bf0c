"""What the state keeps of an object, and how a live object becomes inputs again.

The state is the live object with three keys beside it: `__inputs` (what the program gave), `__initialApiVersion` and
`__fieldManager`, as the official provider writes it. `metadata.managedFields` is left out: it is long, and nobody may
rely on it.
"""

from __future__ import annotations

import base64
import binascii
import copy
from typing import Any

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.naming import FIELD_MANAGER
from sandbox.providers.kubernetes.objects import Object, members
from sandbox.providers.protocol import Props
from sandbox.providers.wire import UNKNOWN

INPUTS = "__inputs"
INITIAL_API_VERSION = "__initialApiVersion"
_OURS = (INPUTS, INITIAL_API_VERSION, FIELD_MANAGER)
_SERVER_ANNOTATIONS = ("deployment.kubernetes.io/revision", objects.LAST_APPLIED)
_MISSING = object()


def state(inputs: Object, live: Object, manager: str, initial_api_version: str = "") -> Props:
    """The state of an object after it was written or read."""
    result = objects.from_api(live)
    objects.metadata(result).pop("managedFields", None)
    return result | {
        INPUTS: inputs,
        INITIAL_API_VERSION: initial_api_version or objects.api_version(inputs),
        FIELD_MANAGER: manager,
    }


def preview_state(inputs: Object, dry_run: Object, manager: str) -> Props:
    """What a dry run says the state will be: defaults filled in, what only the real server can choose is unknown, no
    status.
    """
    result = state(inputs, dry_run, manager)
    result.pop("status", None)
    metadata = objects.metadata(result)
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation"):
        if field in metadata:
            metadata[field] = UNKNOWN
    spec, wanted = members(result.get("spec")), members(inputs.get("spec"))
    if objects.kind(inputs) == "Service":
        for field in ("clusterIP", "clusterIPs"):
            if field in spec and field not in wanted:
                spec[field] = UNKNOWN
    return result


def live_object(props: Props) -> Object:
    """The object as it was last seen, out of the state."""
    return {key: value for key, value in props.items() if key not in _OURS}


def inputs_of(props: Props) -> Object:
    """The inputs the state was made from, empty when it has none."""
    return members(props.get(INPUTS))


def overlay(inputs: Object, before: Object, now: Object) -> Object:
    """`inputs` with the drift of the live object from `before` (the state) to `now`: only what the program set,
    changed where the server's value changed since, removed where it is gone.

    A value the server writes differently from the program (a quantity, a default) is no drift as long as it stays the
    same.
    """
    if objects.is_secret(inputs) and members(inputs.get("stringData")):
        before, now = _with_text(inputs, before), _with_text(inputs, now)
    merged = _overlay(inputs, objects.from_api(before) if before else _MISSING, objects.from_api(now))
    for key in ("apiVersion", "kind"):
        if key in inputs:
            merged[key] = inputs[key]
    return merged


def _overlay(wanted: Any, before: Any, now: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(now, dict):
        return _overlay_members(wanted, before, now)
    if isinstance(wanted, list) and isinstance(now, list):
        return _overlay_items(wanted, before, now)
    return wanted if now in (before, wanted) else now


def _overlay_members(wanted: Object, before: Any, now: Object) -> Object:
    past = before if isinstance(before, dict) else {}
    result: Object = {}
    for key, value in wanted.items():
        if key in now:
            result[key] = _overlay(value, past.get(key, _MISSING), now[key])
        elif isinstance(before, dict) and key not in past:
            result[key] = value  # never came back from the server, so its absence says nothing
    return result


def _overlay_items(wanted: list[Any], before: Any, now: list[Any]) -> list[Any]:
    past = before if isinstance(before, list) else wanted
    kept = [
        _overlay(value, past[i] if i < len(past) else _MISSING, now[i])
        for i, value in enumerate(wanted)
        if i < len(now)
    ]
    return kept + now[max(len(past), len(wanted)) :]


def _with_text(inputs: Object, live: Object) -> Object:
    """`live` with the `stringData` that its `data` stands for, for the keys the program gave as text."""
    data = members(live.get("data"))
    text = {key: _decoded(data[key]) for key in inputs["stringData"] if key in data}
    return live | {"stringData": text} if live else live


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return value


def imported(live: Object) -> Object:
    """Inputs for an object that the program has none for: everything but what the server fills in."""
    result: Object = objects.from_api(copy.deepcopy(live))
    result.pop("status", None)
    metadata = objects.metadata(result)
    for field in (*objects.READ_ONLY_METADATA, "selfLink"):
        metadata.pop(field, None)
    annotations = members(metadata.get("annotations"))
    for key in _SERVER_ANNOTATIONS:
        annotations.pop(key, None)
    if not annotations:
        metadata.pop("annotations", None)
    return result
