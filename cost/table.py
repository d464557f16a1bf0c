"""An estimate as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from cost import units
from cost.difference import Difference
from cost.model import Estimate, Line, total
from cost.words import figure, grounds, kilowatts, machines, number, paid_ahead, rise, risen, signed, usd

OLD = 90
"""Days after which a price is marked as old."""
WIDE = 120
"""Columns of a terminal from which on all columns are shown."""
NONE = "-"
"""The group of what has none."""
GROUPS: dict[str, Callable[[Line], str]] = {
    "component": lambda line: line.component or NONE,
    "pool": lambda line: line.pool or NONE,
    "type": lambda line: line.type,
    "resource": lambda line: line.resource,
}


def show(console: Console, estimate: Estimate, difference: Difference | None = None, *, by: str = "component") -> None:
    """Print lines by group, gaps, power and the totals."""
    _lines(console, estimate, by)
    if estimate.power.pools:
        _power(console, estimate)
    _unpriced(console, estimate)
    if difference:
        _difference(console, difference)
    _hints(console, estimate)
    for entry in (*estimate.warnings, *([estimate.incomplete] if estimate.incomplete else [])):
        console.print(f"note: {entry}", style="yellow", markup=False)
    _totals(console, estimate)


def grouping(by: str) -> Callable[[Line], str]:
    """What a line is grouped by: component, pool, type, resource, or `tag:<name>`."""
    if by.startswith("tag:"):
        name = by.removeprefix("tag:")
        return lambda line: line.tags.get(name, NONE)
    return GROUPS[by]


def groups(lines: Iterable[Line], by: str) -> dict[str, list[Line]]:
    """Lines by group, the dearest group and the dearest line first."""
    key, found = grouping(by), dict[str, list[Line]]()
    for line in sorted(lines, key=lambda line: -line.monthly_usd.base):
        found.setdefault(key(line), []).append(line)
    return dict(sorted(found.items(), key=lambda entry: -total(entry[1]).monthly_usd.base))


def is_old(line: Line, today: str) -> bool:
    """Whether a price is older than 90 days. A date that names a month or a year only counts from its end."""
    parts = [int(part) for part in line.priced_at.split("-") if part.isdigit()]
    if not parts:
        return True
    year, month, day = (*parts, 12, 28)[:3] if len(parts) == 1 else (*parts, 28)[:3]
    return (date.fromisoformat(today) - date(year, month, day)).days > OLD


def _lines(console: Console, estimate: Estimate, by: str) -> None:
    """The lines. A narrow terminal gets resource, item, quantity and amount; the other formats have the rest."""
    wide = console.width >= WIDE
    table = Table(box=None, pad_edge=False, title=f"Estimate of {estimate.stack or 'the plan'}", title_justify="left")
    for column in ("", "item", "quantity", "unit", *(("unit price", "USD/hour") if wide else ()), "USD/month"):
        right = column in ("quantity", "unit price", "USD/hour", "USD/month")
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    if wide:
        table.add_column("priced")
    for name, lines in groups(estimate.lines, by).items():
        summed = total(lines)
        middle = ("", usd(summed.hourly_usd)) if wide else ()
        table.add_row(name, "", "", "", *middle, usd(summed.monthly_usd.base), style="bold")
        for line in lines:
            table.add_row(*_cells(line, estimate.date, wide=wide))
    console.print(table)


def _cells(line: Line, today: str, *, wide: bool) -> list[str]:
    marks = ("~" if line.usage_based else "") + ("*" if line.basis.startswith("derived") else "")
    marks += "?" if line.doubtful else ""
    item = f"{line.item}{f' [{line.discount}]' if line.discount else ''}"
    cells = [f"  {line.resource}", item, number(line.quantity.base), line.unit]
    if wide:
        cells += [f"{line.unit_price.normalize():f}", usd(line.hourly_usd)]
    cells.append(f"{marks}{usd(line.monthly_usd.base)}")
    if wide:
        cells.append(line.priced_at + (" old" if is_old(line, today) else ""))
    return [cell.replace("[", "\\[") for cell in cells]


def _power(console: Console, estimate: Estimate) -> None:
    wide = console.width >= WIDE
    table = Table(box=None, pad_edge=False, title="Power and carbon", title_justify="left")
    for column in (
        "pool",
        "machines",
        "idle kW",
        "typical kW",
        "max kW",
        "PUE",
        "kWh/month",
        "kgCO2e/month",
        *(("site kW", "embodied kg") if wide else ()),
        "basis",
    ):
        table.add_column(
            column, justify="left" if column in ("pool", "machines", "basis") else "right", overflow="fold"
        )
    for drawn, emitted in zip(estimate.power.pools, estimate.carbon.pools, strict=True):
        table.add_row(
            drawn.pool,
            machines(drawn),
            figure(drawn.idle_kw),
            figure(drawn.typical_kw),
            kilowatts(drawn),
            figure(drawn.pue),
            figure(drawn.kwh_month, 0),
            figure(emitted.kg_month, 0),
            *((figure(drawn.site_kw), figure(emitted.embodied_kg, 0)) if wide else ()),
            drawn.basis,
        )
    console.print(table)
    for line in grounds(estimate):
        console.print(line, markup=False)


def _unpriced(console: Console, estimate: Estimate) -> None:
    if not estimate.unpriced:
        return
    table = Table(box=None, pad_edge=False, title="Not priced", title_justify="left")
    for column in ("resource", "item", "reason"):
        table.add_column(column, overflow="fold")
    for entry in estimate.unpriced:
        style = None if entry.kind == "usage" else "yellow"
        table.add_row(entry.resource, entry.item.replace("[", "\\["), entry.reason.replace("[", "\\["), style=style)
    console.print(table)


def _difference(console: Console, difference: Difference) -> None:
    ahead = paid_ahead(difference)
    table = Table(box=None, pad_edge=False, title="Difference", title_justify="left")
    for column in ("", "resource", "item", "USD/month", *(("USD up front",) if ahead else ()), "reason"):
        table.add_column(column, justify="right" if column.startswith("USD") else "left", overflow="fold")
    styles = {"added": "green", "removed": "red", "changed": "yellow"}
    for entry in difference.changes:
        amounts = (risen(entry), *((signed(entry.upfront_usd),) if ahead else ()))
        cells = (entry.change, entry.resource, entry.item, *amounts, entry.reason)
        table.add_row(*(cell.replace("[", "\\[") for cell in cells), style=styles[entry.change])
    for gap in difference.unpriced:
        amounts = ("not priced", *(("",) if ahead else ()))
        cells = (gap.change, gap.resource, gap.item, *amounts, gap.reason)
        table.add_row(*(cell.replace("[", "\\[") for cell in cells), style=styles[gap.change])
    if table.row_count:
        console.print(table)
    console.print(f"difference: {rise(difference)}", markup=False)
    for note in difference.notes:
        console.print(f"note: {note}", style="yellow", markup=False)


def _hints(console: Console, estimate: Estimate) -> None:
    for hint in estimate.hints:
        saving = f" (saves about {usd(hint.monthly_usd)} USD a month)" if hint.monthly_usd is not None else ""
        console.print(f"hint: {hint.resource}: {hint.message}{saving}", style="cyan", markup=False)


def _totals(console: Console, estimate: Estimate) -> None:
    console.print(summary(estimate), style="bold", markup=False)


def _unit(unit: units.UnitCost) -> str:
    peak = "" if unit.usd_per_pflop_day is None else f", {usd(unit.usd_per_pflop_day)} USD a PFLOP-day at peak"
    hourly = f"{usd(unit.usd_per_accelerator_hour)} USD an accelerator-hour"
    text = f"{unit.pool}: {unit.accelerators} x {unit.accelerator}, {hourly}{peak}"
    if unit.usd_per_million_tokens is not None:
        energy = "energy unknown" if unit.kwh_per_million_tokens is None else f"{unit.kwh_per_million_tokens:.4g} kWh"
        speed = number(unit.tokens_per_second or Decimal(0))
        text += f"; a million tokens {usd(unit.usd_per_million_tokens)} USD, {energy} at {speed} tokens/s"
    return text


def _drawn(estimate: Estimate) -> str:
    """Power, energy, carbon and accelerators; a sum with an unknown part is a lower bound and says so."""
    drawn, emitted = estimate.power, estimate.carbon
    least = "at least " if drawn.unknown else ""
    power = "unknown"
    if drawn.max_kw is not None:
        kilowatts = f"{figure(drawn.max_kw)} kW"
        power = f"more than {kilowatts} at full load" if drawn.unknown else f"{kilowatts} at most"
        power += f" ({figure(drawn.site_kw)} kW with PUE)" if drawn.site_kw is not None else ""
    if drawn.kwh_month is not None:
        power += f", {least}{figure(drawn.kwh_month, 0)} kWh a month"
    carbon = "unknown"
    if emitted.kg_month is not None:
        carbon = f"{least}{figure(emitted.kg_month, 0)} kgCO2e a month ({emitted.method})"
    return f"power: {power}; carbon: {carbon}; {drawn.accelerators} accelerators"


def summary(estimate: Estimate) -> str:
    """The estimate in a line or three."""
    totals, month = estimate.totals, estimate.totals.monthly_usd
    text = f"total: {usd(month.base)} USD a month, {usd(totals.hourly_usd)} USD an hour"
    if month.low != month.high:
        text += f" ({usd(month.low)} to {usd(month.high)} with low and high usage)"
    if totals.upfront_usd:
        text += f"; {usd(totals.upfront_usd)} USD of it paid up front"
    by_usage = len(estimate.unpriced) - len(estimate.unknown)
    lines = "1 line" if len(estimate.lines) == 1 else f"{len(estimate.lines)} lines"
    text += f"\n{lines}, {len(estimate.unknown)} not priced, {by_usage} depend on usage"
    text += f", {estimate.free} resources free"
    if estimate.power.pools:
        text += f"\n{_drawn(estimate)}"
    marks = [text, *(_unit(unit) for unit in units.per_pool(estimate))]
    if any(line.usage_based for line in estimate.lines):
        marks.append("~ depends on usage")
    if any(line.basis.startswith("derived") for line in estimate.lines):
        marks.append("* derived from another price, `--explain` says how")
    if any(line.doubtful for line in estimate.lines):
        marks.append("? the catalog trusts this price little")
    if any(is_old(line, estimate.date) for line in estimate.lines):
        marks.append(f"old: the price is more than {OLD} days old, `python -m catalog refresh` renews it")
    return "\n".join(marks)
