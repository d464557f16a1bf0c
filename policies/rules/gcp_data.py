"""Google Cloud: buckets, keys and databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .addresses import column, open_to_everybody
from .documents import document
from .model import Parameters, Resource, View, Violation, each, independently, resource_rule
from .services import missing, setting

BUCKET = "gcp:storage/bucket:Bucket"
MEMBERS = (
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    "gcp:storage/bucketIAMPolicy:BucketIAMPolicy",
    "gcp:storage/bucketAccessControl:BucketAccessControl",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl",
    "gcp:storage/bucketACL:BucketACL",
    "gcp:storage/defaultObjectACL:DefaultObjectACL",
)
KEY = "gcp:kms/cryptoKey:CryptoKey"
DATABASE = "gcp:sql/databaseInstance:DatabaseInstance"
EVERYBODY = ("allUsers", "allAuthenticatedUsers")
DAY = 86400
UNIFORM = ("uniformBucketLevelAccess", "CKV_GCP_29", True)


@resource_rule(
    id="gcp-bucket-uniform-access",
    title="Rights to a bucket are in one place",
    severity="high",
    level="mandatory",
    types=[BUCKET],
    fix="set uniformBucketLevelAccess to true.",
    references=["CKV_GCP_29", "CIS GCP 5.2", "NIST 800-53 AC-3"],
    remedy=setting(UNIFORM),
)
def uniform_access(bucket: Resource, _: Parameters) -> Iterator[Violation]:
    """An ACL on a single object opens it, and nobody finds it again."""
    yield from missing(bucket, [UNIFORM])


PREVENTION = ("publicAccessPrevention", "CKV_GCP_114", "enforced")


@resource_rule(
    id="gcp-bucket-public-access-prevention",
    title="No bucket can be opened to everybody",
    severity="high",
    level="mandatory",
    types=[BUCKET],
    fix="set publicAccessPrevention to enforced.",
    references=["CKV_GCP_114", "CIS GCP 5.1", "NIST 800-53 AC-3"],
    remedy=setting(PREVENTION),
)
def public_access_prevention(bucket: Resource, _: Parameters) -> Iterator[Violation]:
    """Without it one careless binding opens the data to the world."""
    yield from missing(bucket, [PREVENTION])


@resource_rule(
    id="gcp-bucket-not-public",
    title="No binding opens a bucket",
    severity="critical",
    level="mandatory",
    types=[*MEMBERS],
    fix="name users, groups or service accounts.",
    references=["CKV_GCP_28", "CIS GCP 5.1", "NIST 800-53 AC-3"],
)
def bucket_not_public(binding: Resource, _: Parameters) -> Iterator[Violation]:
    """Anyone on the internet, or anyone with any Google account, reads or writes the data."""

    def one(path: str) -> Iterator[Violation]:
        yield from each(binding.items(path), lambda member: judge(path, str(member)))

    def judge(path: str, said: str) -> Iterator[Violation]:
        if said in EVERYBODY or said.rpartition(":")[2] in EVERYBODY:  # an ACL writes READER:allUsers
            yield Violation(f"{path} is {said}.", check="CKV_GCP_28")

    yield from independently(each(("member", "members", "entity", "roleEntities"), one), _canned(binding), _in(binding))


def _canned(binding: Resource) -> Iterator[Violation]:
    for path in ("predefinedAcl", "defaultAcl"):
        acl = str(binding.get(path, ""))
        if acl.lower().startswith(("publicread", "authenticatedread")):
            yield Violation(f"{path} is {acl}.", check="predefinedAcl")


def _in(binding: Resource) -> Iterator[Violation]:
    """Of a policy that is given as a document, text or object."""
    if not binding.has("policyData"):
        return
    whole = View(document(binding, "policyData"), "policyData")

    def one(entry: View) -> Iterator[Violation]:
        for member in entry.items("members"):
            if member in EVERYBODY:
                yield Violation(f"policyData gives {entry.get('role')} to {member}.", check="policyData")

    yield from each(whole.views("bindings"), one)


@resource_rule(
    id="gcp-bucket-versioning",
    title="Buckets of Google Cloud with data keep what was overwritten",
    severity="medium",
    level="advisory",
    types=[BUCKET],
    fix="set versioning.enabled, or a soft delete of a week or more where the bucket has folders.",
    references=["CKV_GCP_78", "NIST 800-53 CP-9"],
    parameters={"log-classes": ("log", "logs"), "min-days": 7},
)
def bucket_versioning(bucket: Resource, given: Parameters) -> Iterator[Violation]:
    """An overwritten checkpoint is days of machine time. Buckets with folders have no versions, only soft delete."""
    labels = bucket.entries("labels")
    if labels.get("dc-data-class") in given["log-classes"] or bucket.says("versioning.enabled"):
        return
    kept = bucket.number("softDeletePolicy.retentionDurationSeconds", 7 * DAY) or 0
    if not bucket.says("hierarchicalNamespace.enabled") or kept < given["min-days"] * DAY:
        yield Violation("versioning is not enabled.", check="CKV_GCP_78")


@resource_rule(
    id="gcp-bucket-cmek",
    title="Buckets of Google Cloud are encrypted with a customer key",
    severity="medium",
    level="advisory",
    types=[BUCKET],
    fix="set encryption.defaultKmsKeyName.",
    references=["NIST 800-53 SC-28"],
    parameters={"require-cmk": True},
)
def bucket_cmek(bucket: Resource, given: Parameters) -> Iterator[Violation]:
    """Only a key of one's own can be taken away from somebody."""
    if given["require-cmk"] and not bucket.has("encryption.defaultKmsKeyName"):
        yield Violation("encryption.defaultKmsKeyName is not set.")


def _rotation(key: Resource) -> float | None:
    period = str(key.get("rotationPeriod", ""))
    return float(period.removesuffix("s")) / DAY if period.removesuffix("s").replace(".", "", 1).isdigit() else None


def _stale(key: Resource, given: Parameters) -> bool:
    days = _rotation(key)
    return key.get("purpose", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT" and (days is None or days > given["max-days"])


def _rotate(key: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if _stale(key, given):
        yield "rotationPeriod", f"{int(given['max-days'] * DAY)}s"


@resource_rule(
    id="gcp-kms-rotation",
    title="Keys of Google Cloud are rotated",
    severity="medium",
    level="mandatory",
    types=[KEY],
    fix="set rotationPeriod to 7776000s (90 days) or less.",
    references=["CKV_GCP_43", "CIS GCP 1.10", "NIST 800-53 SC-12"],
    parameters={"max-days": 90},
    remedy=_rotate,
)
def kms_rotation(key: Resource, given: Parameters) -> Iterator[Violation]:
    """A key that never changes protects less with every year it is used."""
    if _stale(key, given):
        yield Violation(f"rotationPeriod is not set to {given['max-days']:g} days or less.", check="CKV_GCP_43")


@resource_rule(
    id="gcp-sql-not-public",
    title="Cloud SQL has no public address",
    severity="critical",
    level="mandatory",
    types=[DATABASE],
    fix="set settings.ipConfiguration.ipv4Enabled to false and privateNetwork.",
    references=["CKV_GCP_11", "CKV_GCP_60", "CIS GCP 6.5", "CIS GCP 6.6", "NIST 800-53 SC-7"],
)
def sql_not_public(database: Resource, _: Parameters) -> Iterator[Violation]:
    """Whoever reaches a database tries passwords on it. Cloud SQL gives a public address unless told otherwise."""

    def address() -> Iterator[Violation]:
        if not database.denies("settings.ipConfiguration.ipv4Enabled"):
            yield Violation("settings.ipConfiguration.ipv4Enabled is not false.", check="CKV_GCP_60")

    def world() -> Iterator[Violation]:
        if open_to_everybody(column(database, "settings.ipConfiguration.authorizedNetworks", "value"), "value"):
            yield Violation("every address is authorized.", check="CKV_GCP_11")

    yield from independently(address(), world())


SSL = ("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED")


@resource_rule(
    id="gcp-sql-ssl",
    title="Cloud SQL speaks TLS only",
    severity="high",
    level="mandatory",
    types=[DATABASE],
    fix="set settings.ipConfiguration.sslMode to ENCRYPTED_ONLY.",
    references=["CKV_GCP_6", "CIS GCP 6.4", "NIST 800-53 SC-8"],
)
def sql_ssl(database: Resource, _: Parameters) -> Iterator[Violation]:
    """Passwords and data of a plain connection can be read on the way."""
    path = "settings.ipConfiguration"
    if database.get(f"{path}.sslMode") not in SSL and not database.says(f"{path}.requireSsl"):
        yield Violation("sslMode is not ENCRYPTED_ONLY.", check="CKV_GCP_6")


def _keep(database: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if not database.says("settings.backupConfiguration.enabled"):
        yield "settings.backupConfiguration.enabled", True
    if not database.says("settings.deletionProtectionEnabled"):
        yield "settings.deletionProtectionEnabled", True


@resource_rule(
    id="gcp-sql-backup-and-protection",
    title="Cloud SQL has backups and cannot be deleted by accident",
    severity="medium",
    level="advisory",
    types=[DATABASE],
    fix="set settings.backupConfiguration.enabled and settings.deletionProtectionEnabled.",
    references=["CKV_GCP_14", "CIS GCP 6.7", "NIST 800-53 CP-9"],
    remedy=_keep,
)
def sql_backup(database: Resource, _: Parameters) -> Iterator[Violation]:
    """The list of experiments is worth as much as the experiments. A replica has the backups of its primary."""
    needs = [("settings.deletionProtectionEnabled", "deletion", True)]
    if not database.has("masterInstanceName"):
        needs.append(("settings.backupConfiguration.enabled", "CKV_GCP_14", True))
    yield from missing(database, needs)
