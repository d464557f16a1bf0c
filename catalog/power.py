"""Watts of a node, of an accelerator and of a vCPU, each with its basis.

No cloud publishes the power of a current accelerator instance, so a figure is one of three kinds, and says which:

- `proxy`: the maximum is that of the vendor's own machine with the same accelerators (a DGX); AWS builds its own.
- `modelled`: a data set of 2021 that measured or modelled the very type.
- `lower-bound`: accelerator TDP plus CPU and memory (TDP alone where the rest is unknown; CPU and memory of a plain
  machine). Fans, network cards, NVMe and power-supply loss are missing; for eight H100 it says 6.8 kW, and the vendor's
  machine is rated 10.2 kW.

Cooling is not in these figures: multiply by the PUE of the region (`carbon.pue`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from catalog.instance import Accelerator, Instance, instances
from catalog.source import cite
from catalog.table import Row, rows

Kind = Literal["proxy", "modelled", "lower-bound"]
METHODS = {
    "D1": "accelerator TDP + CPU + memory (lower bound)",
    "D2": "CPU + memory (lower bound)",
}
"""Words for the derived rows; sources.csv says how they were worked out."""


@dataclass(frozen=True, slots=True)
class NodePower:
    """Watts of one node at the plug. None means unknown."""

    idle_w: float | None
    typical_w: float | None
    """At 50 % load."""
    max_w: float
    max_low_w: float
    """Lower end of the maximum where two methods differ, else `max_w`."""
    kind: Kind
    """What the maximum is."""
    basis: str
    """Where each figure comes from, in words: show it with the figure."""
    source: str
    date: str
    embodied_kg: float | None
    """kgCO2e of making the share of the server that the type is."""


@dataclass(frozen=True, slots=True)
class AcceleratorPower:
    """One accelerator, or a whole system where the name says so."""

    name: str
    tdp_w: float
    memory_gb: float | None
    bf16_tflops: float | None
    source: str
    date: str


@cache
def _node_rows() -> dict[str, Row]:
    return {row.values["instance_type"]: row for row in rows("instance_power")}


@cache
def node(instance_type: str) -> NodePower | None:
    """Watts of a node of this type; None when no source says anything."""
    instance, row = instances.get(instance_type), _node_rows().get(instance_type)
    if row is not None:
        return _tabled(row, instance)
    if instance is None:
        return None
    if instance.node_max_kw is not None:
        watts = instance.node_max_kw * 1000
        basis = _proxy_basis(instance)
        return NodePower(None, None, watts, watts, "proxy", basis, _source(instance), instance.date, None)
    accelerator = instance.accelerator
    if accelerator is None or accelerator.tdp_w is None:
        return None
    watts = float(accelerator.tdp_w * accelerator.count * accelerator.share)
    basis = "maximum: TDP of the accelerators alone, without CPU, memory and everything else (lower bound)"
    return NodePower(None, None, watts, watts, "lower-bound", basis, _source(instance), instance.date, None)


def alike(accelerator: Accelerator) -> NodePower | None:
    """Watts of another cloud's node with these accelerators: those of the Amazon type that has the same."""
    for other in instances.values():
        same = other.accelerator
        if same and (same.name, same.count, same.share) == (accelerator.name, accelerator.count, accelerator.share):
            found = node(other.name)
            return found and replace(found, basis=f"as {other.name}, which has the same accelerators: {found.basis}")
    return None


def _tabled(row: Row, instance: Instance | None) -> NodePower:
    source_id, table_max = row.text("source_id"), row.number("max_w")
    derived = source_id in METHODS
    method = METHODS.get(source_id, "data set of 2021 (modelled)")
    if derived and instance and instance.accelerator and instance.accelerator.tdp_w is None:
        method += ", TDP by a third party because its maker publishes none"
    kind: Kind = "lower-bound" if derived else "modelled"
    basis, citation, date, high = f"idle, typical, maximum: {method}", cite(source_id), row.text("date"), table_max
    if instance is not None and instance.node_max_kw is not None:
        high, kind, date = instance.node_max_kw * 1000, "proxy", instance.date
        basis = f"{_proxy_basis(instance)}; idle, typical, lower end of maximum: {method}"
        citation = f"{_source(instance)}; {citation}"
    return NodePower(
        idle_w=row.number("idle_w"),
        typical_w=row.number("w_at_50pct"),
        max_w=max(high, table_max),
        max_low_w=min(high, table_max),
        kind=kind,
        basis=basis,
        source=citation,
        date=date,
        embodied_kg=row.maybe_number("instance_embodied_kgco2e"),
    )


def _proxy_basis(instance: Instance) -> str:
    return f"maximum: {instance.node_power_basis}, standing in for AWS's own board"


def _source(instance: Instance) -> str:
    return dict(instance.sources).get("power", "not stated")


@cache
def accelerators() -> dict[str, AcceleratorPower]:
    """Power of accelerators by short name ("H200", "TPU v5p", "DGX H100 system (8x H100)")."""
    return {
        row.text("accelerator"): AcceleratorPower(
            name=row.text("accelerator"),
            tdp_w=row.number("tdp_w"),
            memory_gb=row.maybe_number("memory_gb"),
            bf16_tflops=row.maybe_number("bf16_dense_tflops"),
            source=cite(row.text("source_id")),
            date=row.text("date"),
        )
        for row in rows("accelerator_power")
    }


def vcpu(provider: str, microarchitecture: str) -> tuple[float, float] | None:
    """Minimum and maximum watts per vCPU of a CPU generation, such as ("aws", "Sapphire Rapids")."""
    for row in rows("cpu_power_per_vcpu"):
        if (row.text("provider"), row.text("microarchitecture")) == (provider, microarchitecture):
            return row.number("min_w_per_vcpu"), row.number("max_w_per_vcpu")
    return None
