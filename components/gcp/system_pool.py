"""A pool of plain CPU nodes on GKE: for the cluster's own services, or set aside for one job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pulumi
from pydantic import Field

from catalog import gcp_machines
from components import tags
from components.gcp import labels
from components.gcp.cluster import GkeCluster
from components.gcp.fields import GcpZone, MachineType
from components.gcp.node_pool import NodePoolPlan, node_pool, resource_labels
from components.gcp.pool_spec import GcpPoolSpec, unknown_machine
from components.gcp.project import GcpSite
from components.gcp.purchase import OnDemand, Spot
from components.placement import POOL_LABEL, Placement, Taint
from components.spec import Problem

COMPONENT = "system-pool"
DEDICATED = "dc/dedicated"


class GcpSystemPoolSpec(GcpPoolSpec):
    """Which CPU nodes, how many, where."""

    machine_type: MachineType = Field(description="Google machine type without accelerators, such as n2-standard-8.")
    nodes: int = Field(ge=0, description="Nodes wanted now, over all zones: the same number in each.")
    max: int | None = Field(None, ge=1, description="Most nodes an autoscaler may make. Default: the number is fixed.")
    zones: tuple[GcpZone, ...] | None = Field(
        None, min_length=1, description="Zones to spread the nodes over. Default: all zones of the network."
    )
    purchase: Annotated[OnDemand | Spot, Field(discriminator="model")] = Field(
        OnDemand(model="on-demand"), description="How the nodes are bought: on-demand or spot. Default: on-demand."
    )
    dedicated: bool = Field(False, description="Whether a taint keeps everything off that does not ask for this pool.")

    def problems(self) -> Iterator[Problem]:
        machine = gcp_machines.get(self.machine_type)
        if machine is None:
            yield Problem(("machine-type",), unknown_machine(self.machine_type))
        elif machine.accelerator is not None:
            yield Problem(("machine-type",), f"{self.machine_type} has accelerators. Put it under pools.")
        if self.max is not None and self.max < self.nodes:
            yield Problem(("max",), f"{self.max} is less than nodes ({self.nodes}). Raise it or ask for fewer nodes.")


def placement(pool: str, spec: GcpSystemPoolSpec) -> Placement:
    """The pool as jobs see it."""
    return Placement(
        pool=pool,
        instance=gcp_machines[spec.machine_type],
        nodes=spec.nodes,
        taint=Taint(DEDICATED, pool) if spec.dedicated else None,
    )


def node_pool_plan(pool: str, spec: GcpSystemPoolSpec, site: GcpSite, zones: tuple[str, ...]) -> NodePoolPlan:
    """What the node pool will be, in `zones`: GKE makes the same number of nodes in every zone."""
    machine = gcp_machines[spec.machine_type]
    derived = labels.derived(
        usd_per_hour=spec.purchase.usd_per_hour(machine, site.region),
        purchase=spec.purchase.model,
        power_kw_max=None,
        accelerator=None,
    )
    return NodePoolPlan(
        placement=placement(pool, spec),
        component=COMPONENT,
        zones=zones,
        nodes=spec.nodes // len(zones),
        minimum=spec.nodes,
        maximum=spec.max or spec.nodes,
        static=spec.max is None,
        disk_gib=spec.disk_gib,
        labels={**tags.node_labels(site, COMPONENT), POOL_LABEL: pool},
        resource_labels=resource_labels(site, COMPONENT, pool, derived),
        node=spec.purchase.node_arguments(),
    )


class GcpSystemPool(pulumi.ComponentResource):
    """CPU nodes of one type."""

    placement: Placement
    node_pool_names: list[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: GcpSystemPoolSpec,
        *,
        site: GcpSite,
        cluster: GkeCluster,
        zones: tuple[str, ...],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's name on labels; `zones` are those of the network."""
        super().__init__("aidc:gcp/system_pool:GcpSystemPool", name, None, opts)
        plan = node_pool_plan(name, spec, site, spec.zones or zones)
        made = node_pool(f"{name}-nodes", None, plan, cluster=cluster, opts=pulumi.ResourceOptions(parent=self))
        self.placement, self.node_pool_names = plan.placement, [made.name]
        self.register_outputs({"node_pool": made.name})
