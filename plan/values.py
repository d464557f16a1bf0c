"""Property values of Pulumi's protocol and documents turned into plain Python.

Numbers that are whole become `int`. Unknown values become `UNKNOWN`, secrets `SECRET`, references to resources their
URN, assets a mapping with their path or hash. Signatures: pulumi/pulumi `sdk/go/common/resource/plugin/rpc.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plan.model import SECRET, UNKNOWN

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct, Value

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ANY_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWN_TEXTS = frozenset(
    {
        ANY_UNKNOWN,  # what the engine sends for any kind
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


def from_struct(struct: Struct) -> dict[str, Any]:
    """Decode the properties of a protocol message."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain({key: _from_value(item) for key, item in value.struct_value.fields.items()}, shallow=True)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
    return value.bool_value if kind == "bool_value" else None


def plain(value: Any, *, shallow: bool = False) -> Any:
    """Decode a value of a JSON document. `shallow`: the items of a mapping are decoded already."""
    if isinstance(value, dict):
        signature = value.get(SIGNATURE)
        if signature == SECRET_SIGNATURE:
            return SECRET
        if signature == OUTPUT_SIGNATURE:
            return SECRET if value.get("secret") else _item(value.get("value", UNKNOWN), shallow)
        if signature == RESOURCE_SIGNATURE:
            return value.get("urn", UNKNOWN)
        return {key: _item(item, shallow) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if isinstance(value, str) and value in UNKNOWN_TEXTS else value


def _item(value: Any, shallow: bool) -> Any:
    return value if shallow else plain(value)
