"""What a healthy machine must reach: caps of collectives, rates of matrix products, and the floors below them.

The numbers are tables; here are the formula of the cap and the lookups. What a stack makes of them is in
`components.gates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from catalog import benchmarks
from catalog.benchmarks import Collective
from catalog.efa import efa_count, efa_plans
from catalog.gcp_machine import GcpMachine
from catalog.instance import Instance
from catalog.table import Lookup, rows


@dataclass(frozen=True, slots=True)
class Floor:
    """Parts of an expected value, 0 to 1."""

    fail_below: float
    warn_below: float
    expected_is: str
    source: str
    date: str


@dataclass(frozen=True, slots=True)
class Cap:
    """What an all-reduce can reach, GB/s of bus bandwidth."""

    gb_per_s: float
    limited_by: str
    """"network" or the algorithm inside the node ("NVLS", "ring")."""
    saturated_bytes: int
    """Message size from which the cap is within reach."""
    source: str


@dataclass(frozen=True, slots=True)
class _NodeLimit:
    family: str
    devices_from: int
    gb_per_s: float
    algorithm: str
    saturated_bytes: int
    source: str


def _floors() -> dict[str, Floor]:
    return {
        row.text("measurement"): Floor(
            fail_below=row.number("fail_below"),
            warn_below=row.number("warn_below"),
            expected_is=row.text("expected_is"),
            source=row.text("source"),
            date=row.text("date"),
        )
        for row in rows("benchmark_floors")
    }


def _exceptions() -> dict[str, str]:
    return {row.text("platform"): row.text("reason") for row in rows("collective_exceptions")}


floors: Lookup[Floor] = Lookup("measurement with a floor", _floors)
"""By measurement: "all-reduce", "matrix-product"."""
exceptions: Lookup[str] = Lookup("platform that is held against no cap", _exceptions)
"""Reason by platform of `benchmarks.collectives`."""


@cache
def _node_limits() -> tuple[_NodeLimit, ...]:
    return tuple(
        _NodeLimit(
            family=row.text("accelerator"),
            devices_from=row.integer("devices_from"),
            gb_per_s=row.number("intra_node_gb_s"),
            algorithm=row.text("algorithm"),
            saturated_bytes=row.integer("saturated_bytes"),
            source=row.text("source"),
        )
        for row in rows("collective_limits")
    )


def all_reduce_cap(accelerator: str, devices: int, nodes: int, node_nic_gb_s: float | None) -> Cap | None:
    """Largest bus bandwidth of an all-reduce over `devices` accelerators on `nodes` nodes; None when it is unknown.

    A hierarchical all-reduce sends each byte over the network once per node, so a NIC bandwidth B (GB/s of a node, one
    direction) carries B x (n-1)/n x k/(k-1) of bus bandwidth (definition of nccl-tests, doc/PERFORMANCE.md); the links
    inside a node are the other limit.
    """
    inside = _inside(accelerator, devices // max(nodes, 1))
    if inside is None or devices < 2:
        return None
    if nodes <= 1:
        return Cap(inside.gb_per_s, inside.algorithm, inside.saturated_bytes, inside.source)
    if node_nic_gb_s is None:
        return None
    wire = node_nic_gb_s * (devices - 1) / devices * nodes / (nodes - 1)
    limited_by = "network" if wire < inside.gb_per_s else inside.algorithm
    return Cap(min(wire, inside.gb_per_s), limited_by, inside.saturated_bytes, inside.source)


def _inside(accelerator: str, per_node: int) -> _NodeLimit | None:
    fitting = [one for one in _node_limits() if is_of(accelerator, one.family) and one.devices_from <= per_node]
    return max(fitting, key=lambda one: one.devices_from, default=None)


def matrix_product(accelerator: str, dtype: str) -> benchmarks.Matmul | None:
    """The best published rate of an accelerator ("NVIDIA H200 SXM", "bf16"); None when there is none."""
    words = _words(accelerator)
    found = [one for one in benchmarks.matmuls() if one.dtype == dtype and words & _families(one.accelerator)]
    return max(found, key=lambda one: one.high, default=None)


def all_to_all(instance_type: str, nodes: int) -> tuple[Collective, ...]:
    """Published all-to-all figures of this machine at this number of nodes, with a message size."""
    return tuple(
        one
        for one in benchmarks.collectives()
        if one.collective == "all_to_all"
        and one.platform.split()[0] == instance_type
        and one.nodes == nodes
        and one.message_bytes is not None
    )


def is_of(accelerator: str, family: str) -> bool:
    """Whether an accelerator's name ("NVIDIA H200 SXM", "A100-80GB") has the family ("H200") as a word."""
    return family.lower() in _words(accelerator)


def _words(name: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", name.lower())) - {""}


def _families(name: str) -> set[str]:
    """Words of a table's accelerator that name a chip: letters, then digits; "H100/H200 SXM" names two."""
    return {word for word in _words(name.partition("(")[0]) if re.fullmatch(r"[a-z]{1,2}\d{2,3}[a-z]?", word)}


def fabric_interfaces(instance: Instance | GcpMachine) -> int | None:
    """EFA interfaces of a whole node: those of the type's row; None without EFA.

    Where the row's number is listed as no layout's own (`known_gaps`, p6e-gb200), the lean plan's.
    """
    if instance.efa is None:
        return None
    if instance.name in _other_layouts():
        return efa_count(efa_plans[instance.name]["lean"])
    return instance.efa.interfaces


@cache
def _other_layouts() -> frozenset[str]:
    return frozenset(row.text("instance_type") for row in rows("known_gaps") if row.text("what") == "efa-plan")
