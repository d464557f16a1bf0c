"""What the machines of a plan draw: idle, typical and maximum kW per pool, each with its basis.

No cloud publishes the power of a current accelerator machine, so a figure is a range: the maximum by a vendor's own
machine or by a sum of parts (see catalog.power). What is unknown stays None, and a sum over pools with an unknown one
is a lower bound and says so. Figures are at the plug; times PUE they are what the site draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog import carbon as region_facts
from catalog import gcp_machines, instances, power
from catalog.instance import Accelerator
from catalog.power import NodePower
from cost.model import HOURS, Machines

WATTS = 1000


@dataclass(frozen=True, slots=True)
class PoolPower:
    """Machines of one kind in one resource."""

    pool: str
    """Name of the pool, else of the resource."""
    resource: str
    provider: str
    region: str | None
    instance_type: str
    count: Decimal
    minimum: Decimal
    maximum: Decimal
    """Machines between which the group may scale; all figures are for `count` of them."""
    hours: Decimal
    idle_kw: float | None
    typical_kw: float | None
    max_kw: float | None
    max_low_kw: float | None
    """Lower end of the maximum where two methods differ."""
    pue: float | None
    pue_scope: str | None
    kwh_month: float | None
    """At typical draw, PUE included; at maximum draw where the typical one is unknown (see `kwh_basis`)."""
    kwh_basis: str
    accelerator: str | None
    accelerators: int
    accelerators_known: bool
    embodied_kg: float | None
    """kgCO2e of making the machines, for all of them."""
    basis: str
    source: str

    @property
    def site_kw(self) -> float | None:
        """The maximum times PUE: what the site has to supply for the pool."""
        return None if self.max_kw is None or self.pue is None else self.max_kw * self.pue


@dataclass(frozen=True)
class PowerReport:
    """Power of a plan."""

    pools: tuple[PoolPower, ...]

    @property
    def idle_kw(self) -> float | None:
        return _sum(self.pools, lambda pool: pool.idle_kw)

    @property
    def typical_kw(self) -> float | None:
        return _sum(self.pools, lambda pool: pool.typical_kw)

    @property
    def max_kw(self) -> float | None:
        """Sum of the known maxima; None when none is known. `unknown` names the rest."""
        return _sum(self.pools, lambda pool: pool.max_kw)

    @property
    def site_kw(self) -> float | None:
        """The same with PUE, as limits of power count."""
        return _sum(self.pools, lambda pool: pool.site_kw)

    @property
    def kwh_month(self) -> float | None:
        return _sum(self.pools, lambda pool: pool.kwh_month)

    @property
    def accelerators(self) -> int:
        return sum(pool.accelerators for pool in self.pools)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Pools whose maximum is unknown."""
        return tuple(pool.pool for pool in self.pools if pool.max_kw is None)


def _sum(pools: Sequence[PoolPower], value: Callable[[PoolPower], float | None]) -> float | None:
    known = [found for pool in pools if (found := value(pool)) is not None]
    return sum(known) if known else None


def report(machines: Iterable[Machines]) -> PowerReport:
    """Power of machines."""
    return PowerReport(tuple(_pool(entry) for entry in machines))


def _accelerator(entry: Machines) -> Accelerator | None:
    machine = instances.get(entry.instance_type) if entry.provider == "aws" else gcp_machines.get(entry.instance_type)
    return machine.accelerator if machine else None


def _watts(entry: Machines) -> NodePower | None:
    """Of the type itself; a Google machine draws as the Amazon one with the same accelerators is thought to."""
    if entry.provider == "aws":
        return power.node(entry.instance_type)
    wanted = _accelerator(entry)
    return (power.alike(wanted) or _chips(wanted)) if wanted else None


def _chips(accelerator: Accelerator) -> NodePower | None:
    """TPU chips by a third party's figure. Google publishes none for v5e and later, and the host is not in it."""
    short = accelerator.name.removeprefix("Google ")
    known = power.accelerators().get(short) or power.accelerators().get(short.replace("TPU tpu", "TPU"))
    if known is None:
        return None
    watts = float(accelerator.count) * known.tdp_w
    basis = "maximum: the chips alone, a third party's estimate because Google publishes none (lower bound)"
    return NodePower(None, None, watts, watts, "lower-bound", basis, known.source, known.date, None)


def _pool(entry: Machines) -> PoolPower:
    watts, accelerator = _watts(entry), _accelerator(entry)
    pue = region_facts.pue(entry.provider, entry.region or "")
    count = float(entry.count)

    def kilowatts(value: float | None) -> float | None:
        return None if value is None else value * count / WATTS

    typical = kilowatts(watts.typical_w) if watts else None
    maximum = kilowatts(watts.max_w) if watts else None
    drawn = typical if typical is not None else maximum
    machines = instances if entry.provider == "aws" else gcp_machines
    return PoolPower(
        pool=entry.pool or entry.resource,
        resource=entry.resource,
        provider=entry.provider,
        region=entry.region,
        instance_type=entry.instance_type,
        count=entry.count,
        minimum=entry.minimum,
        maximum=entry.maximum,
        hours=entry.hours,
        idle_kw=kilowatts(watts.idle_w) if watts else None,
        typical_kw=typical,
        max_kw=maximum,
        max_low_kw=kilowatts(watts.max_low_w) if watts else None,
        pue=pue.value if pue else None,
        pue_scope=pue.scope if pue else None,
        kwh_month=drawn * float(min(entry.hours, HOURS)) * pue.value if drawn is not None and pue else None,
        kwh_basis="typical draw (50 % load)" if typical is not None else "maximum draw" if maximum else "unknown",
        accelerator=accelerator.name if accelerator else None,
        accelerators=int(accelerator.count * entry.count) if accelerator else 0,
        accelerators_known=entry.instance_type in machines,
        embodied_kg=watts.embodied_kg * count if watts and watts.embodied_kg is not None else None,
        basis=watts.basis if watts else "no source gives the power of this machine",
        source=watts.source if watts else "",
    )
