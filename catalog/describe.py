"""The part of `data/README.md` that says what each table holds, written from `data/datapackage.json`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.package import Table, tables
from catalog.table import DATA, rows

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def markdown() -> str:
    """The tables with their columns, units, dates and sources, as Markdown."""
    return "\n".join(line for table in tables().values() for line in _section(table))


def _section(table: Table) -> Iterator[str]:
    sources = ", ".join(table.source_ids)
    yield f"### {table.name}"
    yield ""
    yield table.description
    yield ""
    count = sum(1 for _ in rows(table.name))
    facts = [f"{count:,} rows", f"facts of {table.date}", f"sources {sources}" if sources else "sources in the rows"]
    if table.primary_key:
        facts.append(f"key {', '.join(table.primary_key)}")
    yield "; ".join(facts) + "."
    yield ""
    yield "| column | unit | meaning |"
    yield "| --- | --- | --- |"
    yield from map(_line, table.fields)
    yield ""


def _line(field: dict[str, Any]) -> str:
    constraints = field.get("constraints", {})
    meaning = field["description"]
    if allowed := constraints.get("enum"):
        meaning += f" ({', '.join(allowed)})"
    if not constraints.get("required"):
        meaning += "; may be empty"
    return f"| {field['name']} | {field.get('unit', '')} | {meaning} |".replace("<5%", "&lt;5%")


def current() -> bool:
    """Whether the README's section is what the tables say."""
    readme = DATA / "README.md"
    return _rewritten(readme) == readme.read_text(encoding="utf-8")


def write() -> None:
    """Bring the README's section up to date."""
    readme = DATA / "README.md"
    text = _rewritten(readme)
    temporary = readme.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, readme)


def _rewritten(readme: Path) -> str:
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"
