"""A stack file for AWS: all its specs put together. Rules between sections are in `stacks.aws_rules`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.accelerator_pool import AcceleratorPoolSpec
from components.cluster import ClusterSpec
from components.image_builder import ImageBuilderSpec
from components.image_registry import ImageRegistrySpec
from components.network import NetworkSpec
from components.object_store import ObjectStoreSpec
from components.parallel_file_system import FileSystemSpec
from components.site import Site
from components.spec import AccountId, Name, Region
from components.system_pool import SystemPoolSpec
from stacks.sections import CommonConfig


class AwsConfig(CommonConfig):
    """One data center on AWS: what `stacks/Pulumi.<stack>.yaml` says under `config`."""

    cloud: Literal["aws"] = Field("aws", description="Where the data center stands: aws, or gcp for Google Cloud.")
    region: Region = Field(alias="aws:region", description="Region of everything in the stack.")
    accounts: tuple[AccountId, ...] = Field(
        min_length=1,
        max_length=1,
        alias="aws:allowedAccountIds",
        description="The account of the stack, as a list of one; credentials of any other account are refused.",
    )
    network: NetworkSpec = Field(description="The VPC.")
    cluster: ClusterSpec = Field(description="The Kubernetes control plane.")
    system_pools: dict[Name, SystemPoolSpec] = Field(
        min_length=1, description="CPU nodes by pool name. One pool must be open to the cluster's own services."
    )
    pools: dict[Name, AcceleratorPoolSpec] = Field(default={}, description="Accelerator nodes by pool name.")
    file_system: FileSystemSpec | None = Field(None, description="Parallel file system (FSx for Lustre).")
    object_store: ObjectStoreSpec | None = Field(None, description="Buckets for data, checkpoints and models.")
    image_registry: ImageRegistrySpec | None = Field(None, description="Private repositories for container images.")
    image_builder: ImageBuilderSpec | None = Field(
        None, description="A CodeBuild project that builds images for `make image BUILDER=codebuild`; {} for one."
    )

    @property
    def control_plane_zones(self) -> tuple[str, ...]:
        return self.cluster.zones or self.network.zones[:2]

    def file_system_over_efa(self, pool: AcceleratorPoolSpec) -> bool:
        """Whether nodes of a pool can reach the file system through EFA."""
        return self.file_system is not None and self.file_system.reached_over_efa(pool)

    def place(self) -> Site:
        """The identity with account and region."""
        return Site(self.site, self.accounts[0], self.region)
