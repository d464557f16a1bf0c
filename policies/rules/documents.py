"""Policy documents (IAM, buckets, keys, trust): JSON text as statements, and what rules ask of them."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .model import UNKNOWN, CannotTell, Reading
from .reading import holds_unknown
from .wire import UNKNOWN_TEXTS

RESTRICTING = (
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpath",
    "aws:principalorgpaths",
    "aws:principaltag",
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
    "kms:viaservice",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
)
"""Condition keys that tell one caller from another (AWS: global condition context keys)."""
EVERY_ACTION = re.compile(r"\*+(:\*+)?")
EVERY_RESOURCE = re.compile(r"\*+|arn:(aws[a-z-]*:|\*+:)?[*:]*\*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    """Pairs such as ("AWS", "*"), ("Service", "eks.amazonaws.com")."""
    not_principals: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator, key in lower case, values."""

    @property
    def allows(self) -> bool:
        return self.effect.lower() == "allow"

    @property
    def everywhere(self) -> bool:
        """Whether every resource is meant, or every one but some."""
        return any(EVERY_RESOURCE.fullmatch(resource) for resource in self.resources) or bool(self.not_resources)

    @property
    def everything(self) -> bool:
        """Whether every action is meant."""
        return any(EVERY_ACTION.fullmatch(action) for action in self.actions)

    @property
    def anyone(self) -> bool:
        """Whether every AWS caller is meant."""
        return any(kind in ("*", "AWS") and value == "*" for kind, value in self.principals)

    @property
    def opens(self) -> str:
        """The property by which a statement lets in callers that nobody named; empty where it lets in none."""
        if not self.allows:
            return ""
        return "anyone" if self.anyone else "not-principal" if self.not_principals else ""

    def concerns(self, service: str) -> bool:
        """Whether actions of a service are meant, by name or by pattern, or by what a NotAction leaves."""
        if self.not_actions:
            whole = f"{service}:*"
            return not any(EVERY_ACTION.fullmatch(entry) or entry.lower() == whole for entry in self.not_actions)
        return any(_matches(service, action.partition(":")[0]) for action in self.actions)

    def wholly(self, service: str) -> bool:
        """Whether every action of a service is meant."""
        return any(_matches(service, name) and rest.strip("*") == "" for name, rest in map(_parts, self.actions))

    def restricted(self, also: tuple[str, ...] = ()) -> bool:
        """Whether a condition narrows who may call. A value of `*` narrows nothing."""
        keys = (*RESTRICTING, *(key.lower() for key in also))
        return any(
            key.split("/")[0] in keys and values and not any(map(_anything, values)) and _narrows(operator.lower())
            for operator, key, values in self.conditions
        )

    @property
    def half_restricted(self) -> bool:
        """Whether a condition is about the caller but lets others through: a negation, or one met by a missing key."""
        return any(not _narrows(operator.lower()) and key in RESTRICTING for operator, key, _ in self.conditions)


def _narrows(operator: str) -> bool:
    """Whether an operator (in lower case) narrows. `IfExists` and `ForAllValues` hold where the key is missing."""
    return "not" not in operator and not operator.endswith("ifexists") and not operator.startswith("forallvalues")


def _anything(value: str) -> bool:
    """Whether a value of a condition stands for every caller: `*`, every address, an ARN of every account."""
    return value in ("*", "0.0.0.0/0", "::/0") or (
        value.startswith("arn:") and value.split(":")[4:5] in (["*"], ["**"])
    )


def statements(reading: Reading, path: str = "policy") -> Iterator[Statement]:
    """The statements of the document at a path.

    Raises `CannotTell` when it is not JSON, and after the others where a statement holds an unknown value.
    """
    listed = _list(document(reading, path).get("Statement"))
    yield from (_statement(entry) for entry in listed if isinstance(entry, Mapping) and not holds_unknown(entry))
    if holds_unknown(listed):
        raise CannotTell(path, "holds a value that is known only after creation")


def document(reading: Reading, path: str) -> Mapping[str, Any]:
    """The document at a path, as an object or as JSON text; an empty one where nothing is."""
    value = reading.get(path)
    if isinstance(value, str):
        if not value.strip():
            return {}
        text = value
        try:
            value = json.loads(text)
        except ValueError:
            raise CannotTell(path, "is not JSON") from None
        if any(marker in text for marker in UNKNOWN_TEXTS):  # a text that was put together before its parts were known
            value = _marked(value)
    return value if isinstance(value, Mapping) else {}


def _marked(value: Any) -> Any:
    """A copy with every text that holds the engine's mark of the unknown as what it is."""
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    return UNKNOWN if isinstance(value, str) and any(marker in value for marker in UNKNOWN_TEXTS) else value


def _statement(entry: Mapping[str, Any]) -> Statement:
    conditions = entry.get("Condition")
    return Statement(
        effect=str(entry.get("Effect", "Allow")),
        actions=_texts(entry.get("Action")),
        not_actions=_texts(entry.get("NotAction")),
        resources=_texts(entry.get("Resource")),
        not_resources=_texts(entry.get("NotResource")),
        principals=tuple(_principals(entry.get("Principal"))),
        not_principals=tuple(_principals(entry.get("NotPrincipal"))),
        conditions=tuple(
            (operator, str(key).lower(), _texts(values))
            for operator, keys in (conditions.items() if isinstance(conditions, Mapping) else ())
            if isinstance(keys, Mapping)
            for key, values in keys.items()
        ),
    )


def _principals(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for kind, names in value.items():
            yield from ((str(kind), name) for name in _texts(names))
    elif value is not None:
        yield from (("*", name) for name in _texts(value))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in _list(value))


def _parts(action: str) -> tuple[str, str]:
    """Service and name of an action; `*` is every name of every service, `s3*` every one that begins so."""
    service, colon, name = action.partition(":")
    return service, name if colon else "*" if "*" in service else service


def _matches(action: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(action.lower(), pattern.lower())
