"""Buckets for what outlives nodes: training data, checkpoints, finished models.

Holds one encryption key, the three buckets and the bucket for their access logs. Moving data into a parallel file
system is `parallel_file_system`.
"""

from __future__ import annotations

import pulumi

from components import encryption
from components.bucket import Bucket, Retention
from components.encryption import EncryptionKey
from components.object_store_spec import DATA_CLASSES, ObjectStoreSpec
from components.site import Site


class ObjectStore(pulumi.ComponentResource):
    """The buckets of a data center, under one key."""

    buckets: dict[str, Bucket]
    """`data`, `checkpoints` and `models`."""
    key_arn: pulumi.Output[str]

    def __init__(
        self, name: str, spec: ObjectStoreSpec, *, site: Site, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("aidc:object_store:ObjectStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=spec.protect)
        key = EncryptionKey(
            name,
            site=site,
            purpose="training data, checkpoints and models",
            part="object-store",
            statements=[encryption.lustre_repository(site)],
            opts=kept,
        )
        logs = Bucket(
            f"{name}-logs",
            site=site,
            data_class="log",
            retention=Retention(old_versions=spec.old_version_days, objects=spec.access_log_days),
            force_destroy=spec.delete_with_contents,
            opts=child,
        )
        expiry = {"checkpoints": spec.checkpoint_days}
        self.buckets = {
            use: Bucket(
                f"{name}-{use}",
                site=site,
                data_class=data_class,
                retention=Retention(old_versions=spec.old_version_days, objects=expiry.get(use)),
                key_arn=key.arn,
                log_bucket=logs,
                force_destroy=spec.delete_with_contents,
                opts=kept,
            )
            for use, data_class in DATA_CLASSES.items()
        }
        self.key_arn = key.arn
        self.register_outputs({use: bucket.name for use, bucket in self.buckets.items()})
