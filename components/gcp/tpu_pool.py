"""A pool of TPU slices: hosts whose chips are wired to each other.

From generation and topology follow the machine type, the number of hosts, their labels and how they are placed. A slice
of several hosts is a node pool of a fixed size that lives and dies as a whole; a pool of several slices is that many
node pools (multislice). Slices of one host stand alone, so such a pool is one node pool of any number of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pulumi
from pulumi_gcp import compute
from pydantic import Field

from catalog import UnknownName, tpu_slice, tpus
from catalog.gcp_machine import of_tpu
from catalog.tpu_slice import TpuSlice
from components import tags
from components.gcp import labels
from components.gcp.cluster import GkeCluster
from components.gcp.fields import GcpZone, MachineType, Topology
from components.gcp.node_pool import NodePoolPlan, node_pool, resource_labels
from components.gcp.pool_spec import GcpPoolSpec
from components.gcp.project import GcpSite
from components.gcp.purchase import Purchase, Reservation
from components.placement import POOL_LABEL, Placement, Slices, Taint
from components.spec import Problem

COMPONENT = "tpu-pool"
VENDOR_LABEL, SLICE_LABEL = "dc/accelerator-vendor", "dc/slice"
MAX_PODS = 15
"""Pods a TPU host holds: one that works and a few that watch (as xpk sets it); a full range of addresses would be
wasted on thousands of hosts."""
Generation = Literal["v4", "v5e", "v5p", "v6e", "tpu7x"]
TopologyMode = Literal["auto-connect", "provision-only"]


class TpuPoolSpec(GcpPoolSpec):
    """Which TPUs, in which shape, how many slices, where, bought how."""

    tpu: Generation = Field(description="TPU generation: v4, v5e, v5p, v6e or tpu7x.")
    topology: Topology = Field(description="Chips of a slice and how they are wired, such as 2x2, 16x16 or 4x4x8.")
    zone: GcpZone = Field(description="The one zone of the pool: a slice does not cross zones.")
    purchase: Purchase = Field(description="How the slices are bought.")
    slices: int = Field(1, ge=1, le=256, description="Slices of this topology, each a node pool of its own.")
    machine_type: MachineType | None = Field(
        None,
        description="Machine type, where more than one makes up the topology. Default: the one that needs the fewest "
        "hosts.",
    )
    nodes: int | None = Field(
        None, ge=0, description="Hosts of all slices. Follows from topology and slices; stated, it is checked."
    )
    placement: Literal["compact", "workload-policy", "none"] | None = Field(
        None,
        description="How hosts are kept together. Follows from generation and topology: compact for slices of several "
        "hosts, workload-policy for tpu7x, none for one host; stated, it is checked.",
    )
    topology_mode: TopologyMode | None = Field(
        None,
        description="tpu7x: auto-connect wires the chips when the hosts are made; provision-only leaves that to the "
        "slice controller and needs a reservation. Default: auto-connect.",
    )

    @property
    def slice(self) -> TpuSlice:
        """The catalog's slice. Raises UnknownTopology."""
        return tpu_slice.slice_of(self.tpu, self.topology, self.machine_type)

    @property
    def hosts(self) -> int:
        """Nodes of the whole pool."""
        return self.slice.hosts * self.slices

    @property
    def placed(self) -> Literal["compact", "workload-policy", "none"]:
        """How the hosts must be kept together."""
        if self.slice.workload_policy and self.slice.multi_host:
            return "workload-policy"
        return "compact" if self.slice.multi_host else "none"

    def problems(self) -> Iterator[Problem]:
        if self.machine_type is not None and not self._of_generation(self.machine_type):
            names = ", ".join(machine.name for machine in tpu_slice.machines(self.tpu))
            yield Problem(("machine-type",), f"{self.machine_type} is no {self.tpu} host. Choose one of {names}.")
            return
        try:
            part = self.slice
        except UnknownName as error:
            field = "machine-type" if self.topology in tpu_slice.topologies(self.tpu) else "topology"
            yield Problem((field,), f"{error}. Change it or leave machine-type out.")
            return
        yield from self._counts(part)
        yield from self._placing(part)
        yield from self._zone()

    def _of_generation(self, machine_type: str) -> bool:
        return machine_type in tpus and tpus[machine_type].generation == self.tpu

    def _counts(self, part: TpuSlice) -> Iterator[Problem]:
        if self.nodes is not None and self.nodes != self.hosts:
            slices = f"{self.slices} slices" if self.slices > 1 else "a slice"
            yield Problem(
                ("nodes",),
                f"{self.nodes} does not match: {slices} of {self.topology} on {part.machine.name} "
                f"({part.machine.chips} chips a host) has {self.hosts} hosts. Write {self.hosts} or leave the key out.",
            )

    def _placing(self, part: TpuSlice) -> Iterator[Problem]:
        if self.placement is not None and self.placement != self.placed:
            if self.placed == "none":
                why = f"a slice of {self.topology} is one host; GKE refuses a placement for it"
            elif self.placed == "workload-policy":
                why = "tpu7x slices of several hosts are placed by a workload policy, which excludes compact placement"
            else:
                why = f"the {part.hosts} hosts of a {self.topology} slice must stand together"
            yield Problem(("placement",), f"{self.placement} does not go: {why}. Write {self.placed} or leave it out.")
        if self.topology_mode is None:
            return
        if self.placed != "workload-policy":
            yield Problem(
                ("topology-mode",),
                f"{self.topology_mode} belongs to the workload policy of tpu7x slices of several hosts; this pool has "
                "none. Leave the key out.",
            )
        elif self.topology_mode == "provision-only" and not isinstance(self.purchase, Reservation):
            yield Problem(
                ("topology-mode",),
                f"provision-only needs purchase model reservation, not {self.purchase.model}. Name a reservation or "
                "choose auto-connect.",
            )

    def _zone(self) -> Iterator[Problem]:
        known = tpu_slice.zones(self.tpu)
        if known and self.zone not in known:
            yield Problem(
                ("zone",), f"{self.zone} has no {self.tpu} that the catalog knows of. Choose one of {', '.join(known)}."
            )


def slices(spec: TpuPoolSpec) -> Slices:
    """The slices as jobs see them."""
    part = spec.slice
    return Slices(part.machine.accelerator_label, spec.topology, part.hosts, spec.slices)


def placement(pool: str, spec: TpuPoolSpec) -> Placement:
    """The pool as jobs see it."""
    machine = spec.slice.machine
    key, _, value = machine.taint.partition("=")
    return Placement(
        pool=pool,
        instance=of_tpu(machine),
        nodes=spec.hosts,
        taint=Taint(key, value.partition(":")[0]),
        mounts_file_system=True,
        slices=slices(spec),
    )


def node_pool_plan(pool: str, spec: TpuPoolSpec, site: GcpSite, index: int) -> NodePoolPlan:
    """What the node pool of one slice will be; slices of one host share one node pool."""
    part, purchase = spec.slice, spec.purchase
    machine = of_tpu(part.machine)
    nodes = part.hosts if part.multi_host else spec.hosts
    watts = part.machine.power_w_per_chip
    derived = labels.derived(
        usd_per_hour=purchase.usd_per_hour(machine, site.region),
        purchase=purchase.model,
        power_kw_max=None if watts is None else watts * part.machine.chips / 1000,
        accelerator=f"{part.machine.chips}x TPU {spec.tpu}",
    )
    number = {SLICE_LABEL: str(index)} if part.multi_host else {}
    return NodePoolPlan(
        placement=placement(pool, spec),
        component=COMPONENT,
        zones=(spec.zone,),
        nodes=nodes,
        minimum=0,
        maximum=nodes,
        static=purchase.static,
        disk_gib=spec.disk_gib,
        labels={**tags.node_labels(site, COMPONENT), POOL_LABEL: pool, VENDOR_LABEL: "google", **number},
        resource_labels=resource_labels(site, COMPONENT, pool, derived),
        repair=purchase.repairs,
        max_pods=MAX_PODS,
        node=purchase.node_arguments(),
        pool={**purchase.pool_arguments(), **placing(spec)},
        spare_capacity=False,
    )


def placing(spec: TpuPoolSpec) -> dict[str, Any]:
    """Placement of a node pool as far as it is known without the workload policy."""
    if spec.placed == "compact":
        return {"placement_policy": {"type": "COMPACT", "tpu_topology": spec.topology}}
    return {}


def workload_policy(spec: TpuPoolSpec) -> Any:
    """Arguments of the workload policy of tpu7x slices (GKE documentation, "Deploy TPU workloads": Ironwood)."""
    return {
        "type": "HIGH_THROUGHPUT",
        "accelerator_topology": spec.topology,
        "accelerator_topology_mode": (spec.topology_mode or "auto-connect").replace("-", "_").upper(),
    }


class TpuPool(pulumi.ComponentResource):
    """TPU slices of one topology in one zone."""

    placement: Placement
    node_pool_names: list[pulumi.Output[str]]
    """One a slice; one for all slices of one host."""

    def __init__(
        self,
        name: str,
        spec: TpuPoolSpec,
        *,
        site: GcpSite,
        cluster: GkeCluster,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's name on labels, and that of its node pools at Google."""
        super().__init__("aidc:gcp/tpu_pool:TpuPool", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        policy: dict[str, Any] = {}
        if spec.placed == "workload-policy":
            made = compute.ResourcePolicy(
                f"{name}-workload", region=site.region, workload_policy=workload_policy(spec), opts=child
            )
            # The provider wants a type beside the name; the topology is the policy's, so the pool names none.
            policy = {"placement_policy": {"type": "COMPACT", "policy_name": made.name}}
        self.node_pool_names = []
        for index in range(spec.slices if spec.slice.multi_host else 1):
            plan = node_pool_plan(name, spec, site, index)
            suffix = f"-slice{index}" if spec.slice.multi_host and spec.slices > 1 else ""
            made_pool = node_pool(
                f"{name}{suffix}-nodes", f"{name}{suffix}", plan, cluster=cluster, pool=policy, opts=child
            )
            self.node_pool_names.append(made_pool.name)
        self.placement = placement(name, spec)
        self.register_outputs({"node_pools": self.node_pool_names})
