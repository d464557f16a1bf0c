"""A Lustre file system as pods of one namespace see it: a static volume and the claim on it.

Static volumes need no controller and no AWS rights in the cluster; the file system outlives both.
"""

from __future__ import annotations

import pulumi
from pulumi_aws import fsx
from pulumi_kubernetes.core.v1 import PersistentVolume, PersistentVolumeClaim

from components import tags
from components.namespace import Namespace
from components.site import Site

DRIVER = "fsx.csi.aws.com"
CLAIM = "file-system"


class FileSystemVolume(pulumi.ComponentResource):
    """A namespace with a claim that many pods on many nodes read and write at once."""

    claim: str

    def __init__(
        self,
        name: str,
        namespace: str,
        system: fsx.LustreFileSystem,
        *,
        capacity_gib: int,
        site: Site,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:file_system_volume:FileSystemVolume", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = tags.labels(site, "file-system")
        place = Namespace(name, namespace, site=site, part="file-system", pod_security="baseline", opts=child)
        volume = PersistentVolume(
            f"{name}-volume",
            metadata={"name": f"{site.prefix}-{name}", "labels": labels},
            spec={
                "capacity": {"storage": f"{capacity_gib}Gi"},
                "access_modes": ["ReadWriteMany"],
                "persistent_volume_reclaim_policy": "Retain",
                "storage_class_name": "",
                "volume_mode": "Filesystem",
                "mount_options": ["flock"],
                "claim_ref": {"namespace": namespace, "name": CLAIM},
                "csi": {
                    "driver": DRIVER,
                    "volume_handle": system.id,
                    "volume_attributes": {"dnsname": system.dns_name, "mountname": system.mount_name},
                },
            },
            opts=child,
        )
        PersistentVolumeClaim(
            f"{name}-claim",
            metadata={"name": CLAIM, "namespace": place.name, "labels": labels},
            spec={
                "access_modes": ["ReadWriteMany"],
                "storage_class_name": "",
                "volume_name": volume.metadata.name,
                "resources": {"requests": {"storage": f"{capacity_gib}Gi"}},
            },
            opts=child,
        )
        self.claim = CLAIM
        self.register_outputs({"claim": self.claim})
