"""Google TPU machine types on GKE: what a node carries and which slice topologies it can be part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catalog.package import table_info
from catalog.table import Lookup, Row, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TpuMachine:
    """One machine type. Rates are peak, per chip. None means unknown."""

    name: str
    generation: str
    """v4, v5e, v5p, v6e, tpu7x: as price tables call it."""
    chips: int
    vcpus: int | None
    memory_gib: float | None
    accelerator_label: str
    """Value of the node label cloud.google.com/gke-tpu-accelerator."""
    taint: str
    resource_name: str
    topology_dimensions: int
    single_host: Mapping[str, int]
    """Nodes by topology of a slice of one host: {"2x2": 1}."""
    multi_host: Mapping[str, int]
    topology_rule: str
    """Which topologies exist, in words; the mappings list the usual ones."""
    max_chips_per_slice: int
    pod_chips: int
    tensorcores_per_chip: int
    memory_gib_per_chip: float
    memory_gb_s_per_chip: float
    bf16_tflops: float
    fp8_tflops: float | None
    int8_tops: float | None
    ici_gb_s: float | None
    """Inter-chip bandwidth, both directions together."""
    ici_basis: str | None
    dcn_gbps_per_chip: float | None
    power_w_per_chip: float | None
    power_note: str | None
    placement: str
    regions: tuple[str, ...]
    """Where Google lists the machine type."""
    notes: str | None
    sources: tuple[tuple[str, str], ...]
    date: str

    @property
    def topologies(self) -> Mapping[str, int]:
        """Nodes by topology, single-host and multi-host."""
        return {**self.single_host, **self.multi_host}


def _topologies(row: Row, column: str) -> Mapping[str, int]:
    text = row.maybe_text(column)
    pairs = [pair.strip().split("=") for pair in text.split(";")] if text else []
    try:
        return MappingProxyType({topology: int(nodes) for topology, nodes in pairs})
    except ValueError:
        raise row.refuse(column, "topology=nodes pairs separated by ;") from None


def _load() -> dict[str, TpuMachine]:
    places = {row.text("machine_type"): tuple(row.text("regions").split()) for row in rows("gcp_tpu_machine_types")}
    table = table_info("tpu")
    return {row.text("gke_machine_type"): _machine(row, places, table.date) for row in rows(table.name)}


def _machine(row: Row, places: Mapping[str, tuple[str, ...]], date: str) -> TpuMachine:
    name = row.text("gke_machine_type")
    return TpuMachine(
        name=name,
        generation=row.text("generation").split()[0],
        chips=row.integer("chips_per_vm"),
        vcpus=row.maybe_integer("vcpus"),
        memory_gib=row.maybe_number("memory_gib"),
        accelerator_label=row.text("accelerator_label_value"),
        taint=row.text("taint_key"),
        resource_name=row.text("resource_name"),
        topology_dimensions=row.integer("topology_dims"),
        single_host=_topologies(row, "single_host_topologies"),
        multi_host=_topologies(row, "multi_host_topologies"),
        topology_rule=row.text("topology_rule"),
        max_chips_per_slice=row.integer("max_chips_per_slice"),
        pod_chips=row.integer("pod_chips"),
        tensorcores_per_chip=row.integer("tensorcores_per_chip"),
        memory_gib_per_chip=row.number("hbm_gib_per_chip"),
        memory_gb_s_per_chip=row.number("hbm_gb_s_per_chip"),
        bf16_tflops=row.number("bf16_tflops_per_chip"),
        fp8_tflops=row.maybe_number("fp8_tflops_per_chip"),
        int8_tops=row.maybe_number("int8_tops_per_chip"),
        ici_gb_s=row.maybe_number("ici_gb_s_per_chip_bidir"),
        ici_basis=row.maybe_text("ici_basis"),
        dcn_gbps_per_chip=row.maybe_number("dcn_gbps_per_chip"),
        power_w_per_chip=row.maybe_number("power_w_per_chip"),
        power_note=row.maybe_text("power_note"),
        placement=row.text("placement_style"),
        regions=places.get(name, ()),
        notes=row.maybe_text("notes"),
        sources=tuple((aspect, row.text(f"src_{aspect}")) for aspect in ("machine", "topology", "perf")),
        date=date,
    )


tpus: Lookup[TpuMachine] = Lookup("TPU machine type", _load)
"""TPU machine types by name: `tpus["ct5lp-hightpu-4t"]`."""
