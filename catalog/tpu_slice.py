"""TPU slices: which machines make up a topology, and where a generation stands.

A slice is a number of hosts whose chips are wired to each other (ICI). Its topology is written 4x4 or 2x2x4; the hosts
follow from it. `slices("v6e")` lists those that the tables name; beyond them the three-dimensional generations take
every topology of whole cubes of 4x4x4 that `slice_of` accepts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog.table import UnknownName, rows
from catalog.tpu import TpuMachine, tpus

CUBE = 4
"""Edge of the cube of chips from which large three-dimensional slices are put together."""


class UnknownTopology(UnknownName):
    """A topology that a generation lacks. The message lists those it has."""


@dataclass(frozen=True, slots=True)
class TpuSlice:
    """A slice of one topology on one machine type."""

    machine: TpuMachine
    topology: str
    hosts: int

    @property
    def chips(self) -> int:
        """Chips of the whole slice."""
        return self.hosts * self.machine.chips

    @property
    def multi_host(self) -> bool:
        return self.hosts > 1

    @property
    def workload_policy(self) -> bool:
        """Whether nodes are placed by a workload policy (tpu7x) instead of by the topology of the node pool."""
        return "workload_policy" in self.machine.placement


@cache
def generations() -> Mapping[str, tuple[TpuMachine, ...]]:
    """Machine types by generation, fewest chips first."""
    found: dict[str, list[TpuMachine]] = {}
    for machine in tpus.values():
        found.setdefault(machine.generation, []).append(machine)
    return MappingProxyType(
        {name: tuple(sorted(machines, key=lambda machine: machine.chips)) for name, machines in found.items()}
    )


def machines(generation: str) -> tuple[TpuMachine, ...]:
    """Machine types of a generation. Raises UnknownName."""
    if generation not in generations():
        raise UnknownName(f"{generation}: not a known TPU generation ({', '.join(generations())})")
    return generations()[generation]


def slices(generation: str) -> tuple[TpuSlice, ...]:
    """Every slice that the tables name, smallest first; a topology appears once per machine type."""
    return tuple(
        sorted(
            (
                TpuSlice(machine, topology, hosts)
                for machine in machines(generation)
                for topology, hosts in machine.topologies.items()
            ),
            key=lambda part: (part.chips, part.hosts),
        )
    )


def topologies(generation: str) -> tuple[str, ...]:
    """Topologies that the tables name, smallest first."""
    return tuple(dict.fromkeys(part.topology for part in slices(generation)))


def slice_of(generation: str, topology: str, machine_type: str | None = None) -> TpuSlice:
    """The slice of a topology, on one host where one holds it all, else on the machine type given.

    Raises UnknownName for the generation and UnknownTopology, whose message says what there is.
    """
    candidates = [machine for machine in machines(generation) if machine_type in (None, machine.name)]
    fitting = [
        TpuSlice(machine, topology, hosts) for machine in candidates if (hosts := _hosts(machine, topology)) is not None
    ]
    if not fitting:
        raise UnknownTopology(_refusal(generation, topology, machine_type))
    return min(fitting, key=lambda part: part.hosts)


def _hosts(machine: TpuMachine, topology: str) -> int | None:
    """Hosts of a slice; None when this machine type cannot make it up."""
    if topology in machine.topologies:
        return machine.topologies[topology]
    edges = _edges(topology)
    if not machine.multi_host or machine.topology_dimensions != 3 or len(edges) != 3:
        return None
    whole = all(edge % CUBE == 0 for edge in edges) and list(edges) == sorted(edges)
    chips = math.prod(edges)
    return chips // machine.chips if whole and 0 < chips <= machine.max_chips_per_slice else None


def _edges(topology: str) -> tuple[int, ...]:
    parts = topology.split("x")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _refusal(generation: str, topology: str, machine_type: str | None) -> str:
    if machine_type is not None and any(part.topology == topology for part in slices(generation)):
        own = ", ".join(tpus[machine_type].topologies)
        others = " or ".join(part.machine.name for part in slices(generation) if part.topology == topology)
        return f"{machine_type} does not make up {topology} (it makes {own}); {others} does"
    known = ", ".join(topologies(generation))
    largest = max(machine.max_chips_per_slice for machine in machines(generation))
    more = (
        f", and AxBxC of multiples of {CUBE}, smallest first, up to {largest} chips"
        if machines(generation)[-1].topology_dimensions == 3
        else ""
    )
    return f"{topology} is not a topology of {generation} ({known}{more})"


@cache
def zones(generation: str) -> tuple[str, ...]:
    """Zones in which Google's documentation or price list names a generation, in alphabetical order."""
    listed = {row.text("zone") for row in rows("gcp_tpu_zones") if row.values["tpu"] == generation}
    for row in rows("gcp_tpu_prices"):
        if row.values["tpu"] == generation:
            listed |= set((row.maybe_text("zones") or "").split())
    return tuple(sorted(listed))
