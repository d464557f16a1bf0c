"""Where a fact comes from: the short ids of the tables' `source` columns, spelled out."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.table import Lookup, rows


@dataclass(frozen=True, slots=True)
class Source:
    """One public origin."""

    id: str
    repository: str
    """`owner/name` on GitHub, a site, or "derived"."""
    path: str | None
    commit: str | None
    date: str | None
    """Date of the data, ISO 8601, sometimes only a month or a year."""
    licence: str
    note: str | None

    @property
    def citation(self) -> str:
        """`owner/name@commit:path`, or "derived (S2xS3)" for our own arithmetic."""
        if self.repository == "derived":
            return f"derived ({self.id})"
        return self.repository + (f"@{self.commit}" if self.commit else "") + (f":{self.path}" if self.path else "")


def _load() -> dict[str, Source]:
    return {
        row.text("id"): Source(
            id=row.text("id"),
            repository=row.text("repository"),
            path=row.maybe_text("path"),
            commit=row.maybe_text("commit"),
            date=row.maybe_text("date"),
            licence=row.text("licence"),
            note=row.maybe_text("note"),
        )
        for row in rows("sources")
    }


sources: Lookup[Source] = Lookup("source id", _load)


def cite(source_id: str) -> str:
    """The citation of an id of `data/sources.csv`, such as "S3"; raises UnknownName for any other."""
    return sources[source_id].citation
