"""One Cloud Storage bucket that is closed, encrypted, recoverable and tidied up.

What the bucket is for, and for how long things stay in it, is said by whoever makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_gcp import storage

from components.gcp import labels
from components.gcp.project import GcpSite

ABORT_UPLOADS_DAYS = 7
"""Parts of uploads that never ended are paid for like objects; checkpoints leave many."""
DATA_CLASS = "dc-data-class"
DAY = 24 * 3600
SOFT_DELETE_DAYS = (7, 90)
"""Bounds of soft delete (Cloud Storage documentation, "Soft delete")."""


@dataclass(frozen=True)
class Retention:
    """How long things stay in a bucket, in days; None keeps them."""

    old_versions: int
    objects: int | None = None


@dataclass(frozen=True)
class BucketPlan:
    """Everything about a bucket that is known before anything is planned."""

    data_class: str
    retention: Retention
    hierarchical: bool = False
    force_destroy: bool = False


def bucket(
    name: str,
    plan: BucketPlan,
    *,
    site: GcpSite,
    key_id: pulumi.Input[str] | None,
    log_bucket: pulumi.Input[str] | None = None,
    opts: pulumi.ResourceOptions,
) -> storage.Bucket:
    """A bucket of the region, as a child of whoever asks. Without `key_id` Google's own key encrypts."""
    return storage.Bucket(
        f"{name}-bucket",
        location=site.region.upper(),
        storage_class="STANDARD",
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        encryption={"default_kms_key_name": key_id} if key_id is not None else None,
        hierarchical_namespace={"enabled": True} if plan.hierarchical else None,
        logging={"log_bucket": log_bucket, "log_object_prefix": name} if log_bucket is not None else None,
        lifecycle_rules=lifecycle(plan.retention, versioned=not plan.hierarchical),
        force_destroy=plan.force_destroy,
        labels={**labels.component("object-store"), DATA_CLASS: labels.value(plan.data_class)},
        opts=opts,
        **recovery(plan.retention, hierarchical=plan.hierarchical),
    )


def recovery(retention: Retention, *, hierarchical: bool) -> dict[str, Any]:
    """How deleted objects come back: as old versions; with folders, which keep none, from soft delete. Not both: each
    is paid for."""
    if not hierarchical:
        return {"versioning": {"enabled": True}, "soft_delete_policy": {"retention_duration_seconds": 0}}
    low, high = SOFT_DELETE_DAYS
    days = min(max(retention.old_versions, low), high)
    return {"soft_delete_policy": {"retention_duration_seconds": days * DAY}}


def lifecycle(retention: Retention, *, versioned: bool) -> list[Any]:
    """Parts of broken uploads go, old versions go, and objects go where they are not kept."""
    abort = {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": ABORT_UPLOADS_DAYS}}
    delete = {"type": "Delete"}
    old = {"days_since_noncurrent_time": retention.old_versions, "with_state": "ARCHIVED"}
    rules: list[Any] = [abort]
    if versioned:
        rules.append({"action": delete, "condition": old})
    if retention.objects:
        rules.append({"action": delete, "condition": {"age": retention.objects, "with_state": "LIVE"}})
    return rules
