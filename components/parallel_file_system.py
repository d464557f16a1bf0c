"""A parallel file system (FSx for Lustre) beside the accelerators, filled from the object store, mounted by pods.

Holds the spec with its size rules, the file system with key, log and security group, its links to buckets, and a static
volume and claim per namespace. The CSI driver that mounts it is in `device_plugins`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pulumi
from pulumi_aws import cloudwatch, fsx
from pydantic import Field

from catalog import limits, lustre, prices
from components import encryption, tags
from components.accelerator_pool import AcceleratorPoolSpec
from components.encryption import EncryptionKey
from components.file_system_access import Clients, FileSystemAccess
from components.file_system_volume import FileSystemVolume, LustreSource
from components.site import Site
from components.spec import GiB, Name, Problem, Retention, Spec, Zone

DEPLOYMENT = "PERSISTENT_2"
LUSTRE_VERSION = "2.15"
METADATA_LIMIT = "fsx-lustre-metadata-iops"
LINKS = {"data": ("NEW", "CHANGED", "DELETED"), "checkpoints": ("NEW", "CHANGED")}
"""Buckets linked to a directory of the same name, and the changes that travel. A checkpoint deleted to make room on the
file system stays in its bucket."""
HOURS_PER_MONTH = 730


class FileSystemSpec(Spec):
    """Size, speed and reach of the file system."""

    zone: Zone = Field(description="Zone of the file system: that of the pools which use it most.")
    storage_gib: GiB = Field(description="Capacity in GiB: 1200, 2400 and multiples of 2400; larger steps with EFA.")
    throughput: int = Field(
        description="Megabytes per second that each TiB brings: 125, 250, 500 or 1000. Fixed at creation."
    )
    efa: bool = Field(
        False,
        description="Whether clients may reach it through EFA: nodes of pools with EFA in its zone are set up for it "
        "when they boot, all others mount over TCP. Fixed at creation.",
    )
    compression: bool = Field(True, description="Whether data is compressed on disk (LZ4).")
    metadata_iops: int | None = Field(
        None, description="Metadata operations per second. Default: what AWS gives for the capacity."
    )
    link_buckets: bool = Field(
        False, description="Whether the buckets data and checkpoints of the object store appear as directories."
    )
    backup_days: int = Field(
        0, ge=0, le=90, description="Days that daily backups are kept; 0 makes none. Not together with link-buckets."
    )
    namespaces: tuple[Name, ...] = Field(
        ("training",), description="Kubernetes namespaces that get a claim named file-system. They are created."
    )
    log_retention_days: Retention = Field(90, description="How long logs of the links are kept, in days.")
    protect: bool = Field(True, description="Whether Pulumi refuses to delete the file system.")

    def problems(self) -> Iterator[Problem]:
        tier = lustre.tier(DEPLOYMENT, throughput=self.throughput, efa=self.efa)
        if tier is None:
            offered = ", ".join(map(str, lustre.throughputs(DEPLOYMENT, efa=self.efa)))
            yield Problem(("throughput",), f"{self.throughput} is not offered. Choose one of {offered}.")
        elif not tier.capacity.allows(self.storage_gib):
            near = " or ".join(f"{size:g}" for size in tier.capacity.nearest(self.storage_gib))
            how = f"{self.throughput} MB/s per TiB{' and EFA' if self.efa else ''}"
            yield Problem(
                ("storage-gib",),
                f"{self.storage_gib} is not on a step of {how}. Allowed: {tier.capacity.describe()}; nearest: {near}.",
            )
        allowed = limits[METADATA_LIMIT]
        if self.metadata_iops is not None and not allowed.allows(self.metadata_iops):
            yield Problem(("metadata-iops",), f"{self.metadata_iops} is not offered. Allowed: {allowed.describe()}.")
        if self.backup_days and self.link_buckets:
            yield Problem(
                ("backup-days",),
                f"{self.backup_days} with link-buckets: FSx makes no backups of a file system that is linked to "
                "buckets. Set it to 0 (the buckets are the copy) or take link-buckets out.",
            )

    def reached_over_efa(self, pool: AcceleratorPoolSpec) -> bool:
        """Whether nodes of a pool can reach it through EFA, which does not cross zones and not every type can use."""
        can = pool.mount_file_system and bool(pool.instance.fsx_lustre_efa_interfaces)
        return self.efa and pool.zone == self.zone and can

    def usd_per_hour(self, region: str) -> Decimal | None:
        """Price of the capacity; None when the tier's price is not known."""
        dimension = f"SSD storage, {DEPLOYMENT}, {self.throughput} MB/s/TiB"
        price = prices.service("aws_fsx_lustre_file_system", dimension, region)
        return (price.usd * self.storage_gib / HOURS_PER_MONTH).quantize(Decimal("0.0001")) if price else None


class ParallelFileSystem(pulumi.ComponentResource):
    """An FSx for Lustre file system and the ways to it."""

    id: pulumi.Output[str]
    claims: dict[str, str]
    """Name of the claim by namespace."""
    source: LustreSource
    """For volumes in further namespaces."""

    def __init__(
        self,
        name: str,
        spec: FileSystemSpec,
        *,
        site: Site,
        vpc_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        clients: Clients,
        bucket_names: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`bucket_names` by use; read only where the spec links buckets."""
        super().__init__("aidc:parallel_file_system:ParallelFileSystem", name, None, opts)
        self._name, self._spec, self._site = name, spec, site
        child = pulumi.ResourceOptions(parent=self)
        access = FileSystemAccess(name, clients, site=site, vpc_id=vpc_id, fabric=spec.efa, opts=child)
        system = self._file_system(subnet_id, access)
        self.id = system.id
        self.source = LustreSource(
            system.id, system.dns_name, system.mount_name, spec.storage_gib, spec.throughput, spec.efa
        )
        if spec.link_buckets:
            self._link(system, bucket_names)
        self.claims = {
            namespace: FileSystemVolume(f"{name}-{namespace}", namespace, self.source, site=site, opts=child).claim
            for namespace in spec.namespaces
        }
        self.register_outputs({"id": self.id})

    def _file_system(self, subnet_id: pulumi.Input[str], access: FileSystemAccess) -> fsx.LustreFileSystem:
        name, spec, site = self._name, self._spec, self._site
        kept = pulumi.ResourceOptions(parent=self, protect=spec.protect)
        key = EncryptionKey(
            name,
            site=site,
            purpose="the parallel file system",
            part="file-system",
            statements=[encryption.logs(site)],
            opts=kept,
        )
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/fsx/{site.prefix}",  # FSx writes only to groups that start so
            retention_in_days=spec.log_retention_days,
            kms_key_id=key.arn,
            tags=tags.component("file-system"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        derived = tags.derived(
            usd_per_hour=spec.usd_per_hour(site.region), purchase="on-demand", power_kw_max=None, accelerator=None
        )
        return fsx.LustreFileSystem(
            f"{name}-lustre",
            deployment_type=DEPLOYMENT,
            file_system_type_version=LUSTRE_VERSION,
            storage_type="SSD",
            storage_capacity=spec.storage_gib,
            per_unit_storage_throughput=spec.throughput,
            efa_enabled=spec.efa,
            data_compression_type="LZ4" if spec.compression else "NONE",
            metadata_configuration=(
                {"mode": "USER_PROVISIONED", "iops": spec.metadata_iops}
                if spec.metadata_iops
                else {"mode": "AUTOMATIC"}
            ),
            automatic_backup_retention_days=spec.backup_days,
            copy_tags_to_backups=True if spec.backup_days else None,  # FSx takes it only with backups
            skip_final_backup=not spec.backup_days,
            kms_key_id=key.arn,
            log_configuration={"destination": logs.arn, "level": "WARN_ERROR"},
            subnet_ids=subnet_id,
            security_group_ids=[access.group_id],
            tags={**tags.component("file-system", name=f"{site.prefix}-{name}"), **derived},
            opts=pulumi.ResourceOptions(parent=self, protect=spec.protect, depends_on=access.rules),
        )

    def _link(self, system: fsx.LustreFileSystem, bucket_names: Mapping[str, pulumi.Input[str]]) -> None:
        """Directories that are buckets: names appear at once, contents on first read."""
        for bucket, events in LINKS.items():
            fsx.DataRepositoryAssociation(
                f"{self._name}-link-{bucket}",
                file_system_id=system.id,
                file_system_path=f"/{bucket}",
                data_repository_path=pulumi.Output.concat("s3://", bucket_names[bucket]),
                batch_import_meta_data_on_create=True,
                s3={
                    "auto_import_policy": {"events": ["NEW", "CHANGED", "DELETED"]},
                    "auto_export_policy": {"events": list(events)},
                },
                tags=tags.component("file-system"),
                opts=pulumi.ResourceOptions(parent=self),
            )
