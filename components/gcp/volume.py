"""What a volume must know of a file system on Google Cloud: its CSI driver and how it is named there.

Attributes as in GoogleCloudPlatform/cluster-toolkit, modules/file-system/gke-persistent-volume/templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    id: pulumi.Output[str]
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
            "volume_attributes": {"ip": self._address(), "volume": self.share},
        }

    @property
    def mount_options(self) -> list[str]:
        return []

    def _address(self) -> pulumi.Output[str]:
        """Known once the instance is there: its id is asked for so that a preview does not take the networks that were
        given for those that Google has answered."""
        return pulumi.Output.all(self.id, self.networks).apply(lambda parts: first_address(parts[1]))


def lustre_handle(identity: str) -> str:
    """`projects/p/locations/z/instances/n` -> `p/z/n/default-pool/default-container`."""
    parts = identity.split("/")
    return "/".join([*parts[1::2], "default-pool", "default-container"])


def first_address(networks: Sequence[Any]) -> str:
    """Address of the first network of a Filestore instance."""
    first: Any = networks[0]
    addresses = (first.get("ip_addresses") or first.get("ipAddresses")) if isinstance(first, Mapping) else None
    return (addresses or getattr(first, "ip_addresses", None) or [""])[0]
