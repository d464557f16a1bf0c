"""Exemptions: who may break which rule, where, why, and until when."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from .model import Resource


@dataclass(frozen=True, slots=True)
class Exemption:
    """`resource` is a pattern (`*`, `?`) of logical names or URNs."""

    rule: str
    resource: str
    reason: str
    owner: str
    expires: str
    """Last day, ISO 8601."""

    def covers(self, resource: Resource) -> bool:
        """Whether the pattern names the resource."""
        return fnmatch.fnmatchcase(resource.name, self.resource) or fnmatch.fnmatchcase(resource.urn, self.resource)

    def expired(self, today: date | None = None) -> bool:
        """Whether its last day is over (UTC)."""
        return date.fromisoformat(self.expires) < (today or datetime.now(UTC).date())

    def data(self) -> dict[str, str]:
        return asdict(self)


def mistakes(entry: Any) -> Iterator[str]:
    """What is wrong with an exemption in plain data: `: what` of the whole, `.FIELD: what` of a field."""
    fields = tuple(Exemption.__dataclass_fields__)
    if not isinstance(entry, Mapping):
        yield f": give a map with {', '.join(fields)}"
        return
    for name in fields:
        if not str(entry.get(name) or "").strip():
            yield f".{name}: missing"
    yield from (f".{name}: unknown key" for name in entry if name not in fields)
    if str(entry.get("expires") or "").strip() and not _day(entry["expires"]):
        yield f".expires: {entry['expires']!r} is not a day such as 2027-01-31"


def _day(text: object) -> bool:
    try:
        date.fromisoformat(str(text))
    except ValueError:
        return False
    return True


def exemption(fields: Mapping[str, Any]) -> Exemption:
    """From plain data, as the engine's configuration carries it."""
    return Exemption(**{name: str(fields[name]) for name in Exemption.__dataclass_fields__})
