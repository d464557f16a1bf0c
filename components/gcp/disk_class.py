"""Storage classes for volumes that one pod has to itself: Hyperdisk, under the cluster's key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pulumi
from pulumi_kubernetes.storage.v1 import StorageClass
from pydantic import Field

from components import tags
from components.gcp.project import GcpSite
from components.spec import Problem, Spec

DRIVER = "pd.csi.storage.gke.io"


class DiskClassSpec(Spec):
    """Kind and speed of the disks of a class."""

    type: Literal["hyperdisk-balanced", "hyperdisk-throughput", "hyperdisk-extreme", "hyperdisk-ml"] = Field(
        "hyperdisk-balanced",
        description="Kind of Hyperdisk. hyperdisk-ml is read by many nodes at once once it is filled.",
    )
    iops: int | None = Field(None, ge=1, description="Provisioned operations per second. Default: Google's.")
    throughput_mib: int | None = Field(None, ge=1, description="Provisioned MiB per second. Default: Google's.")
    keep: bool = Field(True, description="Whether a disk outlives its claim.")

    def problems(self) -> Iterator[Problem]:
        """Compute Engine documentation, "About Hyperdisk": each kind is provisioned by its own figure."""
        if self.iops is not None and self.type in ("hyperdisk-throughput", "hyperdisk-ml"):
            yield Problem(("iops",), f"{self.type} is provisioned by throughput. Give throughput-mib, or leave it out.")
        if self.throughput_mib is not None and self.type == "hyperdisk-extreme":
            yield Problem(("throughput-mib",), "hyperdisk-extreme is provisioned by iops. Give iops, or leave it out.")


def parameters(spec: DiskClassSpec) -> dict[str, str]:
    """Parameters of the driver (GKE documentation, "Hyperdisk: StorageClass")."""
    iops = {"provisioned-iops-on-create": str(spec.iops)} if spec.iops else {}
    throughput = {"provisioned-throughput-on-create": f"{spec.throughput_mib}Mi"} if spec.throughput_mib else {}
    return {"type": spec.type, **iops, **throughput}


def disk_class(
    name: str,
    spec: DiskClassSpec,
    *,
    site: GcpSite,
    key_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> StorageClass:
    """The storage class of this name. Disks are made where their pod runs."""
    return StorageClass(
        f"disks-{name}",
        metadata={"name": name, "labels": tags.labels(site, "disks")},
        provisioner=DRIVER,
        parameters={**parameters(spec), "disk-encryption-kms-key": key_id},
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
        reclaim_policy="Retain" if spec.keep else "Delete",
        opts=opts,
    )
