"""What a pool's acceptance benchmark must reach, from the catalog. Pure: no Pulumi, no cluster.

Expected values come from what was bought (the rows of the instance type and of the file system's tier), never from how
the pool was wired: a pool that lost half of its interfaces is held against the whole. The thresholds travel with the
benchmark's program as JSON; `training.bench.verdict` holds the result against them. A value that cannot be known is
stated as such with the reason, and counts neither way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog import acceptance, limits
from catalog.acceptance import Cap, Floor
from catalog.gcp_machine import GcpMachine
from components.placement import Placement

SCHEMA_VERSION = 1
GBIT_PER_GB = 8
LIKELY = {
    "devices": ("a node lacks accelerators (device plugin, Xid errors)", "a rank did not start"),
    "interfaces": (
        "the pool's launch template lists fewer EFA interfaces than the type has",
        "the EFA device plugin hands out fewer than there are (its version, its allow-list)",
    ),
    "transport": (
        "NCCL fell back to TCP: the image has no aws-ofi-nccl plugin or one for another NCCL",
        "the security group lacks the rule from and to itself",
    ),
    "allreduce": (
        "fewer interfaces than the type has, or one that is slow",
        "no GPUDirect RDMA (driver, nvidia-peermem, IOMMU)",
        "nodes far apart: no cluster placement group",
        "NVLS off inside the node (fabric manager)",
    ),
    "alltoall": ("fewer interfaces than the type has", "nodes far apart: no cluster placement group"),
    "gemm": ("clocks held down by power or heat", "a sick accelerator: compare the ranks", "an old cuBLAS or driver"),
    "memory": ("ECC errors or remapped rows", "clocks held down by power or heat"),
    "storage": (
        "the file system's throughput tier or capacity is smaller than stated",
        "clients reach it over TCP: LNet has no EFA interface (`lnetctl net show` on a node, cloud-init's log)",
        "few object servers are used (striping)",
    ),
}
"""By what is measured, most likely first."""


@dataclass(frozen=True)
class Volume:
    """The file system as a benchmark meets it."""

    storage_gib: int
    mb_s_per_tib: int
    efa: bool

    @property
    def gb_per_s(self) -> float:
        """Throughput that was provisioned."""
        return self.storage_gib / 1024 * self.mb_s_per_tib / 1000


def thresholds(placement: Placement, ranks: int, volume: Volume | None = None) -> dict[str, Any]:
    """The thresholds of one benchmark, as the job reads them. `ranks` are its pods."""
    pods_per_node = placement.pods_per_node(ranks)
    nodes = -(-ranks // pods_per_node)
    accelerator = placement.instance.accelerator
    devices = ranks * (accelerator.count // pods_per_node) if accelerator else ranks
    checks = [
        *(_accelerators(placement, devices) if accelerator else ()),
        *_fabric(placement, pods_per_node, nodes),
        *(_collectives(placement, devices, nodes) if accelerator else ()),
        *(_compute(placement) if accelerator else ()),
        # It is bought for the accelerators: a few clients on CPU nodes cannot fill it.
        *(_file_system(placement, nodes, volume) if volume and accelerator else ()),
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "instance_type": placement.instance.name,
        "nodes": nodes,
        "devices": devices,
        "checks": checks,
    }


def largest_message(found: dict[str, Any]) -> int | None:
    """The message size that an all-reduce must reach for its threshold to apply; None without one."""
    sizes = [one["at_least_bytes"] for one in found["checks"] if one["of"] == "allreduce" and one["expected"]]
    return max(sizes, default=None)


def _accelerators(placement: Placement, devices: int) -> Iterator[dict[str, Any]]:
    name = placement.instance.accelerator.name if placement.instance.accelerator else ""
    basis = f"{placement.instance.name} has them by the catalog"
    yield _check(f"accelerators ({name})", "devices", devices, "", basis)


def _fabric(placement: Placement, pods_per_node: int, nodes: int) -> Iterator[dict[str, Any]]:
    machine = placement.instance
    if isinstance(machine, GcpMachine):
        if nodes > 1 and machine.network and machine.network.fabric != "none":
            yield _check("transport between nodes", "transport", machine.network.fabric, "", f"{machine.name} has it")
        return
    interfaces = acceptance.fabric_interfaces(machine)
    if interfaces is None or placement.vendor is None:
        return
    basis = f"{placement.instance.name} has {interfaces} by the catalog"
    yield _check("EFA interfaces of a rank", "interfaces", interfaces // pods_per_node, "", basis)
    if nodes > 1:
        yield _check("transport between nodes", "transport", "efa", "", f"{placement.instance.name} has EFA")


def _collectives(placement: Placement, devices: int, nodes: int) -> Iterator[dict[str, Any]]:
    instance = placement.instance
    accelerator = instance.accelerator
    assert accelerator is not None
    if devices > 1:
        listed = getattr(instance, "network_gbps", None)  # of Google's machines the catalog knows none
        gbps = instance.efa.total_gbps if instance.efa and instance.efa.total_gbps else listed
        nic = gbps / GBIT_PER_GB if gbps else None
        cap = acceptance.all_reduce_cap(accelerator.name, devices, nodes, nic)
        yield _against(
            "all-reduce bus bandwidth",
            "allreduce",
            cap.gb_per_s if cap else None,
            "GB/s",
            acceptance.floors["all-reduce"],
            basis=_cap_basis(cap, devices, nodes)
            if cap
            else f"no limit inside a node is published for {accelerator.name}",
            at_least_bytes=cap.saturated_bytes if cap else 0,
        )
    for row in acceptance.all_to_all(instance.name, nodes):
        yield _against(
            f"all-to-all bus bandwidth, {row.message_bytes} bytes",
            "alltoall",
            row.bus_gb_s,
            "GB/s",
            acceptance.floors["all-to-all"],
            basis=row.source,
            at_least_bytes=row.message_bytes,
        )


def _cap_basis(cap: Cap, devices: int, nodes: int) -> str:
    return f"cap of {devices} accelerators on {nodes} nodes, limited by {cap.limited_by}; {cap.source}"


def _compute(placement: Placement) -> Iterator[dict[str, Any]]:
    accelerator = placement.instance.accelerator
    assert accelerator is not None
    best = acceptance.matrix_product(accelerator.name, "bf16")
    name = "matrix product bfloat16"
    if best and accelerator.share == 1:
        floor = acceptance.floors["matrix-product"]
        yield _against(name, "gemm", best.high, "TFLOP/s", floor, basis=best.source, dtype="bfloat16")
    else:
        floor = acceptance.floors["matrix-product-unpublished"]
        basis = f"not published for {accelerator.name}: its peak, or unknown"
        yield _against(name, "gemm", accelerator.bf16_tflops, "TFLOP/s", floor, basis=basis, dtype="bfloat16")
    peak = accelerator.memory_tb_s
    yield _against(
        "memory copy",
        "memory",
        peak * 1000 if peak else None,
        "GB/s",
        acceptance.floors["memory-copy"],
        basis=f"peak of {accelerator.name}" if peak else f"the catalog has no memory bandwidth of {accelerator.name}",
    )


def _file_system(placement: Placement, nodes: int, volume: Volume) -> Iterator[dict[str, Any]]:
    """Aggregate over all clients: what was provisioned, at most what the clients may take."""
    over_efa = volume.efa and placement.file_system_over_efa
    most = limits[f"fsx-lustre-client-throughput-{'efa' if over_efa else 'tcp'}"].maximum or 0
    client = min(most, getattr(placement.instance, "network_gbps", None) or most) / GBIT_PER_GB
    expected = round(min(volume.gb_per_s, nodes * client), 3)
    basis = (
        f"{volume.storage_gib} GiB at {volume.mb_s_per_tib} MB/s per TiB is {volume.gb_per_s:.3g} GB/s; "
        f"{nodes} clients take {nodes * client:.3g} GB/s at most over {'EFA' if over_efa else 'TCP'}"
    )
    for operation in ("write", "read"):
        floor = acceptance.floors[f"file-system-{operation}"]
        yield _against(f"file system {operation}", f"storage-{operation}", expected, "GB/s", floor, basis=basis)


def _against(
    name: str, of: str, expected: float | None, unit: str, floor: Floor, *, basis: str, **more: Any
) -> dict[str, Any]:
    return _check(name, of, expected, unit, basis, fail_below=floor.fail_below, warn_below=floor.warn_below, **more)


def _check(name: str, of: str, expected: float | str | None, unit: str, basis: str, **more: Any) -> dict[str, Any]:
    """One threshold; without `fail_below` the whole is expected."""
    limits_of = {"fail_below": 1.0, "warn_below": 1.0}
    likely = list(LIKELY[of.partition("-")[0]])
    return {"name": name, "of": of, "expected": expected, "unit": unit, "basis": basis, "likely": likely} | (
        limits_of | more
    )
