"""An estimate as a CSV sheet: one row a line, then the gaps without an amount."""

from __future__ import annotations

import csv
import io

from cost.document import money
from cost.model import Estimate, Line
from cost.table import NONE, groups

COLUMNS = (
    "resource", "type", "component", "pool", "item", "quantity", "unit", "unit_price", "monthly_usd", "monthly_usd_low",
    "monthly_usd_high", "upfront_usd", "usage_based", "purchase", "source", "priced_at", "unpriced", "region",
    "discount", "list_price", "tags", "group",
)  # fmt: skip


def render(estimate: Estimate, *, by: str = "component") -> str:
    """The sheet as text, its rows in the groups that `by` says.

    Cells that a spreadsheet would take for a formula are made harmless.
    """
    text = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, lines in groups(estimate.lines, by).items():
        for line in lines:
            writer.writerow({key: _safe(value) for key, value in _row(line, name).items()})
    for entry in estimate.unpriced:
        row = {
            "resource": entry.resource,
            "type": entry.type,
            "component": entry.component,
            "pool": entry.pool,
            "item": entry.item,
            "unpriced": f"{entry.kind}: {entry.reason}",
            "group": getattr(entry, by, None),
        }
        writer.writerow({key: _safe(value) for key, value in row.items()})
    return text.getvalue()


def _row(line: Line, group: str) -> dict[str, str | None]:
    return {
        "resource": line.resource,
        "type": line.type,
        "component": line.component,
        "pool": line.pool,
        "item": line.item,
        "quantity": money(line.quantity.base),
        "unit": line.unit,
        "unit_price": money(line.unit_price),
        "monthly_usd": money(line.monthly_usd.base),
        "monthly_usd_low": money(line.monthly_usd.low),
        "monthly_usd_high": money(line.monthly_usd.high),
        "upfront_usd": money(line.upfront_usd),
        "usage_based": "yes" if line.usage_based else "no",
        "purchase": line.purchase,
        "source": line.source,
        "priced_at": line.priced_at,
        "region": line.region,
        "discount": line.discount,
        "list_price": None if line.list_price is None else money(line.list_price),
        "tags": "; ".join(f"{key}={value}" for key, value in sorted(line.tags.items())),
        "group": None if group == NONE else group,
    }


def _safe(value: str | None) -> str | None:
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value
