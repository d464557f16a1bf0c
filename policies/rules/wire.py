"""Property values of the analyzer protocol as the rules see them: plain data, `UNKNOWN`, and no secret in clear."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .model import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
REDACTED = "[secret]"
NAME = re.compile(r"[:/.@_\d-]")
"""What a name has and a word of a sentence has not."""
UNKNOWN_TEXTS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


def properties(struct: Any) -> dict[str, Any]:
    """Decode a protobuf Struct."""
    return {key: _value(value) for key, value in struct.fields.items() if key != "__defaults"}


def secrets(struct: Any) -> set[str]:
    """Every text and number that lies under the marker of a secret."""
    return {text for value in struct.fields.values() for text in _secrets(value, False)}


def _secrets(value: Any, hidden: bool) -> Iterator[str]:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        marked = SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET_SIGNATURE
        for key, item in fields.items():
            if key != SIGNATURE:
                yield from _secrets(item, hidden or marked)
    elif kind == "list_value":
        for item in value.list_value.values:
            yield from _secrets(item, hidden)
    elif hidden and kind == "string_value" and value.string_value not in UNKNOWN_TEXTS:
        yield value.string_value
    elif hidden and kind == "number_value":
        yield f"{value.number_value:g}"


def redacted(message: str, texts: Collection[str]) -> str:
    """A message without secrets: neither whole ones nor names (with a colon, dot, digit or the like) out of one."""
    for text in sorted(filter(None, texts), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", REDACTED, message)
    lower = [text.lower() for text in texts]

    def hide(found: re.Match[str]) -> str:
        word = found[0].rstrip(".,:;)")
        inside = NAME.search(word) and any(word.lower() in text for text in lower)
        return found[0].replace(word, REDACTED) if inside else found[0]

    return re.sub(r"[^\s(]+", hide, message) if texts else message


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _object(value.struct_value.fields)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWN_TEXTS else value.string_value
    return value.bool_value if kind == "bool_value" else None


def _object(fields: Mapping[str, Any]) -> Any:
    if SIGNATURE in fields:
        signature = fields[SIGNATURE].string_value
        if signature == SECRET_SIGNATURE:
            return _value(fields["value"])
        if signature == OUTPUT_SIGNATURE:
            return _value(fields["value"]) if "value" in fields else UNKNOWN
    return {key: _value(item) for key, item in fields.items()}
