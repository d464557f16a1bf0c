"""Buckets on Google Cloud for what outlives nodes, and how pods see them as folders (Cloud Storage FUSE).

Holds one key, the buckets for data, checkpoints and models, and that for their access logs. A bucket mounted in a
namespace is a volume with GKE's profile for its use: cache and read-ahead are tuned by GKE (GKE documentation, "Cloud
Storage FUSE profiles"), and the pods of that namespace may use the bucket by their own identity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from pulumi_gcp import projects, storage
from pulumi_kubernetes.core.v1 import PersistentVolume, PersistentVolumeClaim
from pydantic import Field

from components import tags
from components.gcp.agent import storage_agent
from components.gcp.bucket import BucketPlan, Retention, bucket
from components.gcp.encryption import EncryptionKey
from components.gcp.project import METADATA_SERVER, GcpSite
from components.object_store_spec import DATA_CLASSES, ObjectStoreSpec
from components.spec import Name

Use = Literal["data", "checkpoints", "models"]
PROFILES = {"data": "gcsfusecsi-training", "checkpoints": "gcsfusecsi-checkpointing", "models": "gcsfusecsi-serving"}
"""Storage classes that GKE brings, by use."""
DRIVER = "gcsfuse.csi.storage.gke.io"
NOMINAL_SIZE = "1Pi"
"""A bucket has no size, a volume must state one."""
PROFILE_RIGHTS = (
    "storage.anywhereCaches.create",
    "storage.anywhereCaches.get",
    "storage.anywhereCaches.list",
    "storage.anywhereCaches.update",
    "storage.buckets.get",
    "storage.objects.list",
)
"""What GKE needs to look at a bucket and to cache it (GoogleCloudPlatform/cluster-toolkit,
modules/file-system/gke-persistent-volume)."""

INTERNAL = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
EGRESS: tuple[dict[str, Any], ...] = (
    {
        "to": [{"ipBlock": {"cidr": "169.254.169.252/32"}}],
        "ports": [{"protocol": "TCP", "port": 988}],
    },
    {
        "to": [{"ipBlock": {"cidr": METADATA_SERVER}}],
        "ports": [{"protocol": "TCP", "port": 80}],
    },
    {
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(INTERNAL)}},
            {"ipBlock": {"cidr": "::/0", "except": ["fc00::/7", "fe80::/10"]}},
        ],
        "ports": [{"protocol": "TCP", "port": 443}],
    },
)
"""What the container that mounts a bucket must reach from within its pod: its identity at GKE's metadata server (GKE
documentation, "Authenticate to Google Cloud APIs from GKE workloads": network policies) and Cloud Storage, which
answers under addresses of the internet that change, even where the way to them stays inside Google."""


class GcpObjectStoreSpec(ObjectStoreSpec):
    """How long things are kept, how hard they are to lose, and where pods see them."""

    hierarchical: tuple[Use, ...] = Field(
        ("checkpoints",),
        description="Buckets with a hierarchical namespace: renaming a folder is one step and more requests a second "
        "are served. Fixed at creation; deleted objects come back by soft delete (7 to 90 days) instead of versions.",
    )
    mount_namespaces: tuple[Name, ...] = Field(
        (),
        description="Kubernetes namespaces that get a claim for each bucket: bucket-data, bucket-checkpoints, "
        "bucket-models. They are created.",
    )


class GcpObjectStore(pulumi.ComponentResource):
    """The buckets of a data center, under one key."""

    buckets: dict[str, storage.Bucket]
    """`data`, `checkpoints` and `models`."""
    key_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: GcpObjectStoreSpec,
        *,
        site: GcpSite,
        apis: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`apis`: what must be switched on before Cloud Storage can be asked anything."""
        super().__init__("aidc:gcp/object_store:GcpObjectStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=spec.protect)
        user = storage_agent(site=site, after=apis, parent=self)
        key = EncryptionKey(name, site=site, part="object-store", users={"storage": user}, opts=kept)
        logs = bucket(
            f"{name}-logs",
            BucketPlan(
                "log",
                Retention(old_versions=spec.old_version_days, objects=spec.access_log_days),
                force_destroy=spec.delete_with_contents,
            ),
            site=site,
            key_id=key.id,
            opts=child,
        )
        expiry = {"checkpoints": spec.checkpoint_days}
        self.buckets = {
            use: bucket(
                f"{name}-{use}",
                BucketPlan(
                    data_class,
                    Retention(old_versions=spec.old_version_days, objects=expiry.get(use)),
                    hierarchical=use in spec.hierarchical,
                    force_destroy=spec.delete_with_contents,
                ),
                site=site,
                key_id=key.id,
                log_bucket=logs.name,
                opts=kept,
            )
            for use, data_class in DATA_CLASSES.items()
        }
        storage.BucketIAMMember(
            f"{name}-log-delivery",
            bucket=logs.name,
            role="roles/storage.objectCreator",
            # Cloud Storage documentation, "Usage logs": this group writes them.
            member="group:cloud-storage-analytics@google.com",
            opts=child,
        )
        self.key_id = key.id
        self.register_outputs({use: made.name for use, made in self.buckets.items()})


class BucketVolumes(pulumi.ComponentResource):
    """Every bucket as a volume in some namespaces."""

    claims: list[str]

    def __init__(
        self,
        name: str,
        buckets: Mapping[str, storage.Bucket],
        namespaces: Mapping[str, pulumi.Input[str]],
        *,
        site: GcpSite,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`namespaces`: names as they are written and as they are once made. `opts` carries both providers."""
        super().__init__("aidc:gcp/object_store:BucketVolumes", name, None, opts)
        self._name, self._site = name, site
        role = projects.IAMCustomRole(
            f"{name}-role",
            project=site.project,
            role_id=f"{site.prefix.replace('-', '_')}_gcsfuse_profiles",
            title=f"Cloud Storage FUSE profiles of {site.prefix}",
            permissions=list(PROFILE_RIGHTS),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for use, made in buckets.items():
            storage.BucketIAMMember(
                f"{name}-{use}-profile",
                bucket=made.name,
                role=role.name,
                member=site.cluster_agent,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for namespace, place in namespaces.items():
                self._mount(use, made, namespace, place)
        self.claims = [f"{namespace}/{claim(use)}" for namespace in namespaces for use in buckets]
        self.register_outputs({"claims": self.claims})

    def _mount(self, use: str, made: storage.Bucket, namespace: str, place: pulumi.Input[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        name, site = f"{self._name}-{namespace}-{use}", self._site
        storage.BucketIAMMember(
            f"{name}-pods",
            bucket=made.name,
            role="roles/storage.objectUser",
            member=pods_of(site, namespace),
            opts=child,
        )
        labels = tags.labels(site, "object-store")
        volume = PersistentVolume(
            f"{name}-volume",
            metadata={"name": f"{site.prefix}-{namespace}-{use}", "labels": labels},
            spec={
                "capacity": {"storage": NOMINAL_SIZE},
                "access_modes": ["ReadWriteMany"],
                "persistent_volume_reclaim_policy": "Retain",
                "storage_class_name": PROFILES[use],
                "mount_options": ["implicit-dirs"],
                "claim_ref": {"namespace": namespace, "name": claim(use)},
                "csi": {"driver": DRIVER, "volume_handle": made.name},
            },
            opts=child,
        )
        PersistentVolumeClaim(
            f"{name}-claim",
            metadata={"name": claim(use), "namespace": place, "labels": labels},
            spec={
                "access_modes": ["ReadWriteMany"],
                "storage_class_name": PROFILES[use],
                "volume_name": volume.metadata.name,
                "resources": {"requests": {"storage": NOMINAL_SIZE}},
            },
            opts=child,
        )


def claim(use: str) -> str:
    """Name of the claim on a bucket."""
    return f"bucket-{use}"


def pods_of(site: GcpSite, namespace: str) -> str:
    """All pods of a namespace as one IAM member (GKE documentation, "Workload Identity Federation": principals)."""
    pool = f"projects/{site.number}/locations/global/workloadIdentityPools/{site.workload_pool}"
    return f"principalSet://iam.googleapis.com/{pool}/namespace/{namespace}"
