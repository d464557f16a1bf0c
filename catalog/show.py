"""How `python -m catalog` prints records: rich tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from catalog.record import Record
from terminal import out

UNKNOWN = "unknown"


def as_json(document: Any) -> None:
    """One JSON document on stdout, never wrapped or coloured."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _text(value: Any) -> str:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{key} ({_text(item)})" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value)) or "none"
    return str(value)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column in numeric
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def _facts(facts: Record, prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in facts.items():
        label = f"{prefix}{name.replace('_', ' ')}"
        if name == "sources" or (name == "notes" and value is None):
            continue
        if isinstance(value, dict) and name in {"accelerator", "efa"}:
            yield from _facts(value, f"{label}: ")
        else:
            yield label, "none" if name in {"accelerator", "efa"} and value is None else value


def _console() -> Console:
    """The result stream; wide where no terminal limits it, so that a table keeps one row per line."""
    console = out()
    if not console.is_terminal:
        console.width = 300
    return console


def one(record: Record) -> None:
    """Everything known of one type, with where each part comes from."""
    console = _console()
    console.print(_table(f"{record['name']} ({record['kind']})", ("fact", "value"), _facts(record["facts"])))
    for name, plan in record.get("efa_plans", {}).items():
        _plan(console, name, plan)
    if "power" in record:
        rows = (record["power"] or {}).items()
        console.print(_table("power of a node", ("figure", "value"), rows) if rows else "power of a node: unknown\n")
    sources = dict(record["facts"].get("sources") or {})
    sources |= _prices(console, record["prices"])
    console.print(_table("sources", ("of", "source"), sources.items()))
    if gaps := record.get("gaps"):
        console.print(_table("not known yet", ("what", "reason"), ((gap["what"], gap["reason"]) for gap in gaps)))


def _plan(console: Console, name: str, plan: Record) -> None:
    columns = ("card", "device", "type", "address", "note")
    rows = (
        (each["network_card_index"], each["device_index"], each["interface_type"], each["has_ip"], each["note"] or " ")
        for each in plan["interfaces"]
    )
    console.print(_table(f"network interfaces, plan {name}: {plan['efa']} EFA", columns, rows))


def _prices(console: Console, lines: Sequence[Record]) -> dict[str, str]:
    """Print the prices; their sources by the number that stands in the table."""
    money = [line for line in lines if "usd" in line]
    advice = [line for line in lines if "saving_pct" in line]
    numbers = {source: number for number, source in enumerate(dict.fromkeys(line["source"] for line in lines), 1)}
    rows = (
        (*(line[key] for key in ("location", "purchase", "usd", "unit", "date", "basis")), numbers[line["source"]])
        for line in money
    )
    columns = ("location", "purchase", "USD", "per", "date", "basis", "source")
    console.print(_table("prices", columns, rows, numeric=("USD",)) if money else "prices: unknown\n")
    if advice:
        keys = ("location", "saving_pct", "interruption", "date")
        rows = ((*(line[key] for key in keys), numbers[line["source"]]) for line in advice)
        console.print(_table("spot advisor", ("location", "saving %", "interrupted", "date", "source"), rows))
    return {f"price {number}": source for source, number in numbers.items()}


def many(records: Sequence[Record], region: str) -> None:
    """One line per type."""
    keys = ("name", "accelerator", "accelerators", "accelerator_memory_gib", "network_gbps", "efa_interfaces")
    columns = ("type", "accelerator", "count", "GiB each", "Gbit/s", "EFA", "USD/h")
    rows = (tuple(each[key] for key in (*keys, "on_demand_usd_per_hour")) for each in records)
    title = f"{len(records)} accelerator types; USD per hour on demand in {region}"
    _console().print(_table(title, columns, rows, numeric=columns[2:]))


def checked(document: Record) -> None:
    """Tables, known gaps and problems."""
    console = _console()
    rows = ((each["name"], each["rows"], each["date"], each["description"]) for each in document["tables"])
    console.print(_table("tables", ("table", "rows", "date", "what"), rows, numeric=("rows",)))
    gaps = ((gap["instance_type"], gap["what"], gap["reason"]) for gap in document["known_gaps"])
    console.print(_table("known gaps", ("type", "what", "reason"), gaps))
    console.print(f"{len(document['problems'])} problems")
