"""An estimate as a CSV sheet: one row a line, then the gaps without an amount."""

from __future__ import annotations

import csv
import io

from cost.document import money
from cost.model import Estimate

COLUMNS = (
    "resource", "type", "component", "pool", "item", "quantity", "unit", "unit_price", "monthly_usd", "monthly_usd_low",
    "monthly_usd_high", "upfront_usd", "usage_based", "purchase", "source", "priced_at", "unpriced",
)  # fmt: skip


def render(estimate: Estimate) -> str:
    """The sheet as text. Cells that a spreadsheet would take for a formula are made harmless."""
    text = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in estimate.lines:
        row = {
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
        }
        writer.writerow({key: _safe(value) for key, value in row.items()})
    for entry in estimate.unpriced:
        row = {
            "resource": entry.resource,
            "type": entry.type,
            "component": entry.component,
            "pool": entry.pool,
            "item": entry.item,
            "unpriced": f"{entry.kind}: {entry.reason}",
        }
        writer.writerow({key: _safe(value) for key, value in row.items()})
    return text.getvalue()


def _safe(value: str | None) -> str | None:
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value
