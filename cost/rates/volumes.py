"""EBS volumes, wherever they appear: on their own, as disks of machines and of groups of machines.

gp3 includes 3,000 IOPS and 125 MB/s; only what exceeds them is charged (aws.amazon.com/ebs/pricing). Prices are per
GB-month of provisioned size, and AWS bills a GiB as a GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from cost.subject import Found, Gap, Subject, known, number

SERVICE = "aws_ebs_volume"
NAMES = {
    "gp2": "general purpose SSD, gp2",
    "gp3": "general purpose SSD, gp3",
    "io1": "provisioned IOPS SSD, io1",
    "io2": "provisioned IOPS SSD, io2",
    "st1": "throughput optimized HDD, st1",
    "sc1": "cold HDD, sc1",
    "standard": "magnetic",
}
SIZES = {"gp2": 8, "gp3": 8, "io1": 8, "io2": 8, "standard": 8, "st1": 500, "sc1": 500}
"""GB of a volume whose size is not given: 8 as Linux images have, the smallest allowed for HDD."""
FREE_IOPS, FREE_MBPS = 3000, 125
IO2_FIRST_TIER = 32000


def volume(
    it: Subject,
    settings: Mapping[str, Any],
    *,
    times: Decimal | int = 1,
    prefix: str = "",
    size_key: str = "volumeSize",
    type_key: str = "volumeType",
    default_size: int | None = None,
) -> Iterator[Found]:
    """Storage, IOPS and throughput of one volume, `times` over."""
    label, settings = f"{prefix} > " if prefix else "", known(dict(settings))
    kind = settings.get(type_key) or ("io1" if settings.get("iops") and type_key == "none" else "gp2")
    name = NAMES.get(str(kind))
    if name is None:
        yield Gap(f"{label}Storage ({kind})", f"{kind} is not a known volume type")
        return
    size = settings.get(size_key)
    if size is None:
        size = default_size or SIZES[str(kind)]
    gigabytes = number(size, f"{label}{size_key}") * Decimal(times)
    steps = (f"{size} GB x {times}",) if times != 1 else (f"{size} GB",)
    storage = f"Storage ({name})"
    yield it.fixed(f"{label}{storage}", gigabytes, it.aws(SERVICE, storage), unit="GB", steps=steps)
    yield from _performance(it, settings, str(kind), label, Decimal(times))
    if kind == "standard":
        price = it.aws(SERVICE, "I/O requests")
        yield from it.used(
            f"{label}I/O requests",
            "monthly_standard_io_requests",
            price,
            per=1_000_000,
            times=times,
            quiet=bool(prefix),
        )


def _performance(it: Subject, settings: Mapping[str, Any], kind: str, label: str, times: Decimal) -> Iterator[Found]:
    iops = number(settings.get("iops") or 0, f"{label}iops")
    if kind in ("io1", "io2"):
        first = min(iops, Decimal(IO2_FIRST_TIER)) if kind == "io2" else iops
        if first:
            price = it.aws(SERVICE, "Provisioned IOPS", type="io1")
            yield it.fixed(f"{label}Provisioned IOPS", first * times, price, unit="IOPS")
        if iops > first:
            yield it.gap(f"{label}Provisioned IOPS over {IO2_FIRST_TIER}")
    if kind == "gp3":
        extra = max(iops - FREE_IOPS, Decimal(0))
        if extra:
            price = it.aws(SERVICE, "Provisioned IOPS", type="gp3")
            steps = (f"{iops} IOPS less the {FREE_IOPS} that are included, x {times}",)
            yield it.fixed(f"{label}Provisioned IOPS", extra * times, price, unit="IOPS", steps=steps)
        throughput = number(settings.get("throughput") or 0, f"{label}throughput")
        extra = max(throughput - FREE_MBPS, Decimal(0))
        if extra:
            price = it.aws(SERVICE, "Provisioned throughput")
            steps = (f"{throughput} MB/s less the {FREE_MBPS} that are included, x {times}",)
            yield it.fixed(f"{label}Provisioned throughput", extra * times, price, unit="MB/s", steps=steps)
