"""EC2 instance types: what a machine carries.

`instances["p5en.48xlarge"]` merges two tables: the row of an accelerator type (`aws_accelerator_instances`, exact)
over the row that every type has (`aws_instance_specs`). What neither holds is None. Prices are in `prices`, watts of a
node in `power`, the layout of its network interfaces in `efa`, UltraServers in `ultraserver`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from catalog.package import table_info
from catalog.source import cite
from catalog.table import Lookup, Row, UnknownName, rows


class UnknownInstance(UnknownName):
    """An instance type that no table holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """What a node shows of its accelerators. Rates are per accelerator, dense (without sparsity)."""

    name: str
    """Vendor and model: "NVIDIA H200 SXM", "AWS Trainium2"."""
    vendor: str
    """nvidia, aws, amd, habana, qualcomm."""
    count: int
    """Devices that the node shows; a part of a GPU is one device."""
    share: Fraction = Fraction(1)
    """Part of a physical accelerator that one device is: 1, or 1/8 on a g6f.large."""
    memory_gib: float | None
    """Memory of one device."""
    resource_name: str
    """Kubernetes extended resource: "nvidia.com/gpu"."""
    neuron_cores: int | None = None
    """NeuronCores per device (AWS accelerators)."""
    bf16_tflops: float | None = None
    fp16_tflops: float | None = None
    fp8_tflops: float | None = None
    memory_tb_s: float | None = None
    tdp_w: float | None = None
    interconnect: str | None = None
    interconnect_gb_s: float | None = None
    """Bidirectional GB/s per accelerator within the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Efa:
    """Elastic Fabric Adapter of a type."""

    interfaces: int
    """Most EFA interfaces that can be attached, one per capable network card."""
    generation: int | None = None
    total_gbps: float | None = None
    gpudirect_rdma: bool | None = None
    rdma_read: bool | None = None
    rdma_write: bool | None = None
    card0: bool | None = None
    """Whether network card 0 can carry an EFA (false: it is ENA only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One EC2 instance type. None means unknown."""

    name: str
    family: str
    arch: str
    """x86_64 or arm64."""
    vcpus: int
    memory_gib: float
    accelerator: Accelerator | None
    efa: Efa | None
    """None: no EFA, or none that the sources agree on."""
    network_cards: int | None = None
    max_enis_per_card: int | None = None
    network_gbps: float | None
    nitro: int | None = None
    local_nvme_count: int | None = None
    local_nvme_gb: float | None
    """All local NVMe disks together, GB."""
    ebs_baseline_mbps: float | None
    """Megabits per second."""
    capacity_block: bool = False
    """Whether it is sold as an EC2 Capacity Block."""
    spot: bool | None = None
    on_demand: bool | None = None
    min_nvidia_driver: int | None = None
    """Oldest driver branch that knows its GPU, where that is newer than what images usually carry."""
    fsx_lustre_efa_interfaces: int | None = None
    """How many EFA interfaces a client of FSx for Lustre gets; 0: it mounts over TCP."""
    fsx_lustre_gds: bool | None = None
    """Whether it can read FSx for Lustre through GPUDirect Storage."""
    node_max_kw: float | None = None
    """Published maximum of a comparable node; see `node_power_basis` and `catalog.power`."""
    node_power_basis: str | None = None
    in_api: bool = True
    """Whether a capture of the EC2 API holds the type; false: put together from documents."""
    notes: str | None = None
    """Conflicts between sources and what is not verified."""
    sources: tuple[tuple[str, str], ...]
    """(aspect, citation) pairs."""
    date: str


def _version(text: str | None) -> int | None:
    return int(text.removeprefix("v")) if text else None


def _resources() -> dict[str, str]:
    return {row.text("vendor"): row.text("resource_name") for row in rows("accelerator_resources")}


def _accelerator(row: Row, resources: dict[str, str]) -> Accelerator:
    name = row.text("accelerator")
    vendor = name.split(maxsplit=1)[0].lower()
    count = Fraction(row.text("accel_count"))
    return Accelerator(
        name=name,
        vendor=vendor,
        count=max(1, int(count)),
        share=min(Fraction(1), count),
        memory_gib=row.maybe_number("accel_mem_gib"),
        resource_name=resources[vendor],
        neuron_cores=row.maybe_integer("neuron_cores_per_device"),
        bf16_tflops=row.maybe_number("bf16_dense_tflops"),
        fp16_tflops=row.maybe_number("fp16_dense_tflops"),
        fp8_tflops=row.maybe_number("fp8_dense_tflops"),
        memory_tb_s=row.maybe_number("hbm_tb_s"),
        tdp_w=row.maybe_number("tdp_w_per_accel"),
        interconnect=row.maybe_text("interconnect"),
        interconnect_gb_s=row.maybe_number("interconnect_gb_s_per_accel"),
    )


def _efa(row: Row) -> Efa | None:
    interfaces = row.maybe_integer("max_efa_interfaces")
    if not interfaces:
        return None
    return Efa(
        interfaces=interfaces,
        generation=_version(row.maybe_text("efa_generation")),
        total_gbps=row.maybe_number("efa_total_gbps"),
        gpudirect_rdma=row.maybe_flag("gpudirect_rdma"),
        rdma_read=row.maybe_flag("rdma_read"),
        rdma_write=row.maybe_flag("rdma_write"),
        card0=row.maybe_flag("card0_supports_efa"),
    )


def _accelerated(row: Row, resources: dict[str, str], spec: Instance | None, date: str) -> Instance:
    aspects = ("ec2", "network", "gpudirect", "perf", "power")
    ebs = row.maybe_number("ebs_baseline_mbps")
    return Instance(
        name=row.text("instance_type"),
        family=row.text("family"),
        arch=row.text("arch"),
        vcpus=row.integer("vcpu"),
        memory_gib=row.number("memory_gib"),
        accelerator=_accelerator(row, resources),
        efa=_efa(row),
        network_cards=row.maybe_integer("network_cards"),
        max_enis_per_card=row.maybe_integer("max_enis_per_card"),
        network_gbps=row.maybe_number("network_gbps"),
        nitro=_version(row.maybe_text("nitro_version")),
        local_nvme_count=row.maybe_integer("local_nvme_count"),
        local_nvme_gb=row.maybe_number("local_nvme_total_gb"),
        ebs_baseline_mbps=ebs if ebs is not None or spec is None else spec.ebs_baseline_mbps,
        capacity_block=row.flag("capacity_block"),
        spot=row.maybe_flag("spot"),
        on_demand=row.maybe_flag("on_demand"),
        min_nvidia_driver=row.maybe_integer("min_nvidia_driver"),
        fsx_lustre_efa_interfaces=row.maybe_integer("fsx_lustre_efa_interfaces"),
        fsx_lustre_gds=row.maybe_flag("fsx_lustre_gds_client"),
        node_max_kw=row.maybe_number("node_max_kw"),
        node_power_basis=row.maybe_text("node_power_basis"),
        in_api=row.flag("in_ec2_api_capture"),
        notes=row.maybe_text("notes"),
        sources=tuple((aspect, text) for aspect in aspects if (text := row.maybe_text(f"src_{aspect}"))),
        date=date,
    )


def _plain(row: Row, resources: dict[str, str], citation: str, date: str) -> Instance:
    """A type of the general table. Its accelerator, where it has one, is known by name, count and memory only."""
    name, vendor = row.text("instance_type"), row.maybe_text("accelerator_vendor")
    accelerator = None
    if vendor and (count := row.integer("accelerator_count")):
        mib = row.maybe_number("accelerator_mem_mib_each")
        accelerator = Accelerator(
            name=f"{vendor.upper()} {row.text('accelerator')}",
            vendor=vendor,
            count=count,
            memory_gib=None if mib is None else mib / 1024,
            resource_name=resources[vendor],
        )
    interfaces, mbps = row.maybe_integer("efa_interfaces"), row.maybe_number("network_mbps")
    return Instance(
        name=name,
        family=name.split(".")[0],
        arch="arm64" if row.text("arch_manufacturer") == "aws" else "x86_64",
        vcpus=row.integer("vcpus"),
        memory_gib=row.number("mem_gib"),
        accelerator=accelerator,
        efa=Efa(interfaces=interfaces) if interfaces else None,
        network_gbps=None if mbps is None else mbps / 1000,
        local_nvme_gb=row.maybe_number("local_nvme_gb"),
        ebs_baseline_mbps=row.maybe_number("ebs_mbps"),
        sources=(("ec2", citation),),
        date=date,
    )


def _load() -> dict[str, Instance]:
    resources = _resources()
    specs, exact = table_info("aws_instance_specs"), table_info("aws_accelerator_instances")
    citation = "; ".join(cite(source) for source in specs.source_ids)
    found = {row.text("instance_type"): _plain(row, resources, citation, specs.date) for row in rows(specs.name)}
    for row in rows(exact.name):
        name = row.text("instance_type")
        if "." not in name:  # a whole UltraServer that EC2 sells under no instance type: see `ultraserver`
            continue
        found[name] = _accelerated(row, resources, found.get(name), exact.date)
    return found


instances: Lookup[Instance] = Lookup("EC2 instance type", _load, UnknownInstance)
"""Every EC2 instance type by name."""
