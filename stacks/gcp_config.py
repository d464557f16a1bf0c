"""A stack file for Google Cloud: all its specs put together. Rules between sections are in `stacks.gcp_rules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from components.gcp.cluster import GkeClusterSpec
from components.gcp.fields import GcpRegion, ProjectId, ProjectNumber
from components.gcp.gpu_pool import GpuPoolSpec
from components.gcp.network import GcpNetworkSpec
from components.gcp.project import GcpSite
from components.gcp.system_pool import GcpSystemPoolSpec
from components.gcp.tpu_pool import TpuPoolSpec
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

    def place(self) -> GcpSite:
        """The identity with project and region."""
        return GcpSite(self.site, self.project, self.region, self.project_number)
