"""An estimate as Markdown for the comment of a pull request: totals first, the rest folded away.

The first line is a marker that does not show: whoever posts the comment finds the old one by it and updates that.
"""

from __future__ import annotations

from cost.difference import Difference
from cost.model import Estimate, Line, total
from cost.table import groups, is_old, summary
from cost.words import figure, grounds, kilowatts, machines, number, paid_ahead, rise, risen, signed, usd

MARKER = "<!-- ai-datacenter cost: {stack} -->"
CHANGES = 50
"""Changes that are listed; the rest is counted."""


def render(estimate: Estimate, difference: Difference | None = None, *, by: str = "component") -> str:
    """The comment."""
    name = estimate.stack or "plan"
    parts = [MARKER.format(stack=name), f"## Cost of {_text(name)}", ""]
    parts += [f"{line}  " for line in summary(estimate).splitlines()]
    if difference:
        parts += ["", *_difference(difference)]
    parts += ["", *_folded(f"Lines by {_text(by)}", _lines(estimate, by))]
    if estimate.power.pools:
        parts += ["", *_folded("Power and carbon", _power(estimate))]
    if estimate.unpriced:
        parts += ["", *_folded(f"Not priced ({len(estimate.unpriced)})", _unpriced(estimate))]
    if estimate.hints:
        parts += ["", *_folded(f"Hints ({len(estimate.hints)})", _hints(estimate))]
    for note in (*estimate.warnings, *([estimate.incomplete] if estimate.incomplete else [])):
        parts += ["", f"> {_text(note)}"]
    return "\n".join(parts) + "\n"


def _text(value: str) -> str:
    """Text that stays text inside a table of Markdown."""
    for sign in ("\\", "|", "<", ">", "*", "_", "`", "[", "]"):
        value = value.replace(sign, f"\\{sign}") if sign != "<" else value.replace("<", "&lt;")
    return " ".join(value.split())


def _folded(title: str, body: list[str]) -> list[str]:
    return ["<details>", f"<summary>{title}</summary>", "", *body, "", "</details>"]


def _lines(estimate: Estimate, by: str) -> list[str]:
    rows = [
        f"| {_text(by)} | resource | item | quantity | unit price | USD/month |",
        "| --- | --- | --- | --: | --: | --: |",
    ]
    for name, lines in groups(estimate.lines, by).items():
        rows.append(f"| **{_text(name)}** | | | | | **{usd(total(lines).monthly_usd.base)}** |")
        rows += [
            f"| | {_text(line.resource)} | {_text(line.item)}{_remarks(line, estimate.date)} "
            f"| {number(line.quantity.base)} {_text(line.unit)} | {line.unit_price.normalize():f} "
            f"| {'~' if line.usage_based else ''}{usd(line.monthly_usd.base)} |"
            for line in lines
        ]
    return rows


def _remarks(line: Line, today: str) -> str:
    discount = f" ({_text(line.discount)})" if line.discount else ""
    return f"{discount}{' (old price)' if is_old(line, today) else ''}"


def _difference(difference: Difference) -> list[str]:
    ahead = paid_ahead(difference)
    rows = [f"**Difference: {rise(difference)}**", ""]
    if difference.changes or difference.unpriced:
        rows += [f"| | resource | item | USD/month |{' USD up front |' if ahead else ''} reason |"]
        rows += [f"| --- | --- | --- | --: |{' --: |' if ahead else ''} --- |"]
    rows += [
        f"| {entry.change} | {_text(entry.resource)} | {_text(entry.item)} | {risen(entry)} "
        f"|{f' {signed(entry.upfront_usd)} |' if ahead else ''} {_text(entry.reason)} |"
        for entry in difference.changes[:CHANGES]
    ]
    rows += [
        f"| {gap.change} | {_text(gap.resource)} | {_text(gap.item)} | not priced "
        f"|{' |' if ahead else ''} {_text(gap.reason)} |"
        for gap in difference.unpriced[:CHANGES]
    ]
    left = sum(max(len(entries) - CHANGES, 0) for entries in (difference.changes, difference.unpriced))
    rows += ["", f"and {left} smaller changes"] if left else []
    for note in difference.notes:
        rows += ["", f"> {_text(note)}"]
    return rows


def _power(estimate: Estimate) -> list[str]:
    rows = [
        "| pool | machines | idle kW | typical kW | max kW | PUE | kWh/month | kgCO2e/month | embodied kg | basis |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --- |",
    ]
    rows += [
        f"| {_text(drawn.pool)} | {machines(drawn)} | {figure(drawn.idle_kw)} | {figure(drawn.typical_kw)} "
        f"| {kilowatts(drawn)} | {figure(drawn.pue)} | {figure(drawn.kwh_month, 1)} | {figure(emitted.kg_month, 1)} "
        f"| {figure(emitted.embodied_kg, 0)} | {_text(drawn.basis)} |"
        for drawn, emitted in zip(estimate.power.pools, estimate.carbon.pools, strict=True)
    ]
    return [*rows, "", *(f"- {_text(line)}" for line in grounds(estimate))]


def _unpriced(estimate: Estimate) -> list[str]:
    rows = ["| resource | item | reason |", "| --- | --- | --- |"]
    return rows + [
        f"| {_text(entry.resource)} | {_text(entry.item)} | {_text(entry.reason)} |" for entry in estimate.unpriced
    ]


def _hints(estimate: Estimate) -> list[str]:
    return [
        f"- {_text(hint.resource)}: {_text(hint.message)}"
        + (f" (saves about {usd(hint.monthly_usd)} USD a month)" if hint.monthly_usd is not None else "")
        for hint in estimate.hints
    ]
