"""Storage: EBS, FSx, EFS, ECR, backup vaults."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any

from cost.rates.volumes import SIZES, volume
from cost.registry import rate
from cost.subject import CannotTell, Found, Gap, Subject, number
from plan import Resource

VOLUME, SNAPSHOT, COPY = "aws:ebs/volume:Volume", "aws:ebs/snapshot:Snapshot", "aws:ebs/snapshotCopy:SnapshotCopy"
BACKUPS = {
    "monthly_efs_warm_backup_gb": "EFS backup (warm)",
    "monthly_efs_cold_backup_gb": "EFS backup (cold)",
    "monthly_efs_warm_restore_gb": "EFS restore (warm)",
    "monthly_efs_cold_restore_gb": "EFS restore (cold)",
    "monthly_efs_item_restore_requests": "EFS restore (item-level)",
    "monthly_ebs_snapshot_gb": "EBS snapshot",
    "monthly_rds_snapshot_gb": "RDS snapshot",
    "monthly_dynamodb_backup_gb": "DynamoDB backup",
    "monthly_dynamodb_restore_gb": "DynamoDB restore",
    "monthly_aurora_snapshot_gb": "Aurora snapshot",
    "monthly_fsx_windows_backup_gb": "FSx for Windows backup",
    "monthly_fsx_lustre_backup_gb": "FSx for Lustre backup",
}
BY_SOURCE = {"EBS": "EBS snapshot", "RDS": "RDS snapshot", "DynamoDB": "DynamoDB backup", "EFS": "EFS backup (warm)"}
"""What the usage key of one total counts, by what is backed up."""
SECOND_GENERATION = (125, 250, 500, 1000)
"""MB/s per TiB that PERSISTENT_2 file systems offer; PERSISTENT_1 has 12, 40, 50, 100 and 200 (FSx User Guide)."""
IOPS_PER_GB = 3
"""IOPS that OpenZFS includes for each GB of SSD."""


@rate(VOLUME)
def ebs_volume(it: Subject) -> Iterator[Found]:
    keys = ("iops", "throughput", "size", "type")
    settings = {key: value for key, value in it.resource.inputs.items() if key in keys}
    yield from volume(it, settings, size_key="size", type_key="type")


@rate(SNAPSHOT, COPY)
def ebs_snapshot(it: Subject) -> Iterator[Found]:
    """Storage at the size of the volume: the first snapshot is a full copy of what is written; later ones add to it."""
    given = it.usage.given("monthly_snapshot_gb")
    size, why = (given.base, "monthly_snapshot_gb from the usage file") if given else _snapshot_size(it)
    price = it.aws("aws_ebs_snapshot", "EBS snapshot storage")
    yield it.fixed("EBS snapshot storage", size, price, unit="GB", steps=(why,))
    for item, key, per in (
        ("Fast snapshot restore", "fast_snapshot_restore_hours", 1),
        ("ListChangedBlocks & ListSnapshotBlocks API requests", "monthly_list_block_requests", 1000),
        ("GetSnapshotBlock API requests", "monthly_get_block_requests", 1000),
        ("PutSnapshotBlock API requests", "monthly_put_block_requests", 1000),
    ):
        yield from it.used(item, key, it.aws("aws_ebs_snapshot", item), per=per, quiet=True)


def _snapshot_size(it: Subject) -> tuple[Decimal, str]:
    source: Resource | None = it.resource
    for _ in range(3):
        at = it.other(source)
        source = at.referred("sourceSnapshotId", SNAPSHOT, COPY) or at.referred("volumeId", VOLUME)
        if source is None:
            break
        if source.type == VOLUME and source.inputs.get("size") is not None:
            return number(source.inputs["size"], "size"), f"as large as volume {source.name}"
    return Decimal(SIZES["gp2"]), "the size of its volume is not in the plan: taken as that of an image"


@rate("aws:fsx/lustreFileSystem:LustreFileSystem")
def lustre(it: Subject) -> Iterator[Found]:
    """Storage by the GB-month at the rate of the tier. AWS bills a GiB of capacity as a GB."""
    it.usage.given("storage_used_gb")  # for a hint: capacity is paid for whether it is full or not
    storage, throughput = it.text("storageType", "SSD"), it.value("perUnitStorageThroughput")
    deployment = it.text("deploymentType") or _deployment(throughput)
    tier = f"{storage} storage, {deployment}" + (f", {throughput} MB/s/TiB" if throughput else "")
    if not it.has("storageCapacity"):
        yield Gap(tier, "its capacity is that of the backup or is billed by what is stored", "input")
    else:
        size = it.amount("storageCapacity")
        yield it.fixed(tier, size, it.aws("aws_fsx_lustre_file_system", tier), unit="GB-month", steps=(f"{size} GiB",))
    if it.text("metadataConfiguration.mode") == "USER_PROVISIONED":
        yield it.gap(f"{it.text('metadataConfiguration.iops')} metadata IOPS")
    if storage == "HDD" and it.text("driveCacheType") == "READ":
        yield it.gap("SSD read cache (20 % of the storage)")
    try:
        kept = it.amount("automaticBackupRetentionDays")
    except CannotTell:
        kept = Decimal(0)
    yield from it.used("Backup storage", "backup_storage_gb", None, quiet=not kept)


def _deployment(throughput: Any) -> str:
    """What is meant where nothing is said: only persistent file systems take a throughput per TiB."""
    return "SCRATCH_1" if throughput is None else "PERSISTENT_2" if throughput in SECOND_GENERATION else "PERSISTENT_1"


@rate("aws:fsx/openZfsFileSystem:OpenZfsFileSystem")
def open_zfs(it: Subject) -> Iterator[Found]:
    """The catalog holds prices of one zone. Compression is counted as less storage needed, half by default."""
    it.usage.given("storage_used_gb")  # for a hint: capacity is paid for whether it is full or not
    service = "aws_fsx_openzfs_file_system"
    single = it.text("deploymentType", "SINGLE_AZ_1").startswith("SINGLE_AZ_1")
    size = it.amount("storageCapacity")
    iops = it.amount("diskIopsConfiguration.iops") if it.text("diskIopsConfiguration.mode") == "USER_PROVISIONED" else 0
    compression, item, stored = it.text("rootVolumeConfiguration.dataCompressionType", "NONE"), "SSD storage", size
    if compression != "NONE":
        given = it.usage.given("compression_savings_percent")
        saved = given.base if given else Decimal(50)
        item = f"SSD storage ({compression} compression, {saved.normalize():f}%)"
        stored = (size * (100 - saved) / 100).to_integral_value(ROUND_CEILING)
    prices = {name: it.aws(service, name) if single else None for name in ("Throughput capacity", "SSD storage")}
    yield it.fixed("Throughput capacity", it.amount("throughputCapacity"), prices["Throughput capacity"], unit="MBps")
    extra = max(Decimal(iops) - IOPS_PER_GB * size, Decimal(0))
    if extra:
        yield it.fixed("Provisioned IOPS", extra, it.aws(service, "Provisioned IOPS") if single else None, unit="IOPS")
    yield it.fixed(item, stored, prices["SSD storage"], unit="GB", steps=(f"{size} GiB provisioned",))
    yield from it.used("Backup storage", "backup_storage_gb", it.aws(service, "Backup storage"), unit="GB")


@rate("aws:fsx/windowsFileSystem:WindowsFileSystem")
def windows_file_system(it: Subject) -> Iterator[Found]:
    """The catalog holds prices of several zones, and that of SSD storage in one."""
    service = "aws_fsx_windows_file_system"
    it.usage.given("storage_used_gb")  # for a hint: capacity is paid for whether it is full or not
    zones = "" if it.text("deploymentType", "SINGLE_AZ_1").startswith("MULTI_AZ") else ", single-AZ"
    for item, path, unit in (
        ("Throughput capacity", "throughputCapacity", "MBps"),
        (f"{it.text('storageType', 'SSD')} storage", "storageCapacity", "GB"),
    ):
        yield it.fixed(item, it.amount(path), it.aws(service, f"{item}{zones}"), unit=unit)
    price = it.aws(service, f"Backup storage{zones}")
    yield from it.used("Backup storage", "backup_storage_gb", price, unit="GB")


@rate("aws:fsx/ontapFileSystem:OntapFileSystem")
def ontap(it: Subject) -> Iterator[Found]:
    it.usage.given("storage_used_gb")  # for a hint: capacity is paid for whether it is full or not
    service = "aws_fsx_ontap_file_system"
    multi = it.text("deploymentType", "MULTI_AZ_1") == "MULTI_AZ_1"
    storage = "SSD storage, multi-AZ" if multi else "SSD storage, single-AZ"
    yield it.fixed(storage, it.amount("storageCapacity"), it.aws(service, storage), unit="GB-month")
    yield it.gap("Throughput capacity")
    if not multi:
        pool = "Capacity pool storage, single-AZ"
        yield from it.used(pool, "capacity_pool_storage_gb", it.aws(service, pool), quiet=True)


@rate("aws:efs/fileSystem:FileSystem")
def efs(it: Subject) -> Iterator[Found]:
    """Provisioned throughput counts beyond what the stored data brings: 50 KiB/s for each GiB."""
    service = "aws_efs_file_system"
    zone = "one zone" if it.has("availabilityZoneName") else "standard"
    storage = f"Storage ({zone})"
    yield from it.used(storage, "storage_gb", it.aws(service, storage), unit="GB")
    stored, _ = it.usage.get("storage_gb")
    if it.has("provisionedThroughputInMibps"):
        included = stored.base / 20 if stored else Decimal(0)
        extra = max(it.amount("provisionedThroughputInMibps") - included, Decimal(0))
        price = it.aws(service, "Provisioned throughput")
        yield it.fixed("Provisioned throughput", extra, price, unit="MBps", steps=(f"{included} MBps are included",))
    if it.has("lifecyclePolicies"):
        rare = f"Storage ({zone}, infrequent access)"
        yield from it.used(rare, "infrequent_access_storage_gb", it.aws(service, rare), unit="GB")
        for way in ("Read", "Write"):
            item, key = f"{way} requests (infrequent access)", f"monthly_infrequent_access_{way.lower()}_gb"
            yield from it.used(item, key, it.aws(service, item), unit="GB")


@rate("aws:ecr/repository:Repository")
def repository(it: Subject) -> Iterator[Found]:
    yield from it.used("Storage", "storage_gb", it.aws("aws_ecr_repository", "Storage"), unit="GB")


@rate("aws:backup/vault:Vault")
def backup_vault(it: Subject) -> Iterator[Found]:
    stored, source = it.usage.given("monthly_backup_storage_gb"), it.usage.text("source_resource_type", "EBS")
    if stored is not None:
        item = BY_SOURCE.get(source, f"{source} backup")
        yield from it.metered(item, stored, it.aws("aws_backup_vault", item), "monthly_backup_storage_gb", unit="GB")
    elif not any(it.usage.given(key) for key in BACKUPS):
        yield it.depends("Backups", next(iter(BACKUPS)))
    for key, item in BACKUPS.items():
        yield from it.used(item, key, it.aws("aws_backup_vault", item), quiet=True)
