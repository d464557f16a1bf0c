"""When a major version of a database engine costs extended support: by the vCPU-hour, more from its third year."""

from __future__ import annotations

from datetime import date
from functools import cache

from catalog.table import rows


@cache
def _table() -> dict[tuple[str, str], tuple[date, date | None]]:
    found: dict[tuple[str, str], tuple[date, date | None]] = {}
    for row in rows("rds_extended_support"):
        third = row.maybe_text("year_3_from")
        found[row.text("engine"), row.text("version")] = (
            date.fromisoformat(row.text("year_1_from")),
            date.fromisoformat(third) if third else None,
        )
    return found


def extended_support_year(engine: str, version: str, today: date) -> int | None:
    """1 or 3: the price band of extended support that a version is in; None: standard support, or not known."""
    parts = version.split(".")
    for length in range(len(parts), 0, -1):
        known = _table().get((engine, ".".join(parts[:length])))
        if known:
            first, third = known
            return None if today < first else 3 if third and today >= third else 1
    return None
