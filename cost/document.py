"""An estimate as a JSON document. Its schema is published in docs/cost.schema.json."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cost import units
from cost.difference import Difference
from cost.model import Amount, Estimate, Line
from cost.power import PoolPower

SCHEMA_VERSION = 1


def money(value: Decimal) -> str:
    """A decimal as text, without an exponent and without needless zeros."""
    return f"{value.normalize():f}" if value else "0"


def _amount(value: Amount) -> dict[str, str]:
    return {"low": money(value.low), "base": money(value.base), "high": money(value.high)}


def of(estimate: Estimate, difference: Difference | None = None) -> dict[str, Any]:
    """The whole estimate as plain data; money and quantities are decimal strings."""
    totals = estimate.totals
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "stack": estimate.stack,
        "date": estimate.date,
        "currency": "USD",
        "lines": [_line(line) for line in estimate.lines],
        "unpriced": [
            {
                "resource": entry.resource,
                "type": entry.type,
                "item": entry.item,
                "reason": entry.reason,
                "kind": entry.kind,
                "component": entry.component,
                "pool": entry.pool,
            }
            for entry in estimate.unpriced
        ],
        "totals": {
            "hourly_usd": money(totals.hourly_usd),
            "monthly_usd": _amount(totals.monthly_usd),
            "upfront_usd": money(totals.upfront_usd),
        },
        "power": power(estimate),
        "carbon": carbon(estimate),
        "units": [
            {
                "pool": unit.pool,
                "accelerator": unit.accelerator,
                "accelerators": unit.accelerators,
                "usd_per_accelerator_hour": money(unit.usd_per_accelerator_hour),
                "usd_per_pflop_day": _money(unit.usd_per_pflop_day),
                "kwh_per_accelerator_hour": _figure(unit.kwh_per_accelerator_hour),
                "tokens_per_second": _money(unit.tokens_per_second),
                "usd_per_million_tokens": _money(unit.usd_per_million_tokens),
                "kwh_per_million_tokens": _figure(unit.kwh_per_million_tokens, 6),
            }
            for unit in units.per_pool(estimate)
        ],
        "resources": {"priced": estimate.resources - estimate.free, "free": estimate.free, "all": estimate.resources},
        "incomplete": estimate.incomplete,
        "warnings": list(estimate.warnings),
        "hints": [
            {
                "resource": hint.resource,
                "rule": hint.rule,
                "message": hint.message,
                "monthly_usd": None if hint.monthly_usd is None else money(hint.monthly_usd),
            }
            for hint in estimate.hints
        ],
    }
    if difference:
        found["difference"] = changes(difference)
    return found


def _line(line: Line) -> dict[str, Any]:
    return {
        "resource": line.resource,
        "type": line.type,
        "item": line.item,
        "quantity": money(line.quantity.base),
        "unit": line.unit,
        "unit_price": money(line.unit_price),
        "monthly_usd": money(line.monthly_usd.base),
        "monthly_usd_low": money(line.monthly_usd.low),
        "monthly_usd_high": money(line.monthly_usd.high),
        "hourly_usd": money(line.hourly_usd),
        "upfront_usd": money(line.upfront_usd),
        "usage_based": line.usage_based,
        "purchase": line.purchase,
        "list_price": None if line.list_price is None else money(line.list_price),
        "discount": line.discount,
        "source": line.source,
        "priced_at": line.priced_at,
        "basis": line.basis,
        "component": line.component,
        "pool": line.pool,
        "region": line.region,
        "tags": dict(line.tags),
    }


def power(estimate: Estimate) -> dict[str, Any]:
    """Power of the estimate. None is unknown; a sum next to a filled `unknown` is a lower bound."""
    drawn = estimate.power
    return {
        "idle_kw": _figure(drawn.idle_kw),
        "typical_kw": _figure(drawn.typical_kw),
        "max_kw": _figure(drawn.max_kw),
        "site_kw": _figure(drawn.site_kw),
        "kwh_month": _figure(drawn.kwh_month),
        "accelerators": drawn.accelerators,
        "unknown": list(drawn.unknown),
        "pools": [_pool(pool) for pool in drawn.pools],
    }


def _pool(pool: PoolPower) -> dict[str, Any]:
    return {
        "pool": pool.pool,
        "instance_type": pool.instance_type,
        "count": money(pool.count),
        "minimum": money(pool.minimum),
        "maximum": money(pool.maximum),
        "idle_kw": _figure(pool.idle_kw),
        "typical_kw": _figure(pool.typical_kw),
        "max_kw": _figure(pool.max_kw),
        "max_low_kw": _figure(pool.max_low_kw),
        "pue": pool.pue,
        "site_kw": _figure(pool.site_kw),
        "pue_scope": pool.pue_scope,
        "kwh_month": _figure(pool.kwh_month),
        "kwh_basis": pool.kwh_basis,
        "accelerator": pool.accelerator,
        "accelerators": pool.accelerators,
        "basis": pool.basis,
        "source": pool.source,
    }


def carbon(estimate: Estimate) -> dict[str, Any]:
    """Emissions of the estimate."""
    found = estimate.carbon
    return {
        "kg_month": _figure(found.kg_month),
        "embodied_kg": _figure(found.embodied_kg),
        "method": found.method,
        "unknown": list(found.unknown),
        "pools": [
            {
                "pool": pool.pool,
                "region": pool.region,
                "g_per_kwh": pool.g_per_kwh,
                "kg_month": _figure(pool.kg_month),
                "embodied_kg": _figure(pool.embodied_kg),
                "year": pool.year,
                "method": pool.method,
                "source": pool.source,
            }
            for pool in found.pools
        ],
    }


def _figure(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _money(value: Decimal | None) -> str | None:
    return None if value is None else money(value)


def changes(difference: Difference) -> dict[str, Any]:
    """A difference as plain data."""
    return {
        "before_usd": money(difference.before_usd),
        "after_usd": money(difference.after_usd),
        "monthly_usd": money(difference.monthly_usd),
        "percent": None if difference.percent is None else str(round(difference.percent, 2)),
        "range_usd": _amount(difference.range_usd),
        "upfront_usd": money(difference.upfront_usd),
        "notes": list(difference.notes),
        "changes": [
            {
                "change": entry.change,
                "resource": entry.resource,
                "type": entry.type,
                "item": entry.item,
                "before_usd": money(entry.before_usd),
                "after_usd": money(entry.after_usd),
                "monthly_usd": money(entry.monthly_usd),
                "range_usd": _amount(entry.range_usd),
                "upfront_usd": money(entry.upfront_usd),
                "reason": entry.reason,
            }
            for entry in difference.changes
        ],
        "unpriced": [
            {
                "change": entry.change,
                "resource": entry.resource,
                "type": entry.type,
                "item": entry.item,
                "reason": entry.reason,
            }
            for entry in difference.unpriced
        ],
    }
