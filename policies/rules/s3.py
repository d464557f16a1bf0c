"""Buckets: nobody outside reads them, nothing is lost, nothing lies around."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .documents import statements
from .model import (
    UNKNOWN,
    Parameters,
    Reading,
    Resource,
    Stack,
    Violation,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)

BUCKET = "aws:s3/bucket:Bucket"
ACL = "aws:s3/bucketAcl:BucketAcl"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_ACCESS_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
CHECKS = {
    "blockPublicAcls": "CKV_AWS_53",
    "blockPublicPolicy": "CKV_AWS_54",
    "ignorePublicAcls": "CKV_AWS_55",
    "restrictPublicBuckets": "CKV_AWS_56",
}
PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read", "website")
GROUPS = ("/AllUsers", "/AuthenticatedUsers")


@relation_rule(
    id="s3-bucket-has-public-access-block",
    title="Every bucket has a public access block",
    severity="high",
    level="mandatory",
    types=[BUCKET],
    fix="add an aws.s3.BucketPublicAccessBlock with all four flags for the bucket.",
    references=["CKV2_AWS_6", "CIS AWS 2.1.4", "FSBP S3.8", "NIST 800-53 AC-3"],
    parameters={"exempt-tag": ""},
)
def bucket_has_public_access_block(bucket: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Without a block one careless policy or ACL opens the data to the world. A tag such as exposure=public exempts."""
    key, _, value = str(given["exempt-tag"]).partition("=")
    if key and bucket.tag(key) is not None and (not value or bucket.tag(key) == value):
        return
    blocks = stack.belonging(bucket, "bucket", ACCESS_BLOCK, by="bucket")
    if not blocks:
        yield Violation("no public access block is set for the bucket.")
    elif not any(block.says("blockPublicAcls") and block.says("blockPublicPolicy") for block in blocks):
        yield Violation("its public access block lets public ACLs or policies through.")


def _all_flags(block: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    yield from ((flag, True) for flag in CHECKS if not block.says(flag))


@resource_rule(
    id="s3-public-access-block-all-flags",
    title="A public access block blocks everything",
    severity="high",
    level="mandatory",
    types=[ACCESS_BLOCK, ACCOUNT_ACCESS_BLOCK],
    fix="set all four flags to true.",
    references=["CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "CIS AWS 2.1.4", "FSBP S3.1"],
    remedy=_all_flags,
)
def public_access_block_all_flags(block: Resource, _: Parameters) -> Iterator[Violation]:
    """Each flag closes another way in; three of four leave one open."""

    def one(flag: str, check: str) -> Iterator[Violation]:
        if not block.says(flag):
            yield Violation(f"{flag} is not true.", check=check)

    yield from independently(*(one(flag, check) for flag, check in CHECKS.items()))


@relation_rule(
    id="s3-acl-not-public",
    title="No ACL opens a bucket",
    severity="critical",
    level="mandatory",
    types=[BUCKET, ACL],
    fix="remove the ACL; give access by a bucket policy to named principals.",
    references=["CKV_AWS_20", "CKV_AWS_57", "CKV_AWS_375", "CKV2_AWS_43", "FSBP S3.2", "FSBP S3.3"],
)
def acl_not_public(subject: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Anyone on the internet, or anyone with any AWS account, reads or writes the data."""
    if subject.type == ACL and any(subject in stack.belonging(b, "bucket", ACL, by="bucket") for b in stack.of(BUCKET)):
        return  # said of the bucket
    sources = [subject]
    if subject.type == BUCKET:
        sources += stack.belonging(subject, "bucket", ACL, by="bucket")
    yield from independently(*(part for source in sources for part in (_canned(source), _grants(source))))


def _canned(source: Resource) -> Iterator[Violation]:
    acl = source.get("acl")
    if acl in PUBLIC_ACLS:
        yield Violation(f"the ACL is {acl}.", check="CKV_AWS_20")
    if acl == "public-read-write":
        yield Violation(f"the ACL is {acl}.", check="CKV_AWS_57")
    if acl == "authenticated-read":
        yield Violation(f"the ACL is {acl}.", check="CKV2_AWS_43")


def _grants(source: Resource) -> Iterator[Violation]:
    paths = ("grants", "accessControlPolicy.grants")
    yield from each(paths, lambda path: each(source.views(path), _granted))


def _granted(grant: Reading) -> Iterator[Violation]:
    uri = str(grant.get("uri") or grant.get("grantee.uri") or "")
    if uri.endswith(GROUPS):
        group = uri.rpartition("/")[2]
        permissions = [*grant.all("permissions"), *grant.all("permission")]
        views = any(entry in ("FULL_CONTROL", "READ_ACP") for entry in permissions if entry is not UNKNOWN)
        check = "CKV2_AWS_43" if group == "AuthenticatedUsers" else "CKV_AWS_375" if views else "grant"
        yield Violation(f"{', '.join(map(str, permissions))} is granted to {group}.", check=check)


@resource_rule(
    id="s3-policy-no-wildcard-principal",
    title="No bucket policy speaks to everybody",
    severity="critical",
    level="mandatory",
    types=[POLICY, BUCKET],
    fix="name the principals, or restrict the statement by aws:SourceVpce, aws:PrincipalOrgID or the like.",
    references=["CKV_AWS_70", "FSBP S3.2", "NIST 800-53 AC-3"],
    parameters={"allowed-conditions": ()},
)
def policy_no_wildcard_principal(subject: Resource, given: Parameters) -> Iterator[Violation]:
    """A statement for * without a condition is an open bucket."""
    for statement in statements(subject):
        if statement.opens and not statement.restricted(tuple(given["allowed-conditions"])):
            message = "a statement allows every principal without a condition that narrows it."
            weak = "weak-condition" if statement.half_restricted else ""
            yield Violation(message, check=weak if statement.anyone else statement.opens)


def _abort(lifecycle: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if any(True for _ in _unaborted(lifecycle, given)):
        abort = {"daysAfterInitiation": 7}
        rule = {"id": "abort-uploads", "status": "Enabled", "filter": {}, "abortIncompleteMultipartUpload": abort}
        yield "rules.-", rule


@resource_rule(
    id="s3-abort-incomplete-multipart",
    title="Unfinished uploads are removed",
    severity="medium",
    level="advisory",
    types=[LIFECYCLE],
    fix="add an enabled rule with abortIncompleteMultipartUpload.daysAfterInitiation of 7.",
    references=["CKV_AWS_300"],
    parameters={"max-days": 30},
    remedy=_abort,
)
def abort_incomplete_multipart(lifecycle: Resource, given: Parameters) -> Iterator[Violation]:
    """A checkpoint upload that died leaves parts that nobody sees and everybody pays for."""
    yield from _unaborted(lifecycle, given)


def _unaborted(lifecycle: Resource, given: Parameters) -> Iterator[Violation]:
    found: set[str] = set()

    def enough(entry: Reading) -> bool:
        if entry.get("status") != "Enabled" or not entry.has("abortIncompleteMultipartUpload"):
            return False
        days = entry.number("abortIncompleteMultipartUpload.daysAfterInitiation")
        late = days is not None and days > given["max-days"]
        if not late and not _filtered(entry):
            return True
        found.add("max-days" if late else "filter")
        return False

    if any_of(lifecycle.views("rules"), enough):
        return
    if "max-days" in found:
        yield Violation(f"incomplete uploads are kept for more than {given['max-days']:g} days.", check="max-days")
    elif found:
        yield Violation("only a part of the bucket is covered by the rule that aborts incomplete uploads.")
    else:
        yield Violation("no enabled rule aborts incomplete multipart uploads.")


def _filtered(rule: Reading) -> bool:
    """Whether a lifecycle rule covers only a part of the bucket."""
    paths = ("prefix", "filter.prefix", "filter.tag", "filter.objectSizeGreaterThan", "filter.objectSizeLessThan")
    both = ("filter.and.prefix", "filter.and.tags", "filter.and.objectSizeGreaterThan", "filter.and.objectSizeLessThan")
    return any(rule.get(path) for path in (*paths, *both))


def _keep(bucket: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if given["protected"] and bucket.says("forceDestroy"):
        yield "forceDestroy", False


@resource_rule(
    id="s3-no-force-destroy",
    title="Buckets with data cannot be destroyed",
    severity="high",
    level="mandatory",
    types=[BUCKET],
    fix="set forceDestroy to false.",
    parameters={"protected": True},
    remedy=_keep,
)
def no_force_destroy(bucket: Resource, given: Parameters) -> Iterator[Violation]:
    """One `pulumi destroy` would delete every checkpoint in the bucket."""
    if given["protected"] and bucket.says("forceDestroy"):
        yield Violation("forceDestroy is true.")
