"""Validation errors of a stack file as sentences for its author.

A sentence names the key (`pools[h200].zone`), the value, what is allowed and what to do. Rules of the specs bring their
own sentences; this module words what pydantic finds by itself: unknown and missing keys, wrong types, wrong choices.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.spec import shown

Path = Sequence[str | int]
KEY = "[key]"
"""How pydantic says that the key of an entry is wrong, not its value."""


def sentences(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence per error, in the order of the file's keys."""
    found = error.errors(include_url=False)
    return [sentence(details, model) for details in found if not _follows(details, found)]


def _follows(details: ErrorDetails, found: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because an entry of it is wrong."""
    loc = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found
    )


def sentence(details: ErrorDetails, model: type[BaseModel]) -> str:
    """The sentence for one error of `model`."""
    place = locate(details["loc"], model)
    return f"`{place.path}`: {_text(details, place)}"


class Place:
    """Where an error is: the path as the file spells it, the field, and the keys allowed beside it."""

    def __init__(self) -> None:
        self.path = ""
        self.field: FieldInfo | None = None
        self.siblings: list[str] = []

    def enter(self, key: str | int, *, of_mapping: bool) -> None:
        if of_mapping or isinstance(key, int):
            self.path += f"[{key}]"
        else:
            self.path += f".{key}" if self.path else key


def locate(loc: Path, model: type[BaseModel]) -> Place:
    """Follow an error's location through the annotations; tags of unions are not part of the file's path."""
    place, annotation = Place(), model
    for key in loc:
        if key == KEY:
            break
        annotation = _bare(annotation)
        members = _union(annotation)
        if members:
            chosen = [member for member in members if _tag(member) == key]
            if chosen:
                annotation = _bare(chosen[0])
                continue
            annotation = next((m for m in map(_bare, members) if _is_model(m)), members[0])
        if _is_model(annotation):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            place.siblings = list(fields)
            place.field = fields.get(str(key))
            place.enter(key, of_mapping=False)
            annotation = place.field.annotation if place.field else object
        elif get_origin(annotation) in (dict, Mapping):
            place.enter(key, of_mapping=True)
            annotation = get_args(annotation)[1]
        elif get_origin(annotation) is tuple:
            place.enter(key, of_mapping=False)
            annotation = get_args(annotation)[0]
        else:
            place.enter(key, of_mapping=False)
    return place


def _bare(annotation: Any) -> Any:
    """Without `Annotated[...]` and `... | None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif (members := _union(annotation)) and type(None) in members:
            rest = tuple(member for member in members if member is not type(None))
            annotation = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - built at run time
        else:
            return annotation


def _union(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tag(member: Any) -> str | None:
    """By what pydantic names a union's member in locations: its tag, or the value of its `model` field."""
    if get_origin(member) is Annotated:
        return next((note.tag for note in get_args(member)[1:] if isinstance(note, Tag)), None)
    if not _is_model(member) or "model" not in member.model_fields:
        return None
    return get_args(member.model_fields["model"].annotation)[0]


KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "string": "a text; put it in quotes",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "a mapping of keys to values",
    "model": "a mapping of keys to values",
    "date": "a day such as 2027-01-31",
    "datetime": 'a time in quotes such as "2026-12-01T11:30:00Z"',
}
"""What a value should have been, by the first word of pydantic's error type."""

BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
LENGTHS = {"too_short": ("min_length", "at least"), "too_long": ("max_length", "at most")}
TEXTS = {
    "string_too_short": ("min_length", ("short", "at least")),
    "string_too_long": ("max_length", ("long", "at most")),
}


def _text(details: ErrorDetails, place: Place) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "rule":
        return details["msg"]
    if kind == "extra_forbidden":
        return _unknown_key(str(details["loc"][-1]), place.siblings)
    if kind == "missing":
        return f"missing. {_description(place.field)}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _wrong_choice(kind, context, place)
    if kind in ("literal_error", "enum"):
        return f"{shown(value)} is not one of {context.get('expected', '').replace(chr(39), '')}."
    if limit := _limit(details, place):
        return limit
    expected = KINDS.get(kind.split("_")[0])
    return f"{shown(value)} is not {expected}." if expected else f"{shown(value)}: {details['msg']}."


def _limit(details: ErrorDetails, place: Place) -> str | None:
    """The sentence for a value beyond a limit; None for other errors."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind in BOUNDS:
        name, words = BOUNDS[kind]
        return f"{shown(value)} is out of range; it must be {words} {context[name]}."
    if kind in LENGTHS:
        name, words = LENGTHS[kind]
        return (
            f"give {words} {context[name]} {'entry' if context[name] == 1 else 'entries'}. {_description(place.field)}"
        )
    if kind in TEXTS:
        name, words = TEXTS[kind]
        return f"{shown(value)} is too {words[0]}; give {words[1]} {context[name]} characters."
    return None


def _unknown_key(key: str, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"unknown key.{hint} Keys here: {', '.join(sorted(allowed))}."


def _wrong_choice(kind: str, context: Mapping[str, Any], place: Place) -> str:
    choices = ", ".join(_choices(place.field))
    if kind == "union_tag_not_found":
        return f"it needs the key {context['discriminator'].strip(chr(39))}: one of {choices}."
    return f"model {context['tag']} is not one of {choices}."


def _choices(field: FieldInfo | None) -> Iterator[str]:
    for member in _union(_bare(field.annotation)) if field else ():
        if tag := _tag(member):
            yield tag


def _description(field: FieldInfo | None) -> str:
    choices = ", ".join(_choices(field))
    text = (field.description if field else None) or ""
    return f"{text} Choose a model: {choices}." if choices else text
