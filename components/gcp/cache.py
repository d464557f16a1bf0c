"""A cache in memory (Memorystore for Valkey): private, over TLS, with logins of IAM."""

from __future__ import annotations

from typing import Literal

import pulumi
from pulumi_gcp import memorystore, networkconnectivity
from pydantic import Field

from components.gcp import labels
from components.gcp.project import GcpSite
from components.spec import Spec

SERVICE_CLASS = "gcp-memorystore"


class MemorystoreSpec(Spec):
    """Size and version of the cache."""

    version: Literal["VALKEY_7_2", "VALKEY_8_0"] = Field("VALKEY_8_0", description="Engine and version.")
    node_type: Literal["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"] = Field(
        "STANDARD_SMALL", description="Size of a node."
    )
    shards: int = Field(1, ge=1, le=250, description="Parts that the keys are spread over.")
    replicas: int = Field(1, ge=0, le=5, description="Copies of each part in other zones.")
    protect: bool = Field(True, description="Whether Pulumi and Google refuse to delete it.")


class Memorystore(pulumi.ComponentResource):
    """A Valkey instance, reached through addresses in the stack's own subnet."""

    id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: MemorystoreSpec,
        *,
        site: GcpSite,
        network_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:gcp/cache:Memorystore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        allowed = networkconnectivity.ServiceConnectionPolicy(
            f"{name}-connection",
            location=site.region,
            service_class=SERVICE_CLASS,
            description="Addresses of the cache",
            network=network_id,
            psc_config={"subnetworks": [subnet_id]},
            labels=labels.component("cache"),
            opts=child,
        )
        instance = memorystore.Instance(
            f"{name}-instance",
            instance_id=f"{site.prefix}-{name}",
            location=site.region,
            engine_version=spec.version,
            node_type=spec.node_type,
            shard_count=spec.shards,
            replica_count=spec.replicas,
            authorization_mode="IAM_AUTH",
            transit_encryption_mode="SERVER_AUTHENTICATION",
            deletion_protection_enabled=spec.protect,
            desired_auto_created_endpoints=[{"network": network_id, "project_id": site.project}],
            labels=labels.component("cache"),
            opts=pulumi.ResourceOptions(parent=self, protect=spec.protect, depends_on=[allowed]),
        )
        self.id = instance.id
        self.register_outputs({"id": self.id})
