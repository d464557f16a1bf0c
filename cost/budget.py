"""Limits of the stack file's budget section, and which of them an estimate breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from cost import terms
from cost.difference import Difference
from cost.model import Estimate, Line
from plan import SECRET, Plan

SHOWN = 3


class Limit(NamedTuple):
    """One limit: its key in the stack file, what it bounds, and its unit."""

    key: str
    what: str
    unit: str
    figure: Callable[[Estimate], Decimal | None]


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


LIMITS = (
    Limit("monthly-usd", "monthly cost", "USD", lambda found: found.totals.monthly_usd.base),
    Limit("hourly-usd", "hourly cost", "USD", lambda found: found.totals.hourly_usd),
    Limit("upfront-usd", "cost paid up front", "USD", lambda found: found.totals.upfront_usd),
    Limit("power-kw", "maximum power at the site", "kW", lambda found: _decimal(found.power.site_kw)),
    Limit("energy-kwh", "monthly energy", "kWh", lambda found: _decimal(found.power.kwh_month)),
    Limit("carbon-kg", "monthly emissions", "kgCO2e", lambda found: _decimal(found.carbon.kg_month)),
    Limit("accelerators", "accelerators", "", lambda found: Decimal(found.power.accelerators)),
)
RISE_USD, RISE_PERCENT, RISE_UPFRONT = "rise-usd", "rise-percent", "rise-upfront-usd"
KEYS = (*(limit.key for limit in LIMITS), RISE_USD, RISE_PERCENT, RISE_UPFRONT)
ALARMS = ("warn-at-percent", "emails")
"""Keys of the section that are for the cloud's own budget."""


def limits(plan: Plan) -> dict[str, Decimal]:
    """The limits of the plan's budget section. Raises InvalidInput for what is none."""
    return terms.figures("budget", terms.section(plan.config, "budget"), KEYS, ALARMS)


def breaches(estimate: Estimate, plan: Plan, difference: Difference | None = None) -> list[str]:
    """One line for each limit of the plan's budget section that the estimate breaks, naming what weighs most."""
    allowances, found = limits(plan), []
    for limit in LIMITS:
        allowed, figure = allowances.get(limit.key), limit.figure(estimate)
        if allowed is not None and figure is not None and figure > allowed:
            unit = f" {limit.unit}" if limit.unit else ""
            found.append(
                f"budget.{limit.key}: {limit.what} {figure:,.2f}{unit} is above the limit of {allowed:,.2f}{unit}; "
                f"most of it: {_heaviest(estimate, limit.key)}. Lower the plan or raise the limit in the stack file."
            )
    return found + (_rises(difference, allowances) if difference else [])


def untold(estimate: Estimate, plan: Plan) -> list[str]:
    """One line for each limit that cannot be told to hold, because part of its figure is unknown."""
    if plan.config.get(f"{terms.PROJECT}:budget") == SECRET:
        return ["budget: cannot tell: the section is encrypted"]
    allowances = limits(plan)
    prices = [f"{entry.resource} ({entry.item})" for entry in estimate.unknown]
    drawn, emitted = estimate.power, estimate.carbon
    unknown = dict.fromkeys(("monthly-usd", "hourly-usd", "upfront-usd"), (prices, "no price for"))
    unknown |= {
        "power-kw": ([pool.pool for pool in drawn.pools if pool.site_kw is None], "no power of"),
        "energy-kwh": ([pool.pool for pool in drawn.pools if pool.kwh_month is None], "no power of"),
        "carbon-kg": (list(emitted.unknown), "no emissions of"),
        "accelerators": ([pool.pool for pool in drawn.pools if not pool.accelerators_known], "unknown machines in"),
    }
    found = []
    for limit in LIMITS:
        allowed, (names, words) = allowances.get(limit.key), unknown[limit.key]
        figure = limit.figure(estimate)
        if allowed is not None and names and (figure is None or figure <= allowed):
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            found.append(f"budget.{limit.key}: cannot tell: {words} {', '.join(names[:SHOWN])}{more}")
    return found


def _rises(difference: Difference, allowances: Mapping[str, Decimal]) -> list[str]:
    """What rises by more than it may."""
    rises: tuple[tuple[str, str, Decimal | None, str, str], ...] = (
        (RISE_USD, "the monthly cost", difference.monthly_usd, "{:,.2f}", "USD"),
        (RISE_PERCENT, "the monthly cost", difference.percent, "{:,.1f}", "%"),
        (RISE_UPFRONT, "what is paid up front", difference.upfront_usd, "{:,.2f}", "USD"),
    )
    found = []
    for key, what, rise, form, unit in rises:
        allowed = allowances.get(key)
        if allowed is not None and rise is not None and rise > allowed:
            risen, limit = form.format(rise), form.format(allowed)
            found.append(f"budget.{key}: {what} rises by {risen} {unit}, above the limit of {limit} {unit}")
    return found


def _heaviest(estimate: Estimate, key: str) -> str:
    if key in ("power-kw", "energy-kwh", "carbon-kg", "accelerators"):
        pools = sorted(estimate.power.pools, key=lambda pool: -(pool.max_kw or 0))[:SHOWN]
        return ", ".join(f"{pool.pool} ({pool.count:f} x {pool.instance_type})" for pool in pools) or "nothing"
    weight: Callable[[Line], Decimal] = (
        (lambda line: line.upfront_usd) if key == "upfront-usd" else (lambda line: line.monthly_usd.base)
    )
    lines = sorted(estimate.lines, key=weight, reverse=True)[:SHOWN]
    return ", ".join(f"{line.resource} {weight(line):,.2f}" for line in lines if weight(line)) or "nothing"
