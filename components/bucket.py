"""One S3 bucket that is closed, encrypted, versioned and tidied up.

Holds the bucket and the settings that S3 keeps as resources of their own. What the bucket is for, and for how long
things stay in it, is said by whoever makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws import s3

from components import tags
from components.site import Site

ABORT_UPLOADS_DAYS = 7
"""Parts of uploads that never ended are paid for like objects; checkpoints leave many."""
DATA_CLASS = "dc:data-class"


@dataclass(frozen=True)
class Retention:
    """How long things stay in a bucket, in days; None keeps them."""

    old_versions: int
    objects: int | None = None


class Bucket(pulumi.ComponentResource):
    """A private bucket, reachable over TLS only."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        site: Site,
        data_class: str,
        retention: Retention,
        key_arn: pulumi.Input[str] | None = None,
        log_bucket: Bucket | None = None,
        force_destroy: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Without `key_arn` S3's own key encrypts: the only one that S3's access logs can be written under."""
        super().__init__("aidc:bucket:Bucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            f"{name}-bucket",
            force_destroy=force_destroy,
            tags={**tags.component("object-store", name=f"{site.prefix}-{name}"), DATA_CLASS: data_class},
            opts=child,
        )
        self.name, self.arn = bucket.bucket, bucket.arn
        s3.BucketOwnershipControls(
            f"{name}-ownership", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child
        )
        closed = s3.BucketPublicAccessBlock(
            f"{name}-closed",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=bucket.id, rules=[_encryption(key_arn)], opts=child
        )
        versioning = s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.id,
            versioning_configuration={"status": "Enabled"},
            opts=child,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.id,
            rules=[_lifecycle(retention)],
            # S3 refuses rules for old versions until versioning is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        statements = [_tls_only(bucket.arn), *([_log_delivery(site, bucket.arn)] if data_class == "log" else [])]
        policy = s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.id,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            # Two settings of one bucket changed at once answer "conflicting operation".
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.ready: list[pulumi.Resource] = [policy]
        if log_bucket is not None:
            s3.BucketLogging(
                f"{name}-logging",
                bucket=bucket.id,
                target_bucket=log_bucket.name,
                target_prefix=f"{name}/",
                opts=pulumi.ResourceOptions(parent=self, depends_on=log_bucket.ready),
            )
        self.register_outputs({"name": self.name, "arn": self.arn})


def _encryption(key_arn: pulumi.Input[str] | None) -> Any:
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
        # One data key per bucket and hour instead of one per object: a training run reads millions of objects.
        "bucket_key_enabled": True,
    }


def _lifecycle(retention: Retention) -> Any:
    return {
        "id": "tidy",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOADS_DAYS},
        "noncurrent_version_expiration": {"noncurrent_days": retention.old_versions},
        **({"expiration": {"days": retention.objects}} if retention.objects else {}),
    }


def _tls_only(arn: pulumi.Output[str]) -> Mapping[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, pulumi.Output.concat(arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _log_delivery(site: Site, arn: pulumi.Output[str]) -> Mapping[str, Any]:
    """S3 User Guide, "Permissions for log delivery"."""
    return {
        "Sid": "AccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": pulumi.Output.concat(arn, "/*"),
        "Condition": {"StringEquals": {"aws:SourceAccount": site.account}},
    }
