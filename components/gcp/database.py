"""A database on Google Cloud (Cloud SQL for PostgreSQL): private, encrypted, backed up, without passwords.

Who may log in is an account of IAM. It keeps what experiments, queues and services remember; training data lies in
buckets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pulumi
from pulumi_gcp import sql
from pydantic import Field

from catalog import limits
from components.gcp import labels
from components.gcp.agent import agent
from components.gcp.encryption import EncryptionKey
from components.gcp.project import GcpSite
from components.spec import GiB, Name, Problem, Spec, Text

IAM_LOGIN = {"name": "cloudsql.iam_authentication", "value": "on"}

Tier = Annotated[
    str,
    Text(
        r"db-(f1-micro|g1-small|custom-\d+-\d+)",
        "a tier of PostgreSQL such as db-custom-4-16384 (4 vCPU, 16384 MiB), db-g1-small or db-f1-micro",
    ),
]


class CloudSqlSpec(Spec):
    """Size, version and care of the database."""

    version: Literal["POSTGRES_15", "POSTGRES_16", "POSTGRES_17"] = Field(
        "POSTGRES_17", description="Engine and major version."
    )
    tier: Tier = Field("db-custom-2-8192", description="Machine tier, such as db-custom-4-16384 (4 vCPU, 16 GiB).")
    storage_gib: GiB = Field(50, ge=10, description="Size of the disk in GiB; it grows by itself.")
    high_availability: bool = Field(True, description="Whether a standby runs in another zone.")
    backup_days: int = Field(14, ge=1, le=365, description="Daily backups that are kept.")
    databases: tuple[Name, ...] = Field(("platform",), min_length=1, description="Databases in it.")
    protect: bool = Field(True, description="Whether Pulumi and Google refuse to delete it.")

    def problems(self) -> Iterator[Problem]:
        _, _, size = self.tier.partition("-custom-")
        if not size:
            return
        vcpus, memory = map(int, size.split("-"))
        for what, given in (("vcpus", vcpus), ("memory", memory)):
            limit = limits[f"cloud-sql-{what}"]
            if not limit.allows(given):
                yield Problem(("tier",), f"{self.tier}: {given} is not allowed. Allowed: {limit.describe()}.")
        share = limits["cloud-sql-memory-per-vcpu"]
        if vcpus and not share.allows(memory / 1024 / vcpus):
            yield Problem(("tier",), f"{self.tier}: {memory} MiB do not go with {vcpus} vCPU. {share.describe()}.")


class CloudSql(pulumi.ComponentResource):
    """A PostgreSQL instance in the network of the stack."""

    connection: pulumi.Output[str]
    """Name by which the Cloud SQL connectors find it."""
    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: CloudSqlSpec,
        *,
        site: GcpSite,
        network_id: pulumi.Input[str],
        peering: pulumi.Resource | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`peering`: private services access, which must be there first."""
        super().__init__("aidc:gcp/database:CloudSql", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        user = agent(name, "sqladmin", site=site, opts=child)
        key = EncryptionKey(name, site=site, part="database", users={"sqladmin": user}, opts=child)
        instance = sql.DatabaseInstance(
            f"{name}-instance",
            database_version=spec.version,
            region=site.region,
            encryption_key_name=key.id,
            deletion_protection=spec.protect,
            settings=settings(spec, network_id),
            opts=pulumi.ResourceOptions(
                parent=self, protect=spec.protect, depends_on=[peering] if peering is not None else []
            ),
        )
        for database in spec.databases:
            sql.Database(f"{name}-{database}", name=database, instance=instance.name, opts=child)
        self.connection, self.address = instance.connection_name, instance.private_ip_address
        self.register_outputs({"connection": self.connection})


def settings(spec: CloudSqlSpec, network_id: pulumi.Input[str]) -> Any:
    """No public address, TLS only, logins of IAM, point-in-time recovery."""
    return {
        "tier": spec.tier,
        "edition": "ENTERPRISE",
        "availability_type": "REGIONAL" if spec.high_availability else "ZONAL",
        "disk_type": "PD_SSD",
        "disk_size": spec.storage_gib,
        "disk_autoresize": True,
        "deletion_protection_enabled": spec.protect,
        "database_flags": [IAM_LOGIN],
        "ip_configuration": {
            "ipv4_enabled": False,
            "private_network": network_id,
            "ssl_mode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
        },
        "backup_configuration": {
            "enabled": True,
            "point_in_time_recovery_enabled": True,
            "backup_retention_settings": {"retained_backups": spec.backup_days, "retention_unit": "COUNT"},
        },
        "insights_config": {"query_insights_enabled": True},
        "maintenance_window": {"day": 6, "hour": 3, "update_track": "stable"},
        "user_labels": labels.component("database"),
    }
