"""Buckets: nobody outside reads them, nothing is lost, nothing lies around."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Stack, Violation, resource_rule, stack_rule

BUCKET = "aws:s3/bucket:Bucket"
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_ACCESS_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@stack_rule(
    id="s3-bucket-has-public-access-block",
    title="Every bucket has a public access block",
    severity="high",
    level="mandatory",
    types=[BUCKET],
    fix="add an aws.s3.BucketPublicAccessBlock with all four flags for the bucket.",
    references=["CKV2_AWS_6"],
)
def bucket_has_public_access_block(stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Without a block one careless policy or ACL opens the data to the world."""
    for bucket in stack.of(BUCKET):
        blocks = stack.of(ACCESS_BLOCK)
        named = [
            block for block in blocks if bucket.has("bucket") and block.inputs.get("bucket") == bucket.inputs["bucket"]
        ]
        if not named and not stack.referring(bucket, "bucket", ACCESS_BLOCK):
            yield Violation("no public access block is set for the bucket.", resource=bucket)


@resource_rule(
    id="s3-public-access-block-all-flags",
    title="A public access block blocks everything",
    severity="high",
    level="mandatory",
    types=[ACCESS_BLOCK, ACCOUNT_ACCESS_BLOCK],
    fix="set all four flags to true.",
    references=["CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"],
)
def public_access_block_all_flags(block: Resource, _: Parameters) -> Iterator[Violation]:
    """Each flag closes another way in; three of four leave one open."""
    for flag in FLAGS:
        if not block.says(flag):
            yield Violation(f"{flag} is not true.", check=flag)


@resource_rule(
    id="s3-abort-incomplete-multipart",
    title="Unfinished uploads are removed",
    severity="medium",
    level="advisory",
    types=[LIFECYCLE],
    fix="add an enabled rule with abortIncompleteMultipartUpload.daysAfterInitiation of 7.",
    references=["CKV_AWS_300"],
)
def abort_incomplete_multipart(lifecycle: Resource, _: Parameters) -> Iterator[Violation]:
    """A checkpoint upload that died leaves parts that nobody sees and everybody pays for."""
    for entry in lifecycle.all("rules"):
        abort = entry.get("abortIncompleteMultipartUpload") or {}
        if entry.get("status") == "Enabled" and abort.get("daysAfterInitiation"):
            return
    yield Violation("no enabled rule aborts incomplete multipart uploads.")
