"""Changes on the wire message itself, so that secrets keep their marker and unknown values stay what they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import struct_pb2

from .wire import SECRET_SIGNATURE, SIGNATURE


def apply(properties: struct_pb2.Struct, changes: Iterable[tuple[str, Any]]) -> struct_pb2.Struct:
    """A copy of the message with the changes made. Paths as in `Remedy`; `%` in a key stands for a dot.

    A path through something that is no object or list (an unknown value) changes nothing.
    """
    changed = struct_pb2.Struct()
    changed.CopyFrom(properties)
    for path, value in changes:
        root = struct_pb2.Value(struct_value=changed)
        _set(root, [key.replace("%", ".") for key in path.split(".")], value)
        changed = root.struct_value
    return changed


def _set(where: struct_pb2.Value, keys: list[str], value: Any) -> None:
    where = _inside(where)
    key, rest = keys[0], keys[1:]
    if where.WhichOneof("kind") == "list_value":
        items = where.list_value.values
        if key == "-":
            items.add().CopyFrom(_message(value))
        elif key.isdigit() and int(key) < len(items):
            if rest:
                _set(items[int(key)], rest, value)
            else:
                items[int(key)].CopyFrom(_message(value))
        return
    if where.WhichOneof("kind") != "struct_value":
        return
    fields = where.struct_value.fields
    if key.isdigit() and key not in fields and rest:  # a single object where a list may stand
        _set(where, rest, value)
    elif not rest:
        if value is None:
            fields.pop(key, None)
        else:
            fields[key].CopyFrom(_message(value))
    else:
        if key not in fields or fields[key].WhichOneof("kind") in (None, "null_value"):
            fields[key].CopyFrom(_message([] if rest[0] == "-" else {}))
        _set(fields[key], rest, value)


def _inside(value: struct_pb2.Value) -> struct_pb2.Value:
    """The value under the marker of a secret."""
    while value.WhichOneof("kind") == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE not in fields or fields[SIGNATURE].string_value != SECRET_SIGNATURE:
            break
        value = fields["value"]
    return value


def _message(value: Any) -> struct_pb2.Value:
    holder = struct_pb2.Struct()
    holder.update({"value": value})
    return holder.fields["value"]
