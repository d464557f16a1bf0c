"""What several formats say alike: how much more it is, what power and emissions rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from cost.difference import Changed, Difference
from cost.model import Estimate
from cost.power import PoolPower


def usd(value: Decimal) -> str:
    """Dollars to the cent, more digits only where a cent is too coarse."""
    return f"{value:,.2f}" if not value or abs(value) >= Decimal("0.01") else f"{value:.6f}".rstrip("0")


def signed(value: Decimal) -> str:
    """Dollars more or less."""
    return f"{value:+,.2f}"


def number(value: Decimal) -> str:
    """A quantity without needless zeros."""
    return f"{value:,.3f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def figure(value: float | None, digits: int = 2) -> str:
    """A figure of physics, which may be unknown."""
    return "unknown" if value is None else f"{value:,.{digits}f}"


def rise(difference: Difference) -> str:
    """The whole difference in a line: a month, with the range of usage where that is another one, and up front."""
    share = f" ({difference.percent:+.1f} %)" if difference.percent is not None else ""
    text = f"{signed(difference.monthly_usd)} USD a month{share}"
    low, base, high = difference.range_usd
    if (low, high) != (base, base):
        text += f", {signed(low)} with low and {signed(high)} with high usage"
    if difference.upfront_usd:
        text += f"; {signed(difference.upfront_usd)} USD paid up front"
    gaps = [entry.change for entry in difference.unpriced]
    if gaps:
        counts = ", ".join(f"{gaps.count(word)} {word}" for word in ("added", "removed", "changed") if word in gaps)
        text += f"; without a price: {counts}"
    return text


def risen(entry: Changed) -> str:
    """The change of a line; where only its range moved, that."""
    text, (low, base, high) = signed(entry.monthly_usd), entry.range_usd
    return f"{text} ({signed(low)} to {signed(high)})" if not base and (low or high) else text


def paid_ahead(difference: Difference) -> bool:
    """Whether a change is in what is paid up front, so that it needs a column."""
    return any(entry.upfront_usd for entry in difference.changes)


def machines(drawn: PoolPower) -> str:
    """How many machines of which type, and between how many the group may scale."""
    text = f"{number(drawn.count)} x {drawn.instance_type}"
    if drawn.minimum == drawn.maximum:
        return text
    return f"{text} ({number(drawn.minimum)} to {number(drawn.maximum)})"


def kilowatts(drawn: PoolPower) -> str:
    """The maximum, as a range where two methods differ."""
    low, high = drawn.max_low_kw, drawn.max_kw
    return figure(high) if low is None or high is None or low == high else f"{low:,.2f}-{high:,.2f}"


def grounds(estimate: Estimate) -> Iterator[str]:
    """What power, energy and emissions rest on: PUE, grid, year and method by region, the draw that counts, making."""
    drawn, emitted = estimate.power, estimate.carbon
    if not drawn.pools:
        return
    for region, text in _regions(estimate).items():
        yield f"{region}: {text}"
    bases = dict.fromkeys(pool.kwh_basis for pool in drawn.pools)
    yield f"energy counts {', '.join(bases)} times PUE; at the site {figure(drawn.site_kw)} kW at most, PUE included"
    made = [pool.pool for pool in emitted.pools if pool.embodied_kg is None]
    total = "unknown" if emitted.embodied_kg is None else f"{emitted.embodied_kg:,.0f} kgCO2e"
    rest = f" (not known of {', '.join(dict.fromkeys(made))})" if made and emitted.embodied_kg is not None else ""
    yield f"embodied, of making the machines, once: {total}{rest}; emissions are {emitted.method}"


def _regions(estimate: Estimate) -> Mapping[str, str]:
    found = {}
    for drawn, emitted in zip(estimate.power.pools, estimate.carbon.pools, strict=True):
        scope = f" ({drawn.pue_scope})" if drawn.pue_scope else ""
        grid = "emissions of the grid unknown"
        if emitted.g_per_kwh is not None:
            grid = f"grid {emitted.g_per_kwh:,.0f} gCO2e/kWh ({emitted.year}, {emitted.method})"
        found[drawn.region or "region unknown"] = f"PUE {figure(drawn.pue)}{scope}, {grid}"
    return found
