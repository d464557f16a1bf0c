"""Holds every row of every table against its description in `data/datapackage.json`.

Header, type, required cells, bounds, enumerations, patterns, primary keys and foreign keys, as Table Schema defines
them; what the tables must say about each other beyond that is in `crossref`.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from catalog.package import Table, tables
from catalog.table import DATA, CatalogError, Row, rows


def problems() -> Iterator[str]:
    """One line per problem of any table, and per file that has no description or no file."""
    described = tables()
    found = {path.stem for path in DATA.glob("*.csv")}
    yield from (
        f"catalog/data/{name}.csv: described in datapackage.json but missing" for name in described.keys() - found
    )
    yield from (f"catalog/data/{name}.csv: not described in datapackage.json" for name in found - described.keys())
    for name in sorted(found & described.keys()):
        yield from table_problems(described[name])


def table_problems(table: Table) -> Iterator[str]:
    """One line per problem of one table."""
    expected = [field["name"] for field in table.fields]
    header = _header(table)
    if header != expected:
        yield f"catalog/data/{table.name}.csv: columns are {', '.join(header)}; described are {', '.join(expected)}"
        return
    keys: Counter[tuple[str, ...]] = Counter()
    foreign = [(key["fields"][0], _column(**key["reference"])) for key in table.foreign_keys]
    try:
        for row in rows(table.name):
            yield from _row_problems(table, row)
            for column, known in foreign:
                if (value := row.values[column]) and value not in known:
                    yield str(row.refuse(column, "a key of the table it refers to"))
            keys[tuple(row.values[column] for column in table.primary_key)] += 1
    except CatalogError as error:
        yield from error.problems
        return
    if table.primary_key:
        for key, count in keys.items():
            if count > 1:
                yield f"catalog/data/{table.name}.csv: {count} rows with the key {', '.join(key)}; keep one"


def _header(table: Table) -> list[str]:
    with (DATA / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def _column(resource: str, fields: list[str]) -> frozenset[str]:
    return frozenset(row.values[fields[0]] for row in rows(resource))


def _row_problems(table: Table, row: Row) -> Iterator[str]:
    for field in table.fields:
        value, constraints = row.values[field["name"]], field.get("constraints", {})
        if value == "":
            if constraints.get("required"):
                yield str(row.refuse(field["name"], "given"))
        elif needs := _refusal(row, field, constraints):
            yield str(row.refuse(field["name"], needs))


def _refusal(row: Row, field: dict[str, Any], constraints: dict[str, Any]) -> str | None:
    """What a filled cell should have been, or None when it is right."""
    name, value = field["name"], row.values[field["name"]]
    if value != value.strip():
        return "without spaces around it"
    if "enum" in constraints and value not in constraints["enum"]:
        return f"one of {', '.join(constraints['enum'])}"
    if "pattern" in constraints and not re.fullmatch(constraints["pattern"], value):
        return f"like {constraints['pattern']}"
    if field["type"] == "string":
        return None
    try:
        number = row.integer(name) if field["type"] == "integer" else row.number(name)
    except CatalogError:
        return "a whole number" if field["type"] == "integer" else "a number"
    if "minimum" in constraints and number < constraints["minimum"]:
        return f"at least {constraints['minimum']}"
    return None
