"""Values between the engine and a provider: protobuf Structs to plain Python data and back.

Plain data means dict, list, str, int, float, bool and None. Special values of the protocol
(https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/plugin/rpc.go) become:

- unknown (of any type, also an output without a value): the string `UNKNOWN`;
- secret: its plain value; `apply` and `mark_secrets` put the marks back where a provider accepts secrets;
- output with a value: the value; resource reference: its id (the URN where it has none);
- asset and archive: the dict as it came, signature included, so that it travels back unchanged. The engine may leave
  out ("elide") the contents and send only the hash: compare with `same`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from google.protobuf import struct_pb2

Props = dict[str, Any]
"""Properties of a resource as plain data."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""A value that is not known before the update runs. All typed sentinels are read as this one."""
_UNKNOWNS = {
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
    "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
    "e48ece36-62e2-4504-bad9-02848725956a",  # archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
}
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


def signature(value: struct_pb2.Value) -> str | None:
    """Which special value this is, or None for an ordinary one."""
    if value.WhichOneof("kind") != "struct_value" or SIGNATURE not in value.struct_value.fields:
        return None
    return value.struct_value.fields[SIGNATURE].string_value


def plain(value: struct_pb2.Value) -> Any:
    """Plain data of one wire value."""
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [plain(item) for item in value.list_value.values]
        case "struct_value":
            return _plain_object(value)
    return None


def _plain_object(value: struct_pb2.Value) -> Any:
    fields = value.struct_value.fields
    match signature(value):
        case s if s == SECRET:
            return plain(fields["value"])
        case s if s == OUTPUT:
            return plain(fields["value"]) if "value" in fields else UNKNOWN
        case s if s == RESOURCE:
            known = fields["id"].string_value if "id" in fields else ""
            return (UNKNOWN if known in _UNKNOWNS else known) or fields["urn"].string_value
    return {key: plain(item) for key, item in fields.items()}


def props(struct: struct_pb2.Struct) -> Props:
    """Plain data of a Struct."""
    return {key: plain(item) for key, item in struct.fields.items()}


def value(data: Any) -> struct_pb2.Value:  # noqa: PLR0911 - one return per JSON type
    """The wire value of plain data. Wire values inside stay as they are; dates and Decimals become text and numbers.

    Raises TypeError for anything else: a provider must not send what the state cannot hold.
    """
    match data:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=data)
        case str():
            return struct_pb2.Value(string_value=data)
        case int() | float() | Decimal():
            return struct_pb2.Value(number_value=float(data))
        case Mapping():
            return struct_pb2.Value(struct_value=struct(data))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[value(item) for item in data]))
        case date():  # datetime as well
            return struct_pb2.Value(string_value=data.isoformat())
        case struct_pb2.Value():
            return data
        case struct_pb2.Struct():
            return struct_pb2.Value(struct_value=data)
    raise TypeError(f"a value of type {type(data).__name__} cannot be sent to the engine")


def struct(data: Mapping[str, Any]) -> struct_pb2.Struct:
    """The Struct of plain data; top-level and nested None values are left out."""
    return struct_pb2.Struct(fields={key: value(item) for key, item in data.items() if item is not None})


def unknown(data: Any) -> bool:
    """Whether plain data is unknown or holds an unknown anywhere."""
    match data:
        case str():
            # Text put together from an unknown would carry the sentinel inside.
            return UNKNOWN in data
        case Mapping():
            return any(unknown(item) for item in data.values())
        case list() | tuple():
            return any(unknown(item) for item in data)
    return False


def known(data: Mapping[str, Any]) -> Props:
    """The properties that hold no unknown at all."""
    return {key: item for key, item in data.items() if not unknown(item)}


def is_asset(data: Any) -> bool:
    """Whether plain data is an asset or archive."""
    return isinstance(data, Mapping) and data.get(SIGNATURE) in (ASSET, ARCHIVE)


def same(old: Any, new: Any) -> bool:
    """Whether two plain values mean the same: assets by hash, numbers by value, anything unknown is different."""
    if is_asset(old) and is_asset(new):
        return old[SIGNATURE] == new[SIGNATURE] and bool(old.get("hash")) and old.get("hash") == new.get("hash")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    return old == new and not unknown(old)


def apply(original: struct_pb2.Struct, data: Mapping[str, Any]) -> struct_pb2.Struct:
    """`data` as a Struct that keeps the wire form (secrets, outputs, assets) of what it leaves of `original`."""
    result = struct_pb2.Struct()
    for key, item in data.items():
        if item is not None:
            result.fields[key].CopyFrom(_applied(original.fields[key], item) if key in original.fields else value(item))
    return result


def _applied(original: struct_pb2.Value, data: Any) -> struct_pb2.Value:
    if plain(original) == data:
        return original
    mark = signature(original)
    if mark in (SECRET, OUTPUT) and "value" in original.struct_value.fields:
        result = struct_pb2.Value()
        result.CopyFrom(original)
        result.struct_value.fields["value"].CopyFrom(_applied(original.struct_value.fields["value"], data))
        return result
    kind = original.WhichOneof("kind")
    if mark is None and kind == "struct_value" and isinstance(data, Mapping):
        return struct_pb2.Value(struct_value=apply(original.struct_value, data))
    if kind == "list_value" and isinstance(data, list) and len(data) == len(original.list_value.values):
        items = [_applied(item, new) for item, new in zip(original.list_value.values, data, strict=True)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    # The shape changed: whatever was secret inside makes the whole new value secret.
    return _secret(value(data)) if has_secret(original) else value(data)


def _secret(inner: struct_pb2.Value) -> struct_pb2.Value:
    if signature(inner) == SECRET:
        return inner
    return value({SIGNATURE: SECRET, "value": inner})


def has_secret(item: struct_pb2.Value) -> bool:
    """Whether a wire value is secret or holds a secret anywhere."""
    mark = signature(item)
    if mark == SECRET:
        return True
    match item.WhichOneof("kind"):
        case "struct_value":
            fields = item.struct_value.fields
            if mark == OUTPUT and "secret" in fields and fields["secret"].bool_value:
                return True
            return any(has_secret(part) for part in fields.values())
        case "list_value":
            return any(has_secret(part) for part in item.list_value.values)
    return False


def mark_secrets(result: struct_pb2.Struct, sources: Iterable[struct_pb2.Struct]) -> struct_pb2.Struct:
    """`result` with every property marked secret that is secret in one of `sources` at the same place.

    Objects are followed key by key; a list that holds a secret anywhere becomes secret as a whole, because lists may
    come back in another order.
    """
    marked = result
    for source in sources:
        if any(has_secret(item) for item in source.fields.values()):
            marked = _marked_struct(source, marked)
    return marked


def _marked_struct(source: struct_pb2.Struct, target: struct_pb2.Struct) -> struct_pb2.Struct:
    result = struct_pb2.Struct()
    for key, item in target.fields.items():
        result.fields[key].CopyFrom(_marked(source.fields[key], item) if key in source.fields else item)
    return result


def _marked(source: struct_pb2.Value, target: struct_pb2.Value) -> struct_pb2.Value:
    if not has_secret(source):
        return target
    objects = source.WhichOneof("kind") == target.WhichOneof("kind") == "struct_value"
    if objects and signature(source) is None and signature(target) is None:
        return struct_pb2.Value(struct_value=_marked_struct(source.struct_value, target.struct_value))
    return _secret(target)
