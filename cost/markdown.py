"""An estimate as Markdown for the comment of a pull request: totals first, the rest folded away.

The first line is a marker that does not show: whoever posts the comment finds the old one by it and updates that.
"""

from __future__ import annotations

from cost.difference import Difference
from cost.model import Estimate, total
from cost.table import groups, is_old, machines, number, summary, usd

MARKER = "<!-- ai-datacenter cost: {stack} -->"
CHANGES = 50
"""Changes that are listed; the rest is counted."""


def render(estimate: Estimate, difference: Difference | None = None) -> str:
    """The comment."""
    name = estimate.stack or "plan"
    parts = [MARKER.format(stack=name), f"## Cost of {_text(name)}", ""]
    parts += [f"{line}  " for line in summary(estimate).splitlines()]
    if difference:
        parts += ["", *_difference(difference)]
    parts += ["", *_folded("Lines by component", _lines(estimate))]
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


def _lines(estimate: Estimate) -> list[str]:
    rows = [
        "| component | resource | item | quantity | unit price | USD/month |",
        "| --- | --- | --- | --: | --: | --: |",
    ]
    for name, lines in groups(estimate.lines, "component").items():
        rows.append(f"| **{_text(name)}** | | | | | **{usd(total(lines).monthly_usd.base)}** |")
        rows += [
            f"| | {_text(line.resource)} | {_text(line.item)}{' (old price)' if is_old(line, estimate.date) else ''} "
            f"| {number(line.quantity.base)} {_text(line.unit)} | {line.unit_price.normalize():f} "
            f"| {'~' if line.usage_based else ''}{usd(line.monthly_usd.base)} |"
            for line in lines
        ]
    return rows


def _difference(difference: Difference) -> list[str]:
    share = f" ({difference.percent:+.1f} %)" if difference.percent is not None else ""
    rows = [f"**Difference: {difference.monthly_usd:+,.2f} USD a month{share}**", ""]
    rows += ["| | resource | item | USD/month | reason |", "| --- | --- | --- | --: | --- |"]
    rows += [
        f"| {entry.change} | {_text(entry.resource)} | {_text(entry.item)} | {entry.monthly_usd:+,.2f} "
        f"| {_text(entry.reason)} |"
        for entry in difference.changes[:CHANGES]
    ]
    if len(difference.changes) > CHANGES:
        rows += ["", f"and {len(difference.changes) - CHANGES} smaller changes"]
    return rows


def _power(estimate: Estimate) -> list[str]:
    def shown(value: float | None) -> str:
        return "unknown" if value is None else f"{value:,.1f}"

    rows = [
        "| pool | machines | idle kW | max kW | kWh/month | kgCO2e/month |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    return rows + [
        f"| {_text(drawn.pool)} | {machines(drawn)} | {shown(drawn.idle_kw)} "
        f"| {shown(drawn.max_kw)} | {shown(drawn.kwh_month)} | {shown(emitted.kg_month)} |"
        for drawn, emitted in zip(estimate.power.pools, estimate.carbon.pools, strict=True)
    ]


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
