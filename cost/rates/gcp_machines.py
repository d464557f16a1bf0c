"""Google Compute machines, wherever they appear: single, in instance groups, in GKE node pools.

On-demand machines of some families cost less the longer they run in a month (sustained-use discount, applied by Google
without a contract): 30 % for a full month of N1, 20 % of N2, N2D and C2
(cloud.google.com/compute/docs/sustained-use-discounts). It is taken off here, and the basis of the line says so.
Accelerator-optimised types (a2, a3, a4, g2) have their GPUs in the price of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from catalog import gcp_machines, prices, tpus
from catalog.price import Price
from cost.model import HOURS
from cost.rates.machines import ONE, Size
from cost.subject import Fleet, Found, Gap, Subject, number

QUARTER = Decimal("0.25")
SUSTAINED = {
    **dict.fromkeys(("n1", "custom", "f1", "g1", "m1"), (Decimal(1), Decimal("0.8"), Decimal("0.6"), Decimal("0.4"))),
    **dict.fromkeys(("n2", "n2d", "c2"), (Decimal(1), Decimal("0.8678"), Decimal("0.733"), Decimal("0.6"))),
}
"""Share of the list price in each quarter of the month, by family."""
ALL_IN = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")
DISKS = {
    "pd-standard": ("Standard provisioned storage", "hdd"),
    "pd-balanced": ("Balanced provisioned storage", "balanced"),
    "pd-ssd": ("SSD provisioned storage", "ssd"),
    "pd-extreme": ("Extreme provisioned storage", "extreme"),
    "hyperdisk-extreme": ("Hyperdisk provisioned storage", "hyperdisk-extreme"),
}
"""Name, and dimension in the price table of all regions."""
WITHOUT_SSD = "no local SSD"
"""What the table says of a price that was put together from host and accelerators alone."""
GB_PER_CPU = {"N1": Decimal("6.5"), "N2": Decimal(8), "N2D": Decimal(8)}
"""Memory of a vCPU of a custom type; what goes beyond it is extended memory, at a price of its own."""
SSD_GB = 375
"""A local SSD (Compute Engine documentation)."""
GPU_NAMES = {
    "nvidia-tesla-k80": ("NVIDIA Tesla K80", "K80"),
    "nvidia-tesla-p4": ("NVIDIA Tesla P4", "P4"),
    "nvidia-tesla-p100": ("NVIDIA Tesla P100", "P100"),
    "nvidia-tesla-t4": ("NVIDIA Tesla T4", "T4"),
    "nvidia-tesla-v100": ("NVIDIA Tesla V100", "V100"),
    "nvidia-tesla-a100": ("NVIDIA Tesla A100", "A100-40GB"),
    "nvidia-a100-80gb": ("NVIDIA A100 80GB", "A100-80GB"),
    "nvidia-l4": ("NVIDIA L4", "L4"),
}
GPU_SUSTAINED = Decimal("0.7")
"""GPUs attached to N1 machines take part in the discount: 30 % for a full month."""


@dataclass(frozen=True, slots=True)
class GoogleMachine:
    """What decides the price of one machine."""

    machine_type: str
    spot: bool = False
    disks: Sequence[tuple[str, Decimal]] = ()
    """Type and GB of persistent disks."""
    local_ssds: Decimal = Decimal(0)
    accelerators: Sequence[tuple[str, Decimal]] = ()
    """Type and count of attached GPUs."""
    sold: str = ""
    """flex-start, reservation, or empty: on demand or spot."""

    @property
    def purchase(self) -> str:
        """The model that the lines name. A reservation is billed as running machines are."""
        return "spot" if self.spot else self.sold or "on-demand"


def machines(it: Subject, machine: GoogleMachine, size: Size = ONE, *, prefix: str = "") -> Iterator[Found]:
    """Everything equal machines cost."""
    label = f"{prefix} > " if prefix else ""
    given = it.usage.given("monthly_hrs")
    hours = given.base if given else HOURS
    if not size.count:
        if size.maximum:
            most = size.maximum.normalize()
            yield it.depends(f"{label}Machines (none now, up to {most:f} x {machine.machine_type})", "nodes")
        return
    yield Fleet("gcp", machine.machine_type, size.count, size.minimum, size.maximum, machine.purchase, hours)
    yield from _compute(it, machine, size.count, hours, label)
    for kind, gigabytes in machine.disks:
        yield disk(it, kind, gigabytes * size.count, label)
    all_in = machine.machine_type.startswith(ALL_IN)
    if machine.local_ssds and not all_in:
        quantity = machine.local_ssds * SSD_GB * size.count
        steps = (f"{machine.local_ssds} x {SSD_GB} GB x {size.count}",)
        yield it.fixed(
            f"{label}Local SSD provisioned storage", quantity, _ssd(it, machine.spot), unit="GB", steps=steps
        )
    if not all_in:
        for kind, count in machine.accelerators:
            yield _gpu(it, kind, count * size.count, hours, label, spot=machine.spot)


def _compute(it: Subject, machine: GoogleMachine, count: Decimal, hours: Decimal, label: str) -> Iterator[Found]:
    kind, word = machine.machine_type, "preemptible" if machine.spot else "on-demand"
    if machine.sold == "flex-start":
        reason = "no price of machines that start when there is room (flex-start) in the catalog"
        yield it.gap(f"{label}Instance usage (flex-start, {kind})", reason)
        return
    if kind in tpus:
        yield _tpu(it, machine, count, hours, label)
        return
    if "custom" in kind:
        yield from _custom(it, kind, word, count, hours, label)
        return
    item = f"{label}Instance usage (Linux/UNIX, {word}, {kind})"
    price = prices.gcp_instance(kind, it.region, "spot" if machine.spot else "on-demand") if it.region else None
    if price is not None and not machine.spot:
        price = sustained(price, kind, hours)
    elif price is None:
        price = _quoted(it, f"Instance usage (Linux/UNIX, {word}, {kind})", spot=machine.spot)
    if price is None:
        yield it.gap(item, f"no {word} price of {kind} in {it.region}" if it.region else None)
        return
    yield it.hours(item, price, count, hours=hours, purchase=machine.purchase, what=kind)
    known = gcp_machines.get(kind)
    if WITHOUT_SSD in price.basis and known and known.local_ssd_count:
        disks = f"{known.local_ssd_count} x {SSD_GB} GB on each of {count.normalize():f}"
        yield Gap(f"{label}Local SSDs ({disks})", f"the price of {kind} in {it.region} leaves them out")


def _quoted(it: Subject, dimension: str, *, spot: bool) -> Price | None:
    """A price that its source quotes for a full month, the sustained-use discount taken off."""
    price = it.gcp("google_compute_instance", dimension)
    if price is None or spot:
        return price
    return replace(price, basis=f"{price.basis}; sustained-use discount of a full month included")


def sustained(price: Price, machine_type: str, hours: Decimal) -> Price:
    """The list price less the sustained-use discount of so many hours a month."""
    shares = SUSTAINED.get(machine_type.partition("-")[0])
    if shares is None or not hours:
        return price
    used, paid = min(hours / HOURS, Decimal(1)), Decimal(0)
    for quarter, share in enumerate(shares):
        paid += max(min(used - quarter * QUARTER, QUARTER), Decimal(0)) * share
    off = round(1 - paid / used, 2)
    if not off:
        return price
    basis = f"{price.basis}; list price {price.usd} less {off * 100:.0f} % sustained-use discount"
    return replace(price, usd=price.usd * (1 - off), basis=basis)


def _custom(it: Subject, kind: str, word: str, count: Decimal, hours: Decimal, label: str) -> Iterator[Found]:
    """vCPUs and memory apart. The catalog has a few sizes; the price of one vCPU or GB follows from them."""
    parts = re.fullmatch(r"(?:(\w+)-)?custom-(\d+)-(\d+)(-ext)?", kind)
    if parts is None:
        yield it.gap(f"{label}Custom instance ({kind})", f"{kind} is not the name of a custom machine type")
        return
    family, cpus, memory = (parts[1] or "n1").upper(), Decimal(parts[2]), Decimal(parts[3]) / 1024
    usual = min(memory, cpus * GB_PER_CPU.get(family, GB_PER_CPU["N2"])) if parts[4] else memory
    for item, amount, unit, sizes in (
        (f"Custom instance CPU (Linux/UNIX, {word}, {family} {{}} vCPUs)", cpus, "vCPU-hours", (6, 4, 2)),
        (f"Custom Instance RAM (Linux/UNIX, {word}, {family} {{}} GB)", usual, "GB-hours", (20, 13)),
        (f"Custom Instance Extended RAM (Linux/UNIX, {word}, {family} {{}} GB)", memory - usual, "GB-hours", (2,)),
    ):
        if not amount:
            continue
        name = item.format(amount.normalize())
        each = _share(it, item, sizes)
        if each is None:
            yield it.gap(f"{label}{name}")
        else:
            yield it.fixed(f"{label}{name}", amount * count * hours, each, unit=unit)


def _share(it: Subject, item: str, sizes: Sequence[int]) -> Price | None:
    for size in sizes:
        for service in ("google_container_node_pool", "google_compute_instance"):
            price = it.gcp(service, item.format(size))
            if price is not None:
                basis = (
                    f"derived: 1/{size} of a custom machine of that size; sustained-use discount of a month included"
                )
                return replace(price, usd=price.usd / size, basis=basis)
    return None


def _tpu(it: Subject, machine: GoogleMachine, count: Decimal, hours: Decimal, label: str) -> Found:
    known = tpus[machine.machine_type]
    chips = count * known.chips
    item = f"{label}TPU {known.generation} chips ({machine.machine_type})"
    return tpu_chips(it, item, known.generation, chips, hours, spot=machine.spot)


def tpu_chips(it: Subject, item: str, generation: str, chips: Decimal, hours: Decimal, *, spot: bool) -> Found:
    """Chips of a TPU by the hour. The price of a chip includes its host."""
    variant = "pod-slice" if generation in ("v2", "v3") and chips > 4 else "single-host"
    term = "spot" if spot else "on-demand"
    price = prices.tpu(generation, it.region, variant=variant, term=term) if it.region else None
    if price is None:
        return it.gap(item, f"no {term} price of TPU {generation} in {it.region}")
    steps = (f"{chips} chips x {hours} hours a month",)
    return it.fixed(item, chips * hours, price, unit="chip-hours", purchase=term, steps=steps)


def disk(it: Subject, kind: str, gigabytes: Decimal, label: str = "") -> Found:
    """A persistent disk by its type."""
    known = DISKS.get(kind)
    if known is None:
        return it.gap(f"{label}Provisioned storage ({kind})")
    name, dimension = known
    item = f"{name} ({kind})"
    price = it.gcp("google_compute_disk", item) or it.gcp("compute-disk", dimension)
    return it.fixed(f"{label}{item}", gigabytes, price, unit="GB")


def _ssd(it: Subject, spot: bool) -> Price | None:
    exact = it.gcp("google_compute_instance", "Local SSD provisioned storage", preemptible=spot)
    return exact or (None if spot else it.gcp("compute-disk", "local"))


def _gpu(it: Subject, kind: str, count: Decimal, hours: Decimal, label: str, *, spot: bool) -> Found:
    name, short = GPU_NAMES.get(kind, (kind, kind))
    word = "preemptible" if spot else "on-demand"
    item = f"{name} ({word})"
    found: Price | None = None
    for service in ("google_container_node_pool", "google_compute_instance", "google_container_cluster"):
        found = found or it.gcp(service, item)
    if found is not None and not spot:
        found = replace(found, basis=f"{found.basis}; sustained-use discount of a full month included")
    elif found is None and it.region:
        listed = prices.gcp_gpu(short, it.region, "spot" if spot else "on-demand")
        found = sustained(listed, "n1", hours) if listed and not spot else listed
    return it.hours(f"{label}{item}", found, count, hours=hours, what=name)


def accelerators(entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, Decimal]]:
    """Attached GPUs of a resource. The type may be a path that ends with the name."""
    return [
        (str(entry.get("type") or "").rsplit("/", 1)[-1], number(entry.get("count") or 0, "guestAccelerators.count"))
        for entry in entries
    ]
