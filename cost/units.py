"""What one unit of computing costs: an accelerator for an hour, a PFLOP/s for a day.

The PFLOP-day counts the peak of the maker (dense bf16), which no workload reaches: divide by the share that yours does.
Costs of the machines alone; storage and network are in the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from catalog import instances
from cost.model import SMALLEST, Estimate

DAY_HOURS = Decimal(24)
TERA_IN_PETA = Decimal(1000)


@dataclass(frozen=True, slots=True)
class UnitCost:
    """Of one pool. None: the catalog does not know the figure that is needed."""

    pool: str
    accelerator: str
    accelerators: int
    usd_per_accelerator_hour: Decimal
    usd_per_pflop_day: Decimal | None
    kwh_per_accelerator_hour: float | None
    """At typical draw, PUE included; see the pool's `kwh_basis`."""


def per_pool(estimate: Estimate) -> list[UnitCost]:
    """Unit costs of every pool with accelerators and a price."""
    found = []
    for pool in estimate.power.pools:
        paid = [line for line in estimate.lines if line.resource == pool.resource and line.purchase]
        if not pool.accelerators or not paid or pool.accelerator is None:
            continue
        hourly = sum((line.hourly_usd for line in paid), Decimal(0)) / pool.accelerators
        known = instances.get(pool.instance_type)
        peak = known.accelerator.bf16_tflops if known and known.accelerator else None
        a_day = hourly * DAY_HOURS / (Decimal(str(peak)) / TERA_IN_PETA) if peak else None
        hours = float(pool.hours) * pool.accelerators
        found.append(
            UnitCost(
                pool=pool.pool,
                accelerator=pool.accelerator,
                accelerators=pool.accelerators,
                usd_per_accelerator_hour=hourly.quantize(SMALLEST),
                usd_per_pflop_day=None if a_day is None else a_day.quantize(SMALLEST),
                kwh_per_accelerator_hour=None if pool.kwh_month is None or not hours else pool.kwh_month / hours,
            )
        )
    return found
