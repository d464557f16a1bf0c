"""A Lustre file system as pods of a namespace see it: a static volume and the claim on it.

Static volumes need no controller and no AWS rights in the cluster; the file system outlives both.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolume, PersistentVolumeClaim

from components import tags
from components.namespace import Namespace
from components.site import Site

DRIVER = "fsx.csi.aws.com"
CLAIM = "file-system"


@dataclass(frozen=True)
class LustreSource:
    """What a volume must know of the file system it shows."""

    id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    capacity_gib: int
    mb_s_per_tib: int
    efa: bool


def mount(
    name: str, place: Namespace, namespace: str, source: LustreSource, *, site: Site, opts: pulumi.ResourceOptions
) -> PersistentVolumeClaim:
    """The volume and the claim on it in one namespace; both are children of whoever asks."""
    labels = tags.labels(site, "file-system")
    volume = PersistentVolume(
        f"{name}-volume",
        metadata={"name": f"{site.prefix}-{name}", "labels": labels},
        spec={
            "capacity": {"storage": f"{source.capacity_gib}Gi"},
            "access_modes": ["ReadWriteMany"],
            "persistent_volume_reclaim_policy": "Retain",
            "storage_class_name": "",
            "volume_mode": "Filesystem",
            "mount_options": ["flock"],
            "claim_ref": {"namespace": namespace, "name": CLAIM},
            "csi": {
                "driver": DRIVER,
                "volume_handle": source.id,
                "volume_attributes": {"dnsname": source.dns_name, "mountname": source.mount_name},
            },
        },
        opts=opts,
    )
    return PersistentVolumeClaim(
        f"{name}-claim",
        metadata={"name": CLAIM, "namespace": place.name, "labels": labels},
        spec={
            "access_modes": ["ReadWriteMany"],
            "storage_class_name": "",
            "volume_name": volume.metadata.name,
            "resources": {"requests": {"storage": f"{source.capacity_gib}Gi"}},
        },
        opts=opts,
    )


class FileSystemVolume(pulumi.ComponentResource):
    """A namespace with a claim that many pods on many nodes read and write at once."""

    claim: str

    def __init__(
        self,
        name: str,
        namespace: str,
        source: LustreSource,
        *,
        site: Site,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:file_system_volume:FileSystemVolume", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = Namespace(name, namespace, site=site, part="file-system", pod_security="baseline", opts=child)
        mount(name, place, namespace, source, site=site, opts=child)
        self.claim = CLAIM
        self.register_outputs({"claim": self.claim})
