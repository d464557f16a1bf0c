"""A file system that many pods share: Managed Lustre for throughput, or Filestore (NFS).

Holds the specs with their steps, the key, the instance, and what a volume must know of it. Volumes and claims are made
by `file_system_volume`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal

import pulumi
from pulumi_gcp import filestore, lustre
from pydantic import Field

from catalog import limits
from catalog.limit import plain
from components.file_system_volume import FileSystemVolume
from components.gcp import labels
from components.gcp.agent import agent
from components.gcp.encryption import EncryptionKey
from components.gcp.fields import GcpZone
from components.gcp.project import GcpSite
from components.gcp.volume import FilestoreSource, LustreSource
from components.spec import GiB, Name, Problem, Spec

FILE_SYSTEM, SHARE = "lustre", "share"
COMPONENT = "file-system"


class SharedFileSystemSpec(Spec):
    """What both kinds have."""

    zone: GcpZone = Field(description="Zone of the file system: that of the pools which use it most.")
    storage_gib: GiB = Field(description="Capacity in GiB, on a step of its tier.")
    namespaces: tuple[Name, ...] = Field(
        ("training",), description="Kubernetes namespaces that get a claim named file-system. They are created."
    )
    protect: bool = Field(True, description="Whether Pulumi and Google refuse to delete the file system.")

    def _steps(self, what: str, *names: str) -> Iterator[Problem]:
        allowed = [limits[name] for name in names]
        if not any(limit.allows(self.storage_gib) for limit in allowed):
            near = sorted({size for limit in allowed for size in limit.nearest(self.storage_gib)})
            nearest = " or ".join(
                plain(size) for size in sorted(near, key=lambda size: abs(size - self.storage_gib))[:2]
            )
            ranges = " or ".join(
                f"{plain(limit.minimum or 0)} to {plain(limit.maximum or 0)} in steps of {plain(limit.step or 1)}"
                for limit in allowed
            )
            yield Problem(
                ("storage-gib",),
                f"{self.storage_gib} is not on a step of {what}. Allowed: {ranges} GiB; nearest: {nearest}.",
            )


class ManagedLustreSpec(SharedFileSystemSpec):
    """Managed Lustre: parallel, as fast as its tier and size say."""

    model: Literal["lustre"] = Field(description="Managed Lustre.")
    throughput: Literal[125, 250, 500, 1000] = Field(
        description="Megabytes per second that each TiB brings. Fixed at creation."
    )

    def problems(self) -> Iterator[Problem]:
        yield from self._steps(f"{self.throughput} MB/s per TiB", f"managed-lustre-{self.throughput}")


class FilestoreSpec(SharedFileSystemSpec):
    """Filestore: NFS for code, small files and home folders."""

    model: Literal["filestore"] = Field(description="Filestore (NFS).")
    tier: Literal["zonal", "regional"] = Field("zonal", description="In one zone, or replicated in the region.")
    protocol: Literal["nfs-v3", "nfs-v4-1"] = Field("nfs-v3", description="Version of NFS. Fixed at creation.")

    def problems(self) -> Iterator[Problem]:
        yield from self._steps(f"tier {self.tier}", f"filestore-{self.tier}", f"filestore-{self.tier}-large")


GcpFileSystemSpec = Annotated[ManagedLustreSpec | FilestoreSpec, Field(discriminator="model")]


class GcpFileSystem(pulumi.ComponentResource):
    """A shared file system with claims on it."""

    id: pulumi.Output[str]
    source: LustreSource | FilestoreSource
    """What further volumes must know."""
    claims: dict[str, str]

    def __init__(
        self,
        name: str,
        spec: ManagedLustreSpec | FilestoreSpec,
        *,
        site: GcpSite,
        network_id: pulumi.Input[str],
        network_name: pulumi.Input[str],
        peering: pulumi.Resource | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`peering`: private services access, which must be there first. `opts` carries both providers."""
        super().__init__("aidc:gcp/file_system:GcpFileSystem", name, None, opts)
        self._name, self._site = name, site
        waits = pulumi.ResourceOptions(parent=self, protect=spec.protect, depends_on=[peering] if peering else [])
        if isinstance(spec, ManagedLustreSpec):
            made = self._lustre(spec, network_id, waits)
            self.id = made.id
            self.source = LustreSource(made.id, made.mount_point, spec.storage_gib, spec.throughput)
        else:
            share = self._filestore(spec, network_name, waits)
            self.id = share.id
            where = spec.zone if spec.tier == "zonal" else site.region
            self.source = FilestoreSource(share.id, share.name, share.networks, where, SHARE, spec.storage_gib)
        volumes = {
            namespace: FileSystemVolume(
                f"{name}-{namespace}", namespace, self.source, site=site, opts=pulumi.ResourceOptions(parent=self)
            )
            for namespace in spec.namespaces
        }
        self.claims = {namespace: volume.claim for namespace, volume in volumes.items()}
        self.register_outputs({"id": self.id})

    def _key(self, service: str) -> EncryptionKey:
        child = pulumi.ResourceOptions(parent=self)
        user = agent(self._name, service, site=self._site, opts=child)
        return EncryptionKey(self._name, site=self._site, part=COMPONENT, users={service: user}, opts=child)

    def _lustre(
        self, spec: ManagedLustreSpec, network_id: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> lustre.Instance:
        return lustre.Instance(
            f"{self._name}-instance",
            instance_id=f"{self._site.prefix}-{self._name}",
            location=spec.zone,
            filesystem=FILE_SYSTEM,
            capacity_gib=str(spec.storage_gib),
            per_unit_storage_throughput=str(spec.throughput),
            network=network_id,
            kms_key=self._key("lustre").id,
            labels=file_system_labels("managed-lustre"),
            opts=opts,
        )

    def _filestore(
        self, spec: FilestoreSpec, network_name: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> filestore.Instance:
        return filestore.Instance(
            f"{self._name}-instance",
            name=f"{self._site.prefix}-{self._name}",
            location=spec.zone if spec.tier == "zonal" else self._site.region,
            tier=spec.tier.upper(),
            protocol=spec.protocol.upper().replace("-", "_"),
            file_shares={"name": SHARE, "capacity_gb": spec.storage_gib},
            networks=[{"network": network_name, "modes": ["MODE_IPV4"], "connect_mode": "PRIVATE_SERVICE_ACCESS"}],
            kms_key_name=self._key("file").id,
            deletion_protection_enabled=spec.protect,
            labels=file_system_labels(f"filestore-{spec.tier}"),
            opts=opts,
        )


def file_system_labels(kind: str) -> dict[str, str]:
    """Identity of the component, and what is known of cost and power: their prices are not in the catalog."""
    price: Decimal | None = None
    return labels.component(COMPONENT) | labels.derived(
        usd_per_hour=price, purchase="on-demand", power_kw_max=None, accelerator=kind
    )
