"""A shared file system as pods of a namespace see it: a static volume and the claim on it.

Static volumes need no controller and no rights of the cloud in the cluster; the file system outlives both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolume, PersistentVolumeClaim

from components import tags
from components.namespace import Namespace
from components.site import Site

DRIVER = "fsx.csi.aws.com"
CLAIM = "file-system"


class VolumeSource(Protocol):
    """What a volume must know of the file system it shows."""

    @property
    def capacity_gib(self) -> int: ...

    @property
    def mb_s_per_tib(self) -> int: ...

    @property
    def efa(self) -> bool: ...

    @property
    def csi(self) -> dict[str, Any]:
        """The volume's source, as Kubernetes wants it."""
        ...

    @property
    def mount_options(self) -> list[str]: ...


@dataclass(frozen=True)
class LustreSource:
    """A file system of FSx for Lustre."""

    id: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    mount_name: pulumi.Output[str]
    capacity_gib: int
    mb_s_per_tib: int
    efa: bool

    @property
    def csi(self) -> dict[str, Any]:
        return {
            "driver": DRIVER,
            "volume_handle": self.id,
            "volume_attributes": {"dnsname": self.dns_name, "mountname": self.mount_name},
        }

    @property
    def mount_options(self) -> list[str]:
        return ["flock"]


def mount(
    name: str, place: Namespace, namespace: str, source: VolumeSource, *, site: Site, opts: pulumi.ResourceOptions
) -> PersistentVolumeClaim:
    """The volume and the claim on it in one namespace; both are children of whoever asks."""
    labels = tags.labels(site, "file-system")
    spec: Any = {
        "capacity": {"storage": f"{source.capacity_gib}Gi"},
        "access_modes": ["ReadWriteMany"],
        "persistent_volume_reclaim_policy": "Retain",
        "storage_class_name": "",
        "volume_mode": "Filesystem",
        "mount_options": source.mount_options,
        "claim_ref": {"namespace": namespace, "name": CLAIM},
        "csi": source.csi,
    }
    volume = PersistentVolume(
        f"{name}-volume",
        metadata={"name": f"{site.prefix}-{name}", "labels": labels},
        spec=spec,
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
        source: VolumeSource,
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
