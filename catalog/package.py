"""The description of the tables, `data/datapackage.json`: a Frictionless Data Package with dates and sources.

Lookups take a table's date and sources from here where its rows carry none; `catalog.check` holds every row against it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from catalog.table import DATA, CatalogError, UnknownName


@dataclass(frozen=True, slots=True)
class Table:
    """One table as described: its schema is kept as the standard writes it."""

    name: str
    description: str
    date: str
    """When the facts were true, ISO 8601; rows may carry a more exact one."""
    source_ids: tuple[str, ...]
    fields: tuple[dict[str, Any], ...]
    """Table Schema field descriptors: name, type, description, constraints, unit."""
    primary_key: tuple[str, ...]
    foreign_keys: tuple[dict[str, Any], ...]


@cache
def tables() -> dict[str, Table]:
    """Every table by name. Raises CatalogError when the description cannot be read."""
    try:
        package = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
        return {item["name"]: _table(item) for item in package["resources"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogError(f"catalog/data/datapackage.json cannot be read: {error!r}. Restore the file.") from None


def _table(item: dict[str, Any]) -> Table:
    schema = item["schema"]
    return Table(
        name=item["name"],
        description=item["description"],
        date=item["date"],
        source_ids=tuple(source["title"] for source in item["sources"]),
        fields=tuple(schema["fields"]),
        primary_key=tuple(schema.get("primaryKey", ())),
        foreign_keys=tuple(schema.get("foreignKeys", ())),
    )


def table_info(name: str) -> Table:
    """The description of one table; raises UnknownName."""
    if name not in tables():
        raise UnknownName(f"{name}: not a table of the catalog")
    return tables()[name]
