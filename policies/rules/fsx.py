"""File systems for training data: options that FSx accepts together, and what keeps data safe and close."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import Parameters, Resource, Violation, resource_rule

LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
OTHERS = (
    "aws:fsx/ontapFileSystem:OntapFileSystem",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
    "aws:fsx/windowsFileSystem:WindowsFileSystem",
)
CHECKS: dict[str, str] = dict(
    zip((LUSTRE, *OTHERS), ("CKV_AWS_190", "CKV_AWS_178", "CKV_AWS_203", "CKV_AWS_179"), strict=True)
)
SSD = {"PERSISTENT_1": (50, 100, 200), "PERSISTENT_2": (125, 250, 500, 1000)}
"""MB/s per TiB (AWS FSx for Lustre guide)."""
HDD = (12, 40)
EFA_STEP = {125: 38400, 250: 19200, 500: 9600, 1000: 4800}
"""GiB of capacity for each step of an EFA file system, by MB/s per TiB (AWS FSx for Lustre guide)."""


def _deployment(system: Resource) -> str:
    return str(system.get("deploymentType", "SCRATCH_1"))


@resource_rule(
    id="fsx-encrypted-cmk",
    title="File systems are encrypted with a customer key",
    severity="medium",
    level="advisory",
    types=[LUSTRE, *OTHERS],
    fix="set kmsKeyId to a key of your own.",
    references=["CKV_AWS_190", "CKV_AWS_178", "CKV_AWS_179", "CKV_AWS_203", "NIST 800-53 SC-28"],
)
def encrypted_cmk(system: Resource, _: Parameters) -> Iterator[Violation]:
    """Only a key of one's own can be taken away from somebody. Scratch file systems take none."""
    if not system.has("kmsKeyId") and not (system.type == LUSTRE and _deployment(system).startswith("SCRATCH")):
        yield Violation("kmsKeyId is not set.", check=CHECKS[system.type])


@resource_rule(
    id="fsx-lustre-option-combination",
    title="Lustre options fit together",
    severity="high",
    level="mandatory",
    types=[LUSTRE],
    fix="choose deployment, storage type and throughput from one row of the FSx for Lustre guide.",
    references=["aws-parallelcluster FsxPersistentOptionsValidator", "aws-parallelcluster FsxStorageTypeOptions"],
)
def option_combination(system: Resource, _: Parameters) -> Iterator[Violation]:
    """FSx refuses the file system, after the cluster was built."""
    deployment, storage = _deployment(system), str(system.get("storageType", "SSD"))
    throughput = system.number("perUnitStorageThroughput")
    if storage == "INTELLIGENT_TIERING":
        yield from _tiering(system, deployment)
        return
    if deployment.startswith("SCRATCH"):
        for path in ("perUnitStorageThroughput", "kmsKeyId"):
            if system.has(path):
                yield Violation(f"{deployment} takes no {path}.", check=path)
        if storage == "HDD":
            yield Violation(f"{deployment} has no HDD storage.", check="storageType")
    else:
        allowed = HDD if storage == "HDD" else SSD.get(deployment, ())
        if storage == "HDD" and deployment != "PERSISTENT_1":
            yield Violation("HDD storage needs PERSISTENT_1.", check="storageType")
        if throughput is None:
            yield Violation(f"{deployment} needs perUnitStorageThroughput.", check="perUnitStorageThroughput")
        elif allowed and throughput not in allowed:
            choices = ", ".join(map(str, allowed))
            message = f"{throughput:g} MB/s per TiB is none of {choices}."
            yield Violation(message, check="perUnitStorageThroughput")
    if system.has("driveCacheType") and storage != "HDD":
        yield Violation("driveCacheType needs HDD storage.", check="driveCacheType")


def _tiering(system: Resource, deployment: str) -> Iterator[Violation]:
    capacity = system.number("throughputCapacity")
    if deployment != "PERSISTENT_2":
        yield Violation("INTELLIGENT_TIERING needs PERSISTENT_2.", check="storageType")
    if not capacity or capacity % 4000:
        yield Violation("throughputCapacity is not a multiple of 4000.", check="throughputCapacity")
    if not system.has("dataReadCacheConfiguration"):
        yield Violation("dataReadCacheConfiguration is not set.", check="dataReadCacheConfiguration")
    if system.get("metadataConfiguration.mode") != "USER_PROVISIONED":
        yield Violation("metadataConfiguration.mode is not USER_PROVISIONED.", check="metadataConfiguration")


@resource_rule(
    id="fsx-lustre-capacity-step",
    title="Lustre capacity is one that is sold",
    severity="high",
    level="mandatory",
    types=[LUSTRE],
    fix="round storageCapacity up to the next step.",
    references=["aws-parallelcluster FsxStorageCapacityValidator", "AWS FSx for Lustre guide"],
)
def capacity_step(system: Resource, _: Parameters) -> Iterator[Violation]:
    """FSx sells steps: 1200 GiB and multiples of 2400, others on HDD, on SCRATCH_1 and with EFA."""
    if system.get("storageType") == "INTELLIGENT_TIERING" or system.has("backupId"):
        return  # grows by itself, or is as large as what is restored
    capacity = system.number("storageCapacity")
    if capacity is None:
        yield Violation("storageCapacity is not set.", check="storageCapacity")
        return
    first, step = _steps(system)
    if capacity not in first and (capacity <= 0 or capacity % step):
        also = f"{', '.join(f'{size:g}' for size in first)} or " if first else ""
        yield Violation(f"{capacity:g} GiB is not {also}a multiple of {step:g}.")


def _steps(system: Resource) -> tuple[tuple[int, ...], int]:
    throughput = int(system.number("perUnitStorageThroughput", 0) or 0)
    if system.get("storageType") == "HDD":
        return (), 1800 if throughput == 40 else 6000
    if system.says("efaEnabled") and throughput in EFA_STEP:
        return (), EFA_STEP[throughput]
    if _deployment(system) == "SCRATCH_1":
        return (1200, 2400), 3600
    return (1200,), 2400


@resource_rule(
    id="fsx-lustre-backup-rules",
    title="Lustre backups and bucket links do not exclude each other",
    severity="medium",
    level="mandatory",
    types=[LUSTRE],
    fix="set automaticBackupRetentionDays, or drop the backup options; set importPath, or drop what depends on it.",
    references=["aws-parallelcluster FsxBackupOptionsValidator", "aws-parallelcluster FsxS3Validator"],
)
def backup_rules(system: Resource, _: Parameters) -> Iterator[Violation]:
    """FSx refuses options that mean nothing without another one."""
    retention = system.number("automaticBackupRetentionDays", 0) or 0
    if retention > 0 and _deployment(system).startswith("SCRATCH"):
        yield Violation(f"{_deployment(system)} has no backups.", check="automaticBackupRetentionDays")
    if retention > 0 and (system.has("importPath") or system.has("exportPath")):
        yield Violation("backups exclude importPath and exportPath.", check="importPath")
    for path in ("dailyAutomaticBackupStartTime", "copyTagsToBackups"):
        if retention <= 0 and system.has(path):
            yield Violation(f"{path} needs automaticBackupRetentionDays.", check=path)
    for path in ("exportPath", "importedFileChunkSize", "autoImportPolicy"):
        if system.has(path) and not system.has("importPath"):
            yield Violation(f"{path} needs importPath.", check=path)


def _log(system: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if system.get("logConfiguration.level", "DISABLED") == "DISABLED":
        yield "logConfiguration.level", "WARN_ERROR"


@resource_rule(
    id="fsx-log-enabled",
    title="File systems log their troubles",
    severity="low",
    level="advisory",
    types=[LUSTRE],
    fix="set logConfiguration.level to WARN_ERROR.",
    references=["NIST 800-53 AU-12"],
    remedy=_log,
)
def log_enabled(system: Resource, _: Parameters) -> Iterator[Violation]:
    """A failed import from the bucket shows nowhere else."""
    if system.get("logConfiguration.level", "DISABLED") == "DISABLED":
        yield Violation("logConfiguration.level is DISABLED.")


@resource_rule(
    id="fsx-no-scratch-for-checkpoints",
    title="Checkpoints do not lie on scratch storage",
    severity="high",
    level="mandatory",
    types=[LUSTRE],
    fix="use PERSISTENT_2, or write checkpoints to a bucket.",
    references=["AWS EKS best practices"],
    parameters={"data-classes": ("checkpoint", "checkpoints", "model", "models")},
)
def no_scratch_for_checkpoints(system: Resource, given: Parameters) -> Iterator[Violation]:
    """A scratch file system loses its files when one server fails."""
    if _deployment(system).startswith("SCRATCH") and system.tag("data-class") in given["data-classes"]:
        yield Violation(f"{_deployment(system)} holds data of class {system.tag('data-class')}.")
