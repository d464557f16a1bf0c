"""A pool of plain CPU nodes: for the cluster's own services, or set aside for one job.

Holds the spec and the node group. Accelerators belong to `accelerator_pool`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import pulumi
from pydantic import Field

from components import tags
from components.cluster import Cluster
from components.node_group import NodeGroup, NodeGroupPlan
from components.placement import FILE_SYSTEM_LABEL, POOL_LABEL, Placement, Taint
from components.pool_spec import PoolSpec
from components.purchase import OnDemand, Spot
from components.site import Site
from components.spec import Problem, Zone
from components.user_data import node_config, user_data

AMI_TYPES = {"x86_64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}
COMPONENT = "system-pool"
DEDICATED = "dc/dedicated"


class SystemPoolSpec(PoolSpec):
    """Which CPU nodes, how many, where."""

    zones: tuple[Zone, ...] | None = Field(
        None, min_length=1, description="Zones to spread the nodes over. Default: all zones of the network."
    )
    purchase: Annotated[OnDemand | Spot, Field(discriminator="model")] = Field(
        OnDemand(model="on-demand"), description="How the nodes are bought: on-demand or spot. Default: on-demand."
    )
    mount_file_system: bool = Field(False, description="Whether pods of the pool can mount the parallel file system.")
    dedicated: bool = Field(False, description="Whether a taint keeps everything off that does not ask for this pool.")

    def machine_problems(self) -> Iterator[Problem]:
        if self.instance.accelerator is not None:
            yield Problem(("instance-type",), f"{self.instance_type} has accelerators. Put it under pools.")
        elif reason := self.purchase.unsupported(self.instance):
            yield Problem(("purchase", "model"), reason)


def node_group_plan(pool: str, spec: SystemPoolSpec, site: Site) -> NodeGroupPlan:
    """What the node group will be."""
    boot = user_data(node_config(spec.instance))
    return NodeGroupPlan(
        placement=Placement(
            pool=pool,
            instance=spec.instance,
            nodes=spec.nodes,
            taint=Taint(DEDICATED, pool) if spec.dedicated else None,
            mounts_file_system=spec.mount_file_system,
        ),
        component=COMPONENT,
        ami_type=AMI_TYPES[spec.instance.arch],
        capacity_type=spec.purchase.capacity_type,
        minimum=spec.smallest,
        maximum=spec.largest,
        volume_gib=spec.root_volume_gib,
        labels={
            **tags.node_labels(site, COMPONENT),
            POOL_LABEL: pool,
            **({FILE_SYSTEM_LABEL: "true"} if spec.mount_file_system else {}),
        },
        template={"user_data": boot} if boot else {},
    )


class SystemPool(pulumi.ComponentResource):
    """CPU nodes of one type."""

    placement: Placement
    node_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: SystemPoolSpec,
        *,
        site: Site,
        cluster: Cluster,
        subnet_ids: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's name on labels and tags; `subnet_ids` are the private subnets by zone."""
        super().__init__("aidc:system_pool:SystemPool", name, None, opts)
        plan = node_group_plan(name, spec, site)
        group = NodeGroup(
            name,
            plan,
            site=site,
            cluster=cluster,
            subnet_ids=[subnet_ids[zone] for zone in spec.zones or subnet_ids],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.placement, self.node_group_name = plan.placement, group.name
        self.register_outputs({"node_group_name": self.node_group_name})
