"""What a volume must know of a file system on Google Cloud: its CSI driver and how it is named there.

Attributes as in GoogleCloudPlatform/cluster-toolkit, modules/file-system/gke-persistent-volume/templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True)
class LustreSource:
    """A Managed Lustre instance."""

    id: pulumi.Output[str]
    """projects/<project>/locations/<zone>/instances/<name>."""
    mount_point: pulumi.Output[str]
    """<address>@tcp:/<file system>."""
    capacity_gib: int
    mb_s_per_tib: int
    efa: bool = False

    @property
    def csi(self) -> dict[str, Any]:
        """The volume's source."""
        return {
            "driver": "lustre.csi.storage.gke.io",
            "volume_handle": self.id.apply(lustre_handle),
            "volume_attributes": {
                "ip": self.mount_point.apply(lambda point: point.partition("@")[0]),
                "filesystem": self.mount_point.apply(lambda point: point.rpartition("/")[2]),
            },
        }

    @property
    def mount_options(self) -> list[str]:
        return ["flock"]


@dataclass(frozen=True)
class FilestoreSource:
    """A Filestore instance."""

    name: pulumi.Output[str]
    networks: pulumi.Output[Any]
    location: str
    share: str
    capacity_gib: int
    mb_s_per_tib: int = 0
    """Not stated: it depends on the tier's range."""
    efa: bool = False

    @property
    def csi(self) -> dict[str, Any]:
        """The volume's source."""
        return {
            "driver": "filestore.csi.storage.gke.io",
            "volume_handle": self.name.apply(lambda name: f"modeInstance/{self.location}/{name}/{self.share}"),
            "volume_attributes": {"ip": self.networks.apply(first_address), "volume": self.share},
        }

    @property
    def mount_options(self) -> list[str]:
        return []


def lustre_handle(identity: str) -> str:
    """`projects/p/locations/z/instances/n` -> `p/z/n/default-pool/default-container`."""
    parts = identity.split("/")
    return "/".join([*parts[1::2], "default-pool", "default-container"])


def first_address(networks: Sequence[Any]) -> str:
    """Address of the first network of a Filestore instance; empty until Google has given one."""
    addresses = (networks[0] or {}).get("ip_addresses") if networks and isinstance(networks[0], dict) else None
    if addresses is None and networks:
        addresses = getattr(networks[0], "ip_addresses", None)
    return addresses[0] if addresses else ""
