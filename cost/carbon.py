"""Greenhouse gas of the electricity that a plan draws, location based: kWh times the average of the region's grid.

A provider's market-based figure, after buying certificates, is another one and is not shown. Making the machines
(embodied) is given where a source has it, as a total and not per month.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog import carbon as facts
from cost.power import PoolPower, PowerReport

GRAMS = 1000
METHOD = "location based: average of the grid"


@dataclass(frozen=True, slots=True)
class PoolCarbon:
    """Emissions of one pool."""

    pool: str
    region: str | None
    g_per_kwh: float | None
    kg_month: float | None
    embodied_kg: float | None
    year: int | None
    method: str
    source: str


@dataclass(frozen=True)
class CarbonReport:
    """Emissions of a plan."""

    pools: tuple[PoolCarbon, ...]
    method: str = METHOD

    @property
    def kg_month(self) -> float | None:
        """Sum of what is known; None when nothing is."""
        known = [pool.kg_month for pool in self.pools if pool.kg_month is not None]
        return sum(known) if known else None

    @property
    def embodied_kg(self) -> float | None:
        known = [pool.embodied_kg for pool in self.pools if pool.embodied_kg is not None]
        return sum(known) if known else None

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(pool.pool for pool in self.pools if pool.kg_month is None)


def report(drawn: PowerReport) -> CarbonReport:
    """Emissions of what is drawn."""
    return CarbonReport(tuple(_pool(pool) for pool in drawn.pools))


def _pool(pool: PoolPower) -> PoolCarbon:
    region = facts.region(pool.provider, pool.region) if pool.region else None
    known = region is not None and pool.kwh_month is not None
    return PoolCarbon(
        pool=pool.pool,
        region=pool.region,
        g_per_kwh=region.g_per_kwh if region else None,
        kg_month=pool.kwh_month * region.g_per_kwh / GRAMS if known and region and pool.kwh_month is not None else None,
        embodied_kg=pool.embodied_kg,
        year=region.year if region else None,
        method=region.method if region else "unknown",
        source=region.source if region else "",
    )
