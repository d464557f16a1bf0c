"""Google Compute Engine: instances, groups, disks, snapshots, addresses, NAT, forwarding rules, tunnels, TPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from cost.model import HOURS, Amount
from cost.rates.gcp_machines import GoogleMachine, accelerators, disk, machines, tpu_chips
from cost.rates.machines import Size, sized
from cost.registry import rate
from cost.subject import Fleet, Found, Gap, Subject, number
from plan import Resource

INSTANCE = "gcp:compute/instance:Instance"
TEMPLATES = (
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
)
NAMED = (
    "gcp:compute/perInstanceConfig:PerInstanceConfig",
    "gcp:compute/regionPerInstanceConfig:RegionPerInstanceConfig",
)
"""Each is one machine of a group, made if the group has it not."""
DISK_TYPES = ("gcp:compute/disk:Disk", "gcp:compute/regionDisk:RegionDisk")
SOURCES = (*DISK_TYPES, "gcp:compute/image:Image", "gcp:compute/snapshot:Snapshot")
"""What a disk or an image may be made from."""
BOOT_GB, DISK_GB = Decimal(10), Decimal(500)
"""GB of a boot disk and of a disk whose size is not given."""
DEFAULT_GB = {**dict.fromkeys(("pd-balanced", "pd-ssd"), Decimal(100)),
              **dict.fromkeys(("pd-extreme", "hyperdisk-extreme"), Decimal(1000))}  # fmt: skip
"""The same for faster types (gcloud compute disks create --size)."""
EXTREME_IOPS = Decimal(100_000)
"""IOPS of a pd-extreme disk that does not say (Compute Engine documentation, extreme persistent disks)."""
NAT_VMS = 32
"""Above so many machines a NAT gateway costs a flat rate."""


def _spot(it: Subject, path: str = "scheduling") -> bool:
    return it.flag(f"{path}.preemptible") or it.text(f"{path}.provisioningModel").upper() == "SPOT"


@rate(INSTANCE)
def instance(it: Subject) -> Iterator[Found]:
    boot = it.value("bootDisk.initializeParams", {})
    disks = []
    if it.has("bootDisk") and not it.has("bootDisk.source"):
        disks = [(str(boot.get("type") or "pd-standard"), number(boot.get("size") or BOOT_GB, "bootDisk size"))]
    machine = GoogleMachine(
        machine_type=it.text("machineType"),
        spot=_spot(it),
        disks=disks,
        local_ssds=Decimal(len(it.entries("scratchDisks"))),
        accelerators=accelerators(it.entries("guestAccelerators")),
    )
    yield from machines(it, machine)


@rate(
    "gcp:compute/instanceGroupManager:InstanceGroupManager",
    "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
)
def instance_group(it: Subject) -> Iterator[Found]:
    """Target size, else the minimum of the autoscaler that points here; at least the machines configured by name."""
    target = it.value("targetSize")
    named = sum(1 for _ in it.referrers(*NAMED))
    if target is not None and named > number(target, "targetSize"):
        target = named
    kinds = ("gcp:compute/autoscaler:Autoscaler", "gcp:compute/regionAutoscaler:RegionAutoscaler")
    least = None
    for scaler in it.referrers(*kinds):
        least = it.other(scaler).value("autoscalingPolicy.minReplicas")
    size = sized(it, target, least, target)
    template = it.referred("versions", *TEMPLATES)
    if template is None:
        yield Gap("Instance usage", "its instance template is not in the plan", "input")
        return
    at = it.other(template)
    disks = [
        (str(entry.get("diskType") or "pd-standard"), number(entry.get("diskSizeGb") or BOOT_GB, "diskSizeGb"))
        for entry in at.entries("disks")
        if entry.get("type") != "SCRATCH"
    ]
    scratch = sum(entry.get("type") == "SCRATCH" for entry in at.entries("disks"))
    machine = GoogleMachine(
        at.text("machineType"), _spot(at), disks, Decimal(scratch), accelerators(at.entries("guestAccelerators"))
    )
    yield from machines(it, machine, size)


@rate("gcp:compute/reservation:Reservation")
def reservation(it: Subject) -> Iterator[Found]:
    """Reserved machines cost as running ones, used or not; what runs in them is not charged again."""
    path = "specificReservation.instanceProperties"
    count = it.amount("specificReservation.count", 1)
    properties = it.value(path) or {}
    machine = GoogleMachine(
        str(properties.get("machineType") or ""),
        local_ssds=Decimal(len(properties.get("localSsds") or [])),
        accelerators=accelerators(properties.get("guestAccelerators") or []),
    )
    yield from machines(it, machine, Size(count, count, count))


@rate(*DISK_TYPES)
def persistent_disk(it: Subject) -> Iterator[Found]:
    kind = _disk_type(it)
    size = _made_size(it) or DEFAULT_GB.get(kind, DISK_GB)
    if "regionDisk" in it.resource.type:
        yield (
            it.gap(f"Replicated provisioned storage ({kind})")
            if not _replicated(kind)
            else it.fixed(
                f"Replicated provisioned storage ({kind})", size, it.gcp("compute-disk", _replicated(kind)), unit="GB"
            )
        )
    else:
        yield disk(it, kind, size)
    if kind == "pd-extreme" or (kind == "hyperdisk-extreme" and it.has("provisionedIops")):
        price = it.gcp("google_compute_disk", "Provisioned IOPS", type=kind)
        yield it.fixed("Provisioned IOPS", it.amount("provisionedIops", EXTREME_IOPS), price, unit="IOPS")
    elif kind == "hyperdisk-extreme":
        yield it.gap("Provisioned IOPS", "provisionedIops is not given, and its default is not known here", "input")


def _disk_type(it: Subject) -> str:
    return it.text("type", "pd-standard").rsplit("/", 1)[-1]


def _replicated(kind: str) -> str:
    return {"pd-standard": "hdd-replicated", "pd-balanced": "balanced-replicated", "pd-ssd": "ssd-replicated"}.get(
        kind, ""
    )


@rate("gcp:compute/snapshot:Snapshot")
def snapshot(it: Subject) -> Iterator[Found]:
    """Storage by usage, else as large as the disk it is of."""
    price = it.gcp("google_compute_snapshot", "Storage") or it.gcp("compute-disk", "snapshot")
    source = it.referred("sourceDisk", *DISK_TYPES)
    if it.usage.given("storage_gb") is None and source and source.inputs.get("size") is not None:
        yield it.fixed("Storage", number(source.inputs["size"], "size"), price, unit="GB")
        return
    yield from it.used("Storage", "storage_gb", price, unit="GB")


@rate("gcp:compute/image:Image", "gcp:compute/machineImage:MachineImage")
def image(it: Subject) -> Iterator[Found]:
    """Storage by usage, else the size that is given, else that of the disk, image or snapshot it is made from."""
    kind = "google_compute_machine_image" if "machineImage" in it.resource.type else "google_compute_image"
    price = it.gcp(kind, "Storage", "us-central1")
    size = _made_size(it) if it.usage.given("storage_gb") is None else None
    if size is not None:
        yield it.fixed("Storage", size, price, unit="GB")
    else:
        yield from it.used("Storage", "storage_gb", price, unit="GB")


def _made_size(it: Subject) -> Decimal | None:
    """GB of a disk or image: as given, else those of what it is made from."""
    source: Resource | None = it.resource
    for _ in range(5):
        if source is None:
            return None
        for key in ("diskSizeGb", "size"):
            if source.inputs.get(key) is not None:
                return number(source.inputs[key], key)
        at = it.other(source)
        paths = ("sourceDisk", "sourceImage", "sourceSnapshot", "image", "snapshot")
        origin = next((found for path in paths if (found := at.referred(path, *SOURCES))), None)
        if origin is None and source.type in DISK_TYPES and source is not it.resource:
            return DEFAULT_GB.get(_disk_type(at), DISK_GB)
        source = origin
    return None


@rate("gcp:compute/address:Address", "gcp:compute/globalAddress:GlobalAddress")
def address(it: Subject) -> Iterator[Found]:
    """An external address by what uses it: a machine, a spot machine, nothing. Internal ones are free."""
    purpose = it.text("purpose").upper()
    if it.text("addressType", "EXTERNAL").upper() == "INTERNAL" or purpose not in ("", "GCE_ENDPOINT"):
        return
    user = next(it.referrers(INSTANCE), None)
    if user is None:
        price = it.gcp("external-ip", "unused")
        yield it.hours("IP address (unused)", price, what="address")
        return
    item = "IP address (preemptible VM)" if _spot(it.other(user)) else "IP address (standard VM)"
    price = it.gcp("google_compute_address", item)
    if price is None and "standard" in item:
        price = it.gcp("external-ip", "vm")
    yield it.hours(item, price, what="address")


@rate("gcp:compute/routerNat:RouterNat")
def nat(it: Subject) -> Iterator[Found]:
    given, assumed = it.usage.get("assigned_vms")
    item = "Assigned VMs (first 32)"
    if given is None:
        yield it.depends("Assigned VMs", "assigned_vms")
    else:
        hours = Amount(*(min(value, Decimal(NAT_VMS)) * HOURS for value in given))
        price = it.gcp("google_compute_router_nat", item, "us-central1")
        yield from it.metered(item, hours, price, "assigned_vms", assumed=assumed, unit="VM-hours")
    price = it.gcp("google_compute_router_nat", "Data processed") or it.gcp("cloud-nat", "data processed")
    yield from it.used("Data processed", "monthly_data_processed_gb", price, unit="GB")


@rate(
    "gcp:compute/forwardingRule:ForwardingRule",
    "gcp:compute/globalForwardingRule:GlobalForwardingRule",
)
def forwarding_rule(it: Subject) -> Iterator[Found]:
    service = "google_compute_forwarding_rule"
    yield it.hours("Forwarding rules", it.gcp(service, "Forwarding rules"), what="rule")
    yield from it.used("Ingress data", "monthly_ingress_data_gb", it.gcp(service, "Ingress data"), unit="GB")


@rate("gcp:tpu/node:Node", "gcp:tpu/v2Vm:V2Vm")
def tpu(it: Subject) -> Iterator[Found]:
    """A slice by its accelerator type. Up to v4 and for v5p the number counts TensorCores, two to a chip."""
    kind = it.text("acceleratorType", "v2-8")
    found = re.fullmatch(r"(v\d+[a-z]*)-(\d+)", kind)
    if found is None:
        yield it.gap(f"TPU {kind}", f"{kind} is not an accelerator type such as v5p-8")
        return
    generation = {"v5litepod": "v5e"}.get(found[1], found[1])
    chips = Decimal(found[2]) / (2 if generation in ("v2", "v3", "v4", "v5p") else 1)
    spot = it.flag("schedulingConfig.preemptible") or it.flag("schedulingConfig.spot")
    one = Size(Decimal(1), Decimal(1), Decimal(1))
    yield Fleet("gcp", kind, one.count, one.minimum, one.maximum, "spot" if spot else "on-demand")
    yield tpu_chips(it, f"TPU {generation} chips ({kind})", generation, chips, HOURS, spot=spot)
