"""Google Compute Engine machine types: plain ones, those with GPUs, and TPU hosts, in one shape.

`gcp_machines["a3-ultragpu-8g"]`. Sizes are those of the price tables, which hold the types that Google sells by name;
figures of a GPU are those of the same accelerator in `instances`. What no table holds is None.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.instance import Accelerator, instances
from catalog.package import table_info
from catalog.table import Lookup, Row, UnknownName, rows
from catalog.tpu import TpuMachine, tpus

LISTED = "yes"


class UnknownMachine(UnknownName):
    """A machine type that no table holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuNetwork:
    """How the GPUs of one machine reach those of another."""

    fabric: str
    """rdma (RoCE, NCCL plugin gIB), tcpxo (GPUDirect-TCPXO) or none (the host network)."""
    gpu_networks: int
    """Subnets (rdma) or networks (tcpxo) that serve the GPUs."""
    extra_networks: int
    """Further networks for host interfaces beside the cluster's own."""
    mtu: int | None
    profile: str | None
    """Network profile without its zone: vpc-roce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpMachine:
    """One machine type. None means unknown."""

    name: str
    arch: str
    """x86_64 or arm64."""
    vcpus: float | None
    """A shared-core machine has part of one."""
    memory_gib: float | None
    accelerator: Accelerator | None
    gke_accelerator: str | None = None
    """GKE's name of the GPU: nvidia-h200-141gb."""
    network: GpuNetwork | None = None
    """None: no GPU."""
    local_ssd_count: int = 0
    regions: tuple[str, ...]
    """Where Google lists it; empty: unknown."""
    date: str
    efa: None = None
    """An Elastic Fabric Adapter is Amazon's: no Google machine has one."""

    @property
    def family(self) -> str:
        """Machine series: a3, n2, ct6e."""
        return self.name.split("-", maxsplit=1)[0]


def _arch(machine_type: str) -> str:
    """Axion and Ampere families end in `a`: c4a, n4a, t2a."""
    return "arm64" if machine_type.split("-", maxsplit=1)[0] in ("c4a", "n4a", "t2a") else "x86_64"


def _plain() -> dict[str, GcpMachine]:
    places: dict[str, list[Row]] = {}
    for row in rows("gcp_instance_prices"):
        places.setdefault(row.text("machine_type"), []).append(row)
    return {
        name: GcpMachine(
            name=name,
            arch=_arch(name),
            vcpus=found[0].maybe_number("vcpus"),
            memory_gib=found[0].maybe_number("mem_gib"),
            accelerator=None,
            regions=tuple(sorted(row.text("region") for row in found)),
            date=found[0].text("date"),
        )
        for name, found in places.items()
    }


def _with_gpus() -> dict[str, GcpMachine]:
    known = {item.accelerator.name: item.accelerator for item in instances.values() if item.accelerator}
    sizes: dict[str, list[Row]] = {}
    for row in rows("gcp_gpu_prices"):
        sizes.setdefault(row.values["machine_type"], []).append(row)
    found = {}
    for row in rows("gcp_gpu_machines"):
        name = row.text("machine_type")
        size = sizes.get(name, [])
        found[name] = GcpMachine(
            name=name,
            arch=_arch(name),
            vcpus=size[0].maybe_number("vcpus") if size else None,
            memory_gib=size[0].maybe_number("mem_gib") if size else None,
            accelerator=_gpu(row, known.get(row.text("accelerator"))),
            gke_accelerator=row.text("gke_accelerator"),
            network=GpuNetwork(
                fabric=row.text("fabric"),
                gpu_networks=row.integer("gpu_networks"),
                extra_networks=row.integer("extra_networks"),
                mtu=row.maybe_integer("mtu"),
                profile=row.maybe_text("network_profile"),
            ),
            local_ssd_count=row.integer("local_ssd_count"),
            regions=tuple(sorted(price.text("region") for price in size if price.values["listed_in_region"] == LISTED)),
            date=row.text("date"),
        )
    return found


def _gpu(row: Row, same: Accelerator | None) -> Accelerator:
    return Accelerator(
        name=row.text("accelerator"),
        vendor="nvidia",
        count=row.integer("count"),
        memory_gib=same.memory_gib if same else None,
        resource_name="nvidia.com/gpu",
        bf16_tflops=same.bf16_tflops if same else None,
        fp16_tflops=same.fp16_tflops if same else None,
        fp8_tflops=same.fp8_tflops if same else None,
        memory_tb_s=same.memory_tb_s if same else None,
        tdp_w=same.tdp_w if same else None,
        interconnect=same.interconnect if same else None,
        interconnect_gb_s=same.interconnect_gb_s if same else None,
    )


def of_tpu(machine: TpuMachine) -> GcpMachine:
    """A TPU host as a machine: its chips are its accelerators."""
    return GcpMachine(
        name=machine.name,
        arch="x86_64",
        vcpus=machine.vcpus,
        memory_gib=machine.memory_gib,
        accelerator=Accelerator(
            name=f"Google TPU {machine.generation}",
            vendor="google",
            count=machine.chips,
            memory_gib=machine.memory_gib_per_chip,
            resource_name=machine.resource_name,
            bf16_tflops=machine.bf16_tflops,
            fp8_tflops=machine.fp8_tflops,
            memory_tb_s=machine.memory_gb_s_per_chip / 1000,
            tdp_w=machine.power_w_per_chip,
            interconnect="ICI",
            interconnect_gb_s=machine.ici_gb_s,
        ),
        regions=machine.regions,
        date=table_info("tpu").date,
    )


def _load() -> dict[str, GcpMachine]:
    return {**_plain(), **_with_gpus(), **{name: of_tpu(machine) for name, machine in tpus.items()}}


gcp_machines: Lookup[GcpMachine] = Lookup("Google machine type", _load, UnknownMachine)
"""Machine types by name. Plain ones are those that the price table holds."""
