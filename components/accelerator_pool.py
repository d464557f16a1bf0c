"""A pool of equal accelerator nodes: GPUs, Trainium, Inferentia.

Holds the spec with its rules, the fabric (security group, placement group, interface layout) and the node group.
Device plugins, file systems and jobs are other components; they find the nodes by the labels given here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi_aws import ec2, vpc
from pydantic import Field

from catalog import power, releases
from components import lustre_client, tags
from components.cluster import Cluster
from components.efa import LEAN, Plan, efa_count, interfaces, plan_names, plan_of
from components.node_group import NodeGroup, NodeGroupPlan
from components.placement import FILE_SYSTEM_LABEL, POOL_LABEL, Placement, Taint
from components.pool_spec import PoolSpec
from components.purchase import Purchase
from components.site import Site
from components.spec import Name, Problem, Zone
from components.user_data import node_config, user_data

AMI_TYPES = {
    ("nvidia", "x86_64"): "AL2023_x86_64_NVIDIA",
    ("nvidia", "arm64"): "AL2023_ARM_64_NVIDIA",
    ("aws", "x86_64"): "AL2023_x86_64_NEURON",
}
"""AMI by accelerator vendor and architecture (botocore 1.44.5, eks AMITypes)."""

VENDOR_LABEL, EFA_LABEL = "dc/accelerator-vendor", "dc/efa"
"""By these labels the device plugins find their nodes."""
COMPONENT = "accelerator-pool"
IMAGE_DRIVER = "eks-ami-nvidia-driver"
"""Name of the release in the catalog."""


class AcceleratorPoolSpec(PoolSpec):
    """Which accelerator nodes, how many, where, bought how, wired how."""

    zone: Zone = Field(description="The one zone of the pool: fabric traffic does not cross zones.")
    purchase: Purchase = Field(description="How the nodes are bought.")
    efa: bool | None = Field(
        None, description="Whether nodes get their EFA interfaces. Default: where the instance type has any."
    )
    network_plan: Name = Field(
        LEAN,
        description="Layout of the network interfaces, a plan of the catalog: lean (one address, all EFA interfaces) "
        "or, on some types, another.",
    )
    mount_file_system: bool = Field(True, description="Whether pods of the pool can mount the parallel file system.")
    repair: bool = Field(True, description="Whether EKS replaces nodes whose accelerators fail.")

    @property
    def interface_plan(self) -> Plan:
        """Interfaces of a node; empty without EFA."""
        has_efa = bool(plan_names(self.instance_type))
        return plan_of(self.instance_type, self.network_plan) if has_efa and self.efa is not False else ()

    def machine_problems(self) -> Iterator[Problem]:
        accelerator = self.instance.accelerator
        if accelerator is None:
            yield Problem(("instance-type",), f"{self.instance_type} has no accelerator. Put it under system-pools.")
            return
        if (accelerator.vendor, self.instance.arch) not in AMI_TYPES:
            yield Problem(
                ("instance-type",),
                f"EKS has no image for {accelerator.name} on {self.instance.arch}. Choose an NVIDIA or Neuron type.",
            )
        needed, carried = self.instance.min_nvidia_driver, releases[IMAGE_DRIVER].version
        if needed and carried and int(carried.split(".")[0]) < needed:
            yield Problem(
                ("instance-type",),
                f"{self.instance_type} needs NVIDIA driver {needed}, and the images of EKS carry {carried}. Choose "
                "another type until they carry a newer one.",
            )
        plans = plan_names(self.instance_type)
        if self.efa and not plans:
            yield Problem(
                ("efa",),
                f"{self.instance_type} has no EFA. Leave the key out, or choose a type that has it, such as "
                "p5en.48xlarge or g6e.48xlarge.",
            )
        elif self.network_plan not in {LEAN, *plans}:
            allowed = ", ".join(plans) or LEAN
            yield Problem(
                ("network-plan",),
                f"{self.network_plan} is not a plan of {self.instance_type} ({allowed}). Choose one of them.",
            )
        if reason := self.purchase.unsupported(self.instance):
            yield Problem(("purchase", "model"), reason)


def placement(pool: str, spec: AcceleratorPoolSpec, *, file_system_over_efa: bool = False) -> Placement:
    """The pool as jobs see it."""
    accelerator = spec.instance.accelerator
    return Placement(
        pool=pool,
        instance=spec.instance,
        nodes=spec.nodes,
        efa_interfaces=efa_count(spec.interface_plan),
        taint=Taint(accelerator.resource_name, "present") if accelerator else None,
        mounts_file_system=spec.mount_file_system,
        file_system_over_efa=file_system_over_efa,
    )


def node_group_plan(
    pool: str, spec: AcceleratorPoolSpec, site: Site, *, file_system_over_efa: bool = False
) -> NodeGroupPlan:
    """What the node group will be. Pure: the same spec always gives the same launch template."""
    accelerator = spec.instance.accelerator
    assert accelerator is not None, "the spec has refused types without accelerators"
    node_power = power.node(spec.instance_type)
    labels = {
        **tags.node_labels(site, COMPONENT),
        POOL_LABEL: pool,
        VENDOR_LABEL: accelerator.vendor,
        EFA_LABEL: str(bool(spec.interface_plan)).lower(),
        FILE_SYSTEM_LABEL: str(spec.mount_file_system).lower(),
    }
    over_efa = file_system_over_efa and bool(spec.interface_plan)
    boot = user_data(
        node_config(spec.instance, fabric=bool(spec.interface_plan)),
        lustre_client.script(spec.instance) if over_efa else None,
    )
    return NodeGroupPlan(
        placement=placement(pool, spec, file_system_over_efa=file_system_over_efa),
        component=COMPONENT,
        ami_type=AMI_TYPES[accelerator.vendor, spec.instance.arch],
        capacity_type=spec.purchase.capacity_type,
        minimum=spec.smallest,
        maximum=spec.largest,
        volume_gib=spec.root_volume_gib,
        labels=labels,
        derived_tags=tags.derived(
            usd_per_hour=spec.purchase.usd_per_hour(spec.instance_type, site.region),
            purchase=spec.purchase.model,
            power_kw_max=node_power.max_w / 1000 if node_power else None,
            accelerator=f"{accelerator.count}x {accelerator.name}",
        ),
        template={**spec.purchase.template_arguments(), **({"user_data": boot} if boot else {})},
        repair=spec.repair,
        spare_capacity=False,
    )


class AcceleratorPool(pulumi.ComponentResource):
    """Accelerator nodes of one type in one zone."""

    placement: Placement
    fabric_group_id: pulumi.Output[str] | None
    """Security group of the EFA interfaces; None without EFA."""
    node_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: AcceleratorPoolSpec,
        *,
        site: Site,
        cluster: Cluster,
        vpc_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        file_system_over_efa: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's name on labels and tags; `subnet_id` the private subnet of `spec.zone`.
        `file_system_over_efa`: whether the stack's file system stands there and takes clients through EFA."""
        super().__init__("aidc:accelerator_pool:AcceleratorPool", name, None, opts)
        self._name, self._site = name, site
        plan = node_group_plan(name, spec, site, file_system_over_efa=file_system_over_efa)
        wiring: dict[str, Any] = {}
        self.fabric_group_id = None
        if spec.interface_plan:
            self.fabric_group_id = self._fabric_group(vpc_id).id
            # A template that names groups replaces those EKS would set, so the cluster's must be named as well.
            wiring["network_interfaces"] = interfaces(
                spec.interface_plan, [cluster.security_group_id, self.fabric_group_id]
            )
            if spec.purchase.joins_placement_group:
                wiring["placement"] = {"group_name": self._placement_group().name}
        group = NodeGroup(
            name,
            plan,
            site=site,
            cluster=cluster,
            subnet_ids=[subnet_id],
            wiring=wiring,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.placement, self.node_group_name = plan.placement, group.name
        self.register_outputs({"node_group_name": self.node_group_name})

    def _fabric_group(self, vpc_id: pulumi.Input[str]) -> ec2.SecurityGroup:
        """EFA traffic is let through only by rules that name the group itself, in and out; ranges do not count."""
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{self._name}-fabric",
            description=f"EFA traffic among the nodes of pool {self._name}",
            vpc_id=vpc_id,
            tags=self._tags("fabric"),
            opts=child,
        )
        rule: dict[str, Any] = {
            "security_group_id": group.id,
            "referenced_security_group_id": group.id,
            "ip_protocol": "-1",
            "tags": self._tags("fabric"),
            "opts": child,
        }
        vpc.SecurityGroupIngressRule(f"{self._name}-fabric-in", description="From the nodes of this pool", **rule)
        vpc.SecurityGroupEgressRule(f"{self._name}-fabric-out", description="To the nodes of this pool", **rule)
        return group

    def _placement_group(self) -> ec2.PlacementGroup:
        return ec2.PlacementGroup(
            f"{self._name}-placement",
            strategy="cluster",
            tags=self._tags("placement"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tags(self, role: str) -> dict[str, str]:
        return tags.component(COMPONENT, name=f"{self._site.prefix}-{self._name}-{role}", pool=self._name)
