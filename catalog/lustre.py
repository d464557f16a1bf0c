"""Sizes and speed of FSx for Lustre: one tier per deployment type, storage, throughput and EFA.

What a file system costs is in `prices`, what it delivers to a client in `limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

from catalog.limit import Limit, numbers
from catalog.table import Row, rows


@dataclass(frozen=True, slots=True)
class LustreTier:
    """Sizes and speed of FSx for Lustre for one deployment type, storage, throughput and EFA."""

    deployment_type: str
    storage_type: str
    throughput: int | None
    """MB/s per TiB as provisioned; None: the deployment type has no choice."""
    efa: bool
    capacity: Limit
    """GiB."""
    network_baseline: float | None
    """MB/s per TiB."""
    network_burst: float | None
    memory_gib_per_tib: float | None
    verified: bool
    date: str
    source: str

    def capacities(self) -> Iterator[int]:
        """Allowed capacities in GiB, from the smallest, without end."""
        step = int(self.capacity.step or 0)
        for value in takewhile(lambda value: value < step, self.capacity.values):
            yield int(value)
        multiple = step
        while True:
            yield multiple
            multiple += step


def _tier(row: Row) -> LustreTier:
    verified, date, source = row.flag("verified"), row.text("date"), row.text("source")
    step = row.integer("step_gib")
    sizes = numbers(row, "first_sizes_gib")
    capacity = Limit(
        "fsx-lustre-capacity", "GiB", step, None, step, sizes, verified, date, source, row.maybe_text("note")
    )
    return LustreTier(
        deployment_type=row.text("deployment_type"),
        storage_type=row.text("storage_type"),
        throughput=row.maybe_integer("throughput_mb_s_per_tib"),
        efa=row.flag("efa"),
        capacity=capacity,
        network_baseline=row.maybe_number("network_baseline_mb_s_per_tib"),
        network_burst=row.maybe_number("network_burst_mb_s_per_tib"),
        memory_gib_per_tib=row.maybe_number("memory_gib_per_tib"),
        verified=verified,
        date=date,
        source=source,
    )


@cache
def tiers() -> tuple[LustreTier, ...]:
    """Every tier, in the order of the table."""
    return tuple(_tier(row) for row in rows("fsx_lustre_tiers"))


def tier(
    deployment_type: str, storage_type: str = "SSD", throughput: int | None = None, *, efa: bool = False
) -> LustreTier | None:
    """The tier for these choices ("PERSISTENT_2", "SSD", 125); None when AWS does not offer them together."""
    wanted = (deployment_type, storage_type, throughput, efa)
    return {(each.deployment_type, each.storage_type, each.throughput, each.efa): each for each in tiers()}.get(wanted)


def throughputs(deployment_type: str, storage_type: str = "SSD", *, efa: bool = False) -> tuple[int, ...]:
    """MB/s per TiB on offer, rising; empty when the deployment type has no choice."""
    wanted = (deployment_type, storage_type, efa)
    return tuple(
        each.throughput
        for each in tiers()
        if (each.deployment_type, each.storage_type, each.efa) == wanted and each.throughput is not None
    )
