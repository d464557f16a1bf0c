"""Databases, caches and search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import Parameters, Resource, Violation, independently, resource_rule
from .services import missing, setting

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"
CLUSTER_INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
REPLICATION_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
LONGEST = 35
"""Days of automatic backups that RDS keeps at most (AWS RDS user guide)."""


@resource_rule(
    id="rds-encrypted",
    title="Databases are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[INSTANCE, CLUSTER],
    fix="set storageEncrypted to true and kmsKeyId to a key of your own; it replaces the database.",
    references=["CKV_AWS_16", "CKV_AWS_96", "CKV_AWS_327", "CIS AWS 2.2.1", "FSBP RDS.3", "NIST 800-53 SC-28"],
    parameters={"require-cmk": True},
)
def rds_encrypted(database: Resource, given: Parameters) -> Iterator[Violation]:
    """A snapshot that leaves the account unencrypted can be read by whoever holds it."""
    cluster = database.type == CLUSTER

    def encrypted() -> Iterator[Violation]:
        if database.get("engineMode") != "serverless":  # that one is always encrypted
            yield from missing(database, [("storageEncrypted", "CKV_AWS_96" if cluster else "CKV_AWS_16", True)])

    def owned() -> Iterator[Violation]:
        if given["require-cmk"] and not database.has("kmsKeyId"):
            yield Violation("kmsKeyId is not set.", check="CKV_AWS_327" if cluster else "kmsKeyId")

    yield from independently(encrypted(), owned())


PRIVATE = ("publiclyAccessible", "CKV_AWS_17", False)


@resource_rule(
    id="rds-not-public",
    title="Databases have no public address",
    severity="critical",
    level="mandatory",
    types=[INSTANCE, CLUSTER_INSTANCE],
    fix="set publiclyAccessible to false.",
    references=["CKV_AWS_17", "CIS AWS 2.2.3", "FSBP RDS.2", "NIST 800-53 SC-7"],
    remedy=setting(PRIVATE),
)
def rds_not_public(database: Resource, _: Parameters) -> Iterator[Violation]:
    """Whoever reaches a database tries passwords on it."""
    yield from missing(database, [PRIVATE])


def _kept(database: Resource, given: Parameters) -> bool:
    days = database.number("backupRetentionPeriod", 1 if database.type == CLUSTER else 0) or 0
    return given["min-days"] <= days <= LONGEST or database.has("replicateSourceDb")


def _keep(database: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if not _kept(database, given):
        yield "backupRetentionPeriod", max(7, given["min-days"])
    yield from setting(("deletionProtection", "", True))(database, given)


@resource_rule(
    id="rds-backup-and-protection",
    title="Databases have backups and cannot be deleted by accident",
    severity="medium",
    level="advisory",
    types=[INSTANCE, CLUSTER],
    fix="set backupRetentionPeriod (1 to 35 days) and deletionProtection.",
    references=["CKV_AWS_133", "CKV_AWS_139", "CKV_AWS_293", "FSBP RDS.8", "FSBP RDS.11", "NIST 800-53 CP-9"],
    parameters={"min-days": 1},
    remedy=_keep,
)
def backup_and_protection(database: Resource, given: Parameters) -> Iterator[Violation]:
    """The list of experiments is worth as much as the experiments."""

    def backups() -> Iterator[Violation]:
        if not _kept(database, given):
            message = f"backupRetentionPeriod is not in {given['min-days']:g} to {LONGEST}."
            yield Violation(message, check="CKV_AWS_133" if database.has("backupRetentionPeriod") else "absent")

    check = "CKV_AWS_139" if database.type == CLUSTER else "CKV_AWS_293"
    yield from independently(backups(), missing(database, [("deletionProtection", check, True)]))


@resource_rule(
    id="rds-multi-az",
    title="Databases survive the loss of a zone",
    severity="medium",
    level="advisory",
    types=[INSTANCE],
    fix="set multiAz to true.",
    references=["CKV_AWS_157", "FSBP RDS.5", "NIST 800-53 CP-10"],
    parameters={"protected": True},
)
def multi_az(database: Resource, given: Parameters) -> Iterator[Violation]:
    """Without the database no job starts, though the machines run."""
    if given["protected"]:
        yield from missing(database, [("multiAz", "CKV_AWS_157", True)])


IAM_AUTH = ("iamDatabaseAuthenticationEnabled", "", True)
WITHOUT_IAM = ("oracle", "sqlserver", "custom", "db2")


def _by_iam(database: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if not str(database.get("engine", "")).startswith(WITHOUT_IAM):
        yield from setting(IAM_AUTH)(database, given)


@resource_rule(
    id="rds-iam-auth",
    title="Databases know roles, not passwords",
    severity="low",
    level="advisory",
    types=[INSTANCE, CLUSTER],
    fix="set iamDatabaseAuthenticationEnabled to true.",
    references=["CKV_AWS_161", "CKV_AWS_162", "FSBP RDS.10", "FSBP RDS.12", "NIST 800-53 IA-2"],
    remedy=_by_iam,
)
def iam_auth(database: Resource, _: Parameters) -> Iterator[Violation]:
    """A password lies in a file somewhere; a role's token ends after minutes. Some engines have no IAM."""
    if not str(database.get("engine", "")).startswith(WITHOUT_IAM):
        check = "CKV_AWS_162" if database.type == CLUSTER else "CKV_AWS_161"
        yield from missing(database, [(IAM_AUTH[0], check, True)])


@resource_rule(
    id="elasticache-encrypted",
    title="Caches are encrypted and ask who you are",
    severity="high",
    level="mandatory",
    types=[REPLICATION_GROUP],
    fix="set atRestEncryptionEnabled and transitEncryptionEnabled to true, and authToken or userGroupIds.",
    references=["CKV_AWS_29", "CKV_AWS_30", "CKV_AWS_31", "FSBP ElastiCache.4", "FSBP ElastiCache.5"],
)
def elasticache_encrypted(group: Resource, _: Parameters) -> Iterator[Violation]:
    """A cache holds what was just read: prompts, tokens, sessions."""

    def asks() -> Iterator[Violation]:
        if not group.has("authToken") and not group.all("userGroupIds"):
            yield Violation("neither authToken nor userGroupIds is set.", check="CKV_AWS_31")
        elif not group.says("transitEncryptionEnabled"):
            yield Violation("the token travels in clear.", check="CKV_AWS_31")

    needs = [("atRestEncryptionEnabled", "CKV_AWS_29", True), ("transitEncryptionEnabled", "CKV_AWS_30", True)]
    yield from independently(missing(group, needs), asks())
