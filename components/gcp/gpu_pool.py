"""A pool of GPU nodes on GKE: one machine type in one zone, with the networks its GPUs talk over.

Networks are `gpu_network`, NCCL's plugins `gpu_plugins`; drivers are installed by GKE.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, Literal

import pulumi
from pydantic import Field

from catalog import gcp_machines, power
from catalog.gcp_machine import GcpMachine, GpuNetwork
from catalog.instance import Accelerator
from components import tags
from components.gcp import gpu_network, labels
from components.gcp.cluster import GkeCluster
from components.gcp.fields import GcpZone, MachineType, region_of
from components.gcp.gpu_network import GpuNetworks
from components.gcp.gpu_plugins import FABRIC_LABEL
from components.gcp.node_pool import NodePoolPlan, node_pool, resource_labels
from components.gcp.pool_spec import GcpPoolSpec, unknown_machine
from components.gcp.project import GcpSite
from components.gcp.purchase import FlexStart, Purchase
from components.placement import POOL_LABEL, Placement, Taint
from components.spec import Cidr, Problem

COMPONENT = "gpu-pool"
VENDOR_LABEL = "dc/accelerator-vendor"
MAX_PODS = 32
"""Pods a GPU node holds (as xpk sets it)."""
TAINT = Taint("nvidia.com/gpu", "present")
NO_FABRIC = GpuNetwork(fabric="none", gpu_networks=0, extra_networks=0, mtu=None, profile=None)


class GpuPoolSpec(GcpPoolSpec):
    """Which GPU nodes, how many, where, bought how."""

    machine_type: MachineType = Field(description="Google machine type with GPUs, such as a3-ultragpu-8g.")
    zone: GcpZone = Field(description="The one zone of the pool: GPU networks do not cross zones.")
    nodes: int = Field(ge=0, description="Nodes wanted now; with flex-start the most that come.")
    purchase: Purchase = Field(description="How the nodes are bought.")
    placement: Literal["compact", "none"] | None = Field(
        None,
        description="Whether nodes stand close together. Default: compact where the type has a GPU network and the "
        "capacity is neither reserved (a reservation has its place) nor queued.",
    )
    fabric_cidr: Cidr = Field(
        IPv4Network("192.168.0.0/16"),
        description="Addresses of the GPU networks; they see no other network, so pools may share the range.",
    )
    driver: Literal["default", "latest"] = Field("latest", description="GPU driver that GKE installs.")

    @property
    def machine(self) -> GcpMachine:
        """The catalog's row. Raises UnknownMachine."""
        return gcp_machines[self.machine_type]

    @property
    def network(self) -> GpuNetwork:
        return self.machine.network or NO_FABRIC

    @property
    def placed(self) -> Literal["compact", "none"]:
        if self.placement is not None:
            return self.placement
        free = self.purchase.model != "reservation" and not _queued(self.purchase)
        return "compact" if self.network.fabric != "none" and self.nodes > 1 and free else "none"

    def problems(self) -> Iterator[Problem]:
        machine = gcp_machines.get(self.machine_type)
        if machine is None:
            yield Problem(("machine-type",), unknown_machine(self.machine_type))
            return
        if machine.accelerator is None:
            yield Problem(("machine-type",), f"{self.machine_type} has no GPU. Put it under system-pools.")
            return
        if machine.accelerator.vendor == "google":
            yield Problem(
                ("machine-type",),
                f"{self.machine_type} is a TPU host. Say which slice instead: tpu and topology, without machine-type.",
            )
            return
        region = region_of(self.zone)
        if machine.regions and region not in machine.regions:
            allowed = ", ".join(machine.regions)
            yield Problem(
                ("zone",), f"{self.zone}: Google lists no {self.machine_type} in {region}. Allowed: {allowed}."
            )
        wanted = self.network.gpu_networks + self.network.extra_networks
        if wanted > gpu_network.room(self.fabric_cidr):
            yield Problem(
                ("fabric-cidr",),
                f"{self.fabric_cidr} is too small for {wanted} subnets of /{gpu_network.SUBNET_PREFIX}. Give a /16.",
            )
        if self.placement == "compact" and self.nodes < 2:
            yield Problem(("placement",), "compact on a single host says nothing. Leave the key out or add nodes.")
        elif self.placement == "compact" and _queued(self.purchase):
            yield Problem(
                ("placement",), "compact does not go with queued flex-start on GPUs. Leave one of the two out."
            )


def _queued(purchase: Any) -> bool:
    return isinstance(purchase, FlexStart) and purchase.queued


def placement(pool: str, spec: GpuPoolSpec) -> Placement:
    """The pool as jobs see it."""
    network = spec.network
    fabric = network.fabric
    return Placement(
        pool=pool,
        instance=spec.machine,
        nodes=spec.nodes,
        taint=TAINT,
        mounts_file_system=True,
        annotations=gpu_network.pod_annotations(pool, network, spec.fabric_cidr) if fabric != "none" else {},
        environment=gpu_network.ENVIRONMENT[fabric],
        setup=gpu_network.SETUP[fabric],
        host_folders=gpu_network.FOLDERS[fabric],
        sidecars=(gpu_network.receiver(),) if fabric == "tcpxo" else (),
    )


def kw_max(accelerator: Accelerator) -> float | None:
    """What a node may draw at most, as the cost report says it; None where no source knows."""
    found = power.alike(accelerator)
    return found.max_w / 1000 if found else None


def node_pool_plan(pool: str, spec: GpuPoolSpec, site: GcpSite) -> NodePoolPlan:
    """What the node pool will be."""
    machine, purchase = spec.machine, spec.purchase
    accelerator = machine.accelerator
    assert accelerator is not None, "the spec has refused types without GPUs"
    derived = labels.derived(
        usd_per_hour=purchase.usd_per_hour(machine, site.region),
        purchase=purchase.model,
        power_kw_max=kw_max(accelerator),
        accelerator=f"{accelerator.count}x {accelerator.name}",
    )
    gpus = {
        "type": machine.gke_accelerator,
        "count": accelerator.count,
        "gpu_driver_installation_config": {"gpu_driver_version": spec.driver.upper()},
    }
    disks: dict[str, Any] = (
        {"ephemeral_storage_local_ssd_config": {"local_ssd_count": machine.local_ssd_count}}
        if machine.local_ssd_count
        else {}
    )
    return NodePoolPlan(
        placement=placement(pool, spec),
        component=COMPONENT,
        zones=(spec.zone,),
        nodes=spec.nodes,
        minimum=0,
        maximum=max(spec.nodes, 1),
        static=purchase.static,
        disk_gib=spec.disk_gib,
        labels={
            **tags.node_labels(site, COMPONENT),
            POOL_LABEL: pool,
            VENDOR_LABEL: "nvidia",
            FABRIC_LABEL: spec.network.fabric,
        },
        resource_labels=resource_labels(site, COMPONENT, pool, derived),
        repair=purchase.repairs,
        max_pods=MAX_PODS,
        node={
            **purchase.node_arguments(),
            "guest_accelerators": [gpus],
            **disks,
        },
        pool={
            **purchase.pool_arguments(),
            **({"placement_policy": {"type": "COMPACT"}} if spec.placed == "compact" else {}),
        },
        spare_capacity=False,
    )


class GpuPool(pulumi.ComponentResource):
    """GPU nodes of one type in one zone."""

    placement: Placement
    fabric: str
    """rdma, tcpxo or none."""
    node_pool_names: list[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: GpuPoolSpec,
        *,
        site: GcpSite,
        cluster: GkeCluster,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's name on labels, and that of its node pool at Google."""
        super().__init__("aidc:gcp/gpu_pool:GpuPool", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        plan = node_pool_plan(name, spec, site)
        attachments: list[dict[str, pulumi.Output[str]]] = []
        if spec.network.fabric != "none":
            inside = pulumi.ResourceOptions(parent=self, providers=[cluster.provider])
            networks = GpuNetworks(name, spec.network, spec.fabric_cidr, site=site, zone=spec.zone, opts=inside)
            attachments = networks.attachments
        made = node_pool(f"{name}-nodes", name, plan, cluster=cluster, networks=attachments, opts=child)
        self.placement, self.fabric, self.node_pool_names = plan.placement, spec.network.fabric, [made.name]
        self.register_outputs({"node_pool": made.name})
