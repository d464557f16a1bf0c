"""What a bucket keeps and how: versions, encryption, access logs, TLS."""

from __future__ import annotations

from collections.abc import Iterator

from .documents import Statement, statements
from .model import CannotTell, Parameters, Reading, Resource, Stack, Violation, relation_rule

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
TRANSPORT = "aws:securetransport"
KMS = ("aws:kms", "aws:kms:dsse")


@relation_rule(
    id="s3-versioning-enabled",
    title="Buckets with data keep old versions",
    severity="medium",
    level="advisory",
    types=[BUCKET],
    fix="add an aws.s3.BucketVersioning with status Enabled, or tag the bucket with another data-class.",
    references=["CKV_AWS_21", "FSBP S3.14", "NIST 800-53 CP-9"],
    parameters={"data-classes": ("data", "dataset", "checkpoint", "checkpoints", "model", "models", "state")},
)
def versioning_enabled(bucket: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """An overwritten checkpoint is days of machine time; without versions it is gone. No tag counts as data."""
    data_class = bucket.tag("data-class")
    if data_class is not None and data_class not in given["data-classes"]:
        return
    if bucket.says("versioning.enabled"):
        return
    configured = stack.belonging(bucket, "bucket", VERSIONING, by="bucket")
    if not any(entry.get("versioningConfiguration.status") == "Enabled" for entry in configured):
        yield Violation("versioning is not enabled.")


@relation_rule(
    id="s3-encryption-kms",
    title="Buckets are encrypted with a customer key",
    severity="medium",
    level="advisory",
    types=[BUCKET],
    fix="set sseAlgorithm to aws:kms with a key of your own.",
    references=["CKV_AWS_19", "CKV_AWS_145", "FSBP S3.17", "NIST 800-53 SC-28"],
    parameters={"require-cmk": True, "log-classes": ("log", "logs")},
)
def encryption_kms(bucket: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """S3 encrypts by itself; only a key of one's own can be taken away from somebody. S3 cannot deliver
    access logs to a bucket with a KMS key."""
    algorithms = list(_algorithms(bucket, "serverSideEncryptionConfiguration.rule"))
    if not algorithms:
        for entry in stack.belonging(bucket, "bucket", ENCRYPTION, by="bucket"):
            algorithms += _algorithms(entry, "rules")
    for algorithm in algorithms:
        if algorithm not in ("AES256", *KMS):
            yield Violation(f"there is no encryption {algorithm}.", check="CKV_AWS_19")
    logs = bucket.tag("data-class") in given["log-classes"]
    if given["require-cmk"] and not logs and not any(algorithm in KMS for algorithm in algorithms):
        yield Violation("its default encryption uses no KMS key.", check="CKV_AWS_145")


def _algorithms(source: Reading, path: str) -> Iterator[str]:
    for entry in source.views(path):
        if algorithm := entry.get("applyServerSideEncryptionByDefault.sseAlgorithm"):
            yield str(algorithm)


@relation_rule(
    id="s3-access-logging",
    title="Buckets log who reads them",
    severity="low",
    level="advisory",
    types=[BUCKET],
    fix="add an aws.s3.BucketLogging with a log bucket; tag the log bucket itself data-class=logs.",
    references=["CKV_AWS_18", "FSBP S3.9", "NIST 800-53 AU-2"],
    parameters={"log-classes": ("log", "logs")},
)
def access_logging(bucket: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """After a leak the first question is who read what."""
    if bucket.tag("data-class") in given["log-classes"] or stack.referring(bucket, "targetBucket", LOGGING):
        return
    inline = bucket.has("loggings") or bucket.has("logging")
    if not inline and not stack.belonging(bucket, "bucket", LOGGING, by="bucket"):
        yield Violation("access is not logged.")


@relation_rule(
    id="s3-tls-only",
    title="Buckets refuse plain HTTP",
    severity="medium",
    level="advisory",
    types=[BUCKET],
    fix="add a Deny on aws:SecureTransport=false for the bucket and its objects to the bucket policy.",
    references=["CKV_AWS_379", "CIS AWS 2.1.1", "FSBP S3.5", "NIST 800-53 SC-8"],
)
def tls_only(bucket: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Credentials and data of a plain request can be read on the way."""
    documents = [bucket, *stack.belonging(bucket, "bucket", POLICY, by="bucket")]
    found: list[Statement] = []
    doubt: CannotTell | None = None
    for document in documents:
        try:
            found.extend(filter(_denies_http, statements(document)))
        except CannotTell as missing:
            doubt = missing
    covered = [resource for statement in found if _for_all(statement) for resource in statement.resources]
    if any(map(_objects, covered)) and any(map(_bucket, covered)):
        return
    if doubt:
        raise doubt
    if found:
        yield Violation("plain requests are denied only for some callers, actions or objects.", check="partial")
    else:
        yield Violation("no statement denies requests without TLS.")


def _denies_http(statement: Statement) -> bool:
    return statement.effect == "Deny" and any(
        key == TRANSPORT and "false" in [value.lower() for value in values] for _, key, values in statement.conditions
    )


def _for_all(statement: Statement) -> bool:
    """Whether a denial is for everybody and every action, and depends on nothing but the transport."""
    return statement.anyone and statement.wholly("s3") and {key for _, key, _ in statement.conditions} == {TRANSPORT}


def _bucket(resource: str) -> bool:
    """Whether an ARN, or a pattern of some, takes in a bucket itself."""
    return "/" not in resource.rpartition(":")[2]


def _objects(resource: str) -> bool:
    """Whether an ARN, or a pattern of some, takes in all objects of a bucket."""
    name = resource.rpartition(":")[2]
    return name.endswith("*") and (not name.partition("/")[2].strip("*"))
