"""Cloud SQL: shared-core machines by the hour, others by vCPU and memory; storage, backups, address, replica."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from cost.registry import rate
from cost.subject import Found, Gap, Subject

SERVICE = "google_sql_database_instance"
SHARED = frozenset({"db-f1-micro", "db-g1-small"})
STANDARD_GB, HIGHMEM_GB = Decimal("3.75"), Decimal("6.5")
"""Memory for each vCPU of the predefined types; lightweight ones have that of one (Cloud SQL instance settings)."""
DISK_GB = 10


@rate("gcp:sql/databaseInstance:DatabaseInstance")
def database(it: Subject) -> Iterator[Found]:
    """A replica that the instance itself declares is zonal and has the same machine and disk.

    The address costs while the instance is stopped; it is counted all month, as other tools do.
    """
    if it.text("settings.edition").upper() == "ENTERPRISE_PLUS":
        yield it.gap("SQL instance", "edition ENTERPRISE_PLUS: no price in the catalog")
        return
    regional = it.text("settings.availabilityType", "ZONAL").upper() == "REGIONAL"
    yield from _machine(it, "regional" if regional else "zonal", "")
    item = "Backups"
    yield from it.used(item, "backup_storage_gb", it.gcp(SERVICE, item), unit="GB")
    if str(it.value("settings.ipConfiguration.ipv4Enabled", True)).lower() == "true":
        item = "IP address (if unused)"
        yield it.hours(item, it.gcp(SERVICE, item), what="address")
    if it.has("replicaConfiguration"):
        yield from _machine(it, "zonal", "Replica > ")


def _machine(it: Subject, zone: str, label: str) -> Iterator[Found]:
    tier = it.text("settings.tier").lower()
    if tier in SHARED:
        item = f"SQL instance ({tier}, {zone})"
        yield it.hours(f"{label}{item}", it.gcp(SERVICE, item), what="instance")
    else:
        size = _size(tier)
        if size is None:
            yield it.gap(f"{label}SQL instance ({tier}, {zone})", f"{tier} is not a tier that is priced by vCPU")
        else:
            cpus, memory = size
            steps = (f"{cpus.normalize():f} vCPUs x 730 hours a month",)
            price = it.gcp(SERVICE, f"vCPUs ({zone})")
            yield it.fixed(f"{label}vCPUs ({zone})", cpus * 730, price, unit="vCPU-hours", steps=steps)
            yield it.fixed(f"{label}Memory ({zone})", memory, it.gcp(SERVICE, f"Memory ({zone})"), unit="GB")
    if it.text("databaseVersion").upper().startswith("SQLSERVER"):
        yield Gap(f"{label}SQL Server licence", "the catalog has no price of the licence")
    kind = {"PD_SSD": "SSD", "PD_HDD": "HDD"}.get(it.text("settings.diskType", "PD_SSD").upper(), "other")
    item = f"Storage ({kind}, {zone})"
    yield it.fixed(f"{label}{item}", it.amount("settings.diskSize", DISK_GB), it.gcp(SERVICE, item), unit="GB")


def _size(tier: str) -> tuple[Decimal, Decimal] | None:
    """vCPUs and GB of a tier's name: db-custom-2-7680, db-n1-standard-4, db-standard-4, db-lightweight-2."""
    custom = re.fullmatch(r"db-custom-(\d+)-(\d+)", tier)
    if custom:
        return Decimal(custom[1]), Decimal(custom[2]) / 1024
    named = re.fullmatch(r"db-(?:n1-)?(standard|highmem|lightweight)-(\d+)", tier)
    if named is None:
        return None
    cpus = Decimal(named[2])
    memory = {"standard": cpus * STANDARD_GB, "highmem": cpus * HIGHMEM_GB, "lightweight": STANDARD_GB}
    return cpus, memory[named[1]]
