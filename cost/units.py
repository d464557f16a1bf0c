"""What one unit of computing costs: an accelerator for an hour, a PFLOP/s for a day, a million tokens.

The PFLOP-day counts the peak of the maker (dense bf16), which no workload reaches: divide by the share that yours does.
Costs of the machines alone; storage and network are in the total.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from catalog import gcp_machines, instances
from cost.model import SMALLEST, WIDE, Estimate
from cost.power import PoolPower

DAY_HOURS = Decimal(24)
TERA_IN_PETA = Decimal(1000)
SECONDS, MILLION = 3600, 1_000_000


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
    tokens_per_second: Decimal | None = None
    """As it was given: what the pool was measured or planned to do."""
    usd_per_million_tokens: Decimal | None = None
    kwh_per_million_tokens: float | None = None


def per_pool(estimate: Estimate) -> list[UnitCost]:
    """Unit costs of every pool with accelerators and a price."""
    found = []
    for pool in estimate.power.pools:
        paid = [line for line in estimate.lines if line.resource == pool.resource and line.purchase]
        if not pool.accelerators or not paid or pool.accelerator is None:
            continue
        hourly = sum((line.hourly_usd for line in paid), Decimal(0)) / pool.accelerators
        peak = _peak(pool)
        a_day = hourly * DAY_HOURS / (Decimal(str(peak)) / TERA_IN_PETA) if peak else None
        hours = float(pool.hours) * pool.accelerators
        energy = None if pool.kwh_month is None or not hours else pool.kwh_month / hours
        tokens = estimate.tokens_per_second.get(pool.pool)
        millions = tokens * SECONDS / MILLION if tokens else None
        found.append(
            UnitCost(
                pool=pool.pool,
                accelerator=pool.accelerator,
                accelerators=pool.accelerators,
                usd_per_accelerator_hour=hourly.quantize(SMALLEST, context=WIDE),
                usd_per_pflop_day=None if a_day is None else a_day.quantize(SMALLEST, context=WIDE),
                kwh_per_accelerator_hour=energy,
                tokens_per_second=tokens,
                usd_per_million_tokens=(hourly * pool.accelerators / millions).quantize(SMALLEST, context=WIDE)
                if millions
                else None,
                kwh_per_million_tokens=energy * pool.accelerators / float(millions) if energy and millions else None,
            )
        )
    return found


def _peak(pool: PoolPower) -> float | None:
    """Dense bf16 TFLOP/s of one accelerator; None when no source gives it."""
    machines = instances if pool.provider == "aws" else gcp_machines
    known = machines.get(pool.instance_type)
    return known.accelerator.bf16_tflops if known and known.accelerator else None
