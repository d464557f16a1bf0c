"""Storage: EBS, FSx, S3, EFS, ECR, backups."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.rates.volumes import volume
from cost.registry import free, rate
from cost.subject import CannotTell, Found, Gap, Subject

free(
    "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
)


@rate("aws:ebs/volume:Volume")
def ebs_volume(it: Subject) -> Iterator[Found]:
    settings = {
        key: value for key, value in it.resource.inputs.items() if key in ("iops", "throughput", "size", "type")
    }
    yield from volume(it, settings, size_key="size", type_key="type")


@rate("aws:fsx/lustreFileSystem:LustreFileSystem")
def lustre(it: Subject) -> Iterator[Found]:
    """Storage by the GB-month at the rate of the tier. AWS bills a GiB of capacity as a GB."""
    deployment = it.text("deploymentType", "SCRATCH_1")
    storage = it.text("storageType", "SSD")
    throughput = it.value("perUnitStorageThroughput")
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


@rate("aws:s3/bucket:Bucket")
def bucket(it: Subject) -> Iterator[Found]:
    service = "aws_s3_bucket"
    yield from it.used("Standard > Storage", "standard.storage_gb", it.aws(service, "Standard > Storage"), unit="GB")


@rate("aws:ecr/repository:Repository")
def repository(it: Subject) -> Iterator[Found]:
    yield from it.used("Storage", "storage_gb", it.aws("aws_ecr_repository", "Storage"), unit="GB")
