"""A stack file for Google Cloud: all its specs put together. Rules between sections are in `stacks.gcp_rules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from components.gcp.budget import GcpBudgetSpec
from components.gcp.cache import MemorystoreSpec
from components.gcp.cluster_spec import GkeClusterSpec
from components.gcp.database import CloudSqlSpec
from components.gcp.disk_class import DiskClassSpec
from components.gcp.fields import GcpRegion, ProjectId, ProjectNumber
from components.gcp.file_system import GcpFileSystemSpec
from components.gcp.gpu_pool import GpuPoolSpec
from components.gcp.image_build import ImageBuildSpec
from components.gcp.logs import LogsSpec
from components.gcp.network import GcpNetworkSpec
from components.gcp.object_store import GcpObjectStoreSpec
from components.gcp.project import GcpSite
from components.gcp.system_pool import GcpSystemPoolSpec
from components.gcp.tpu_pool import TpuPoolSpec
from components.image_registry_spec import ImageRegistrySpec
from components.spec import Name
from stacks.sections import CommonConfig


def _kind(given: Any) -> str:
    """A pool of TPUs says which; everything else has a machine type."""
    is_tpu = "tpu" in given if isinstance(given, Mapping) else isinstance(given, TpuPoolSpec)
    return "tpu" if is_tpu else "gpu"


Pool = Annotated[Annotated[TpuPoolSpec, Tag("tpu")] | Annotated[GpuPoolSpec, Tag("gpu")], Discriminator(_kind)]
"""Accelerator nodes: slices of TPUs, or machines with GPUs."""


class GcpConfig(CommonConfig):
    """One data center on Google Cloud: what `stacks/Pulumi.<stack>.yaml` says under `config`."""

    cloud: Literal["gcp"] = Field(description="Where the data center stands: aws, or gcp for Google Cloud.")
    project: ProjectId = Field(alias="gcp:project", description="The project of everything in the stack.")
    region: GcpRegion = Field(alias="gcp:region", description="Region of everything in the stack.")
    project_number: ProjectNumber = Field(
        description="Number of the project, in quotes (`gcloud projects describe`): it names Google's own accounts."
    )
    network: GcpNetworkSpec = Field(description="The VPC.")
    cluster: GkeClusterSpec = Field(description="The Kubernetes control plane.")
    system_pools: dict[Name, GcpSystemPoolSpec] = Field(
        min_length=1, description="CPU nodes by pool name. One pool must be open to the cluster's own services."
    )
    pools: dict[Name, Pool] = Field(
        default={}, description="Accelerator nodes by pool name: with `tpu` slices, else GPUs."
    )
    file_system: GcpFileSystemSpec | None = Field(None, description="Shared file system: Managed Lustre or Filestore.")
    object_store: GcpObjectStoreSpec | None = Field(None, description="Buckets for data, checkpoints and models.")
    disks: dict[Name, DiskClassSpec] = Field(default={}, description="Storage classes of Hyperdisk by name.")
    image_registry: ImageRegistrySpec | None = Field(None, description="Private repositories for container images.")
    image_builder: ImageBuildSpec | None = Field(None, description="Images built from a connected repository.")
    database: CloudSqlSpec | None = Field(None, description="PostgreSQL (Cloud SQL).")
    cache: MemorystoreSpec | None = Field(None, description="Cache in memory (Memorystore for Valkey).")
    logs: LogsSpec | None = Field(None, description="Where logs are kept. Default: Google's thirty days.")
    budget: GcpBudgetSpec | None = Field(  # pyright: ignore[reportIncompatibleVariableOverride] - frozen, so narrower
        None, description="What the stack may cost."
    )

    @property
    def managed_services(self) -> bool:
        """Whether anything stands in the network of Google's managed services."""
        return self.file_system is not None or self.database is not None

    @property
    def lustre(self) -> bool:
        """Whether the shared file system is Managed Lustre."""
        return self.file_system is not None and self.file_system.model == "lustre"

    @property
    def multi_network(self) -> bool:
        """Whether nodes of a pool have GPU networks."""
        return any(isinstance(pool, GpuPoolSpec) and pool.network.fabric != "none" for pool in self.pools.values())

    def place(self) -> GcpSite:
        """The identity with project and region."""
        return GcpSite(self.site, self.project, self.region, self.project_number)
