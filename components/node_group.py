"""A managed node group and its launch template, from a plan that is plain data.

`NodeGroupPlan` says everything about the nodes; accelerator and system pools make one from their specs. The component
turns it into resources. Security groups, placement groups and the choice of machines belong to the pools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws import autoscaling, ec2, eks

from components import tags
from components.cluster import Cluster
from components.placement import Placement
from components.site import Site

if TYPE_CHECKING:
    from pulumi_aws.ec2 import LaunchTemplateBlockDeviceMappingArgsDict, LaunchTemplateTagSpecificationArgsDict

ROOT_DEVICE = "/dev/xvda"
"""Root of the AL2023 images."""
HOP_LIMIT = 2
"""One hop more than usual: pods reach the metadata service through the node (EKS User Guide, launch templates)."""
TAGGED = ("instance", "volume", "network-interface")


@dataclass(frozen=True)
class NodeGroupPlan:
    """Everything about the nodes of a pool that is known before anything is planned."""

    placement: Placement
    component: str
    """Value of `dc:component`."""
    ami_type: str
    capacity_type: str
    minimum: int
    maximum: int
    volume_gib: int
    labels: Mapping[str, str]
    derived_tags: Mapping[str, str] = field(default_factory=dict)
    """Cost and power tags; never in the launch template."""
    template: Mapping[str, Any] = field(default_factory=dict)
    """Further launch-template arguments: purchase, user data."""
    repair: bool = True
    spare_capacity: bool = True
    """Whether an update may first add a node: scarce machines have none to add."""


class NodeGroup(pulumi.ComponentResource):
    """Nodes that join a cluster, encrypted, private, tagged and labelled."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        plan: NodeGroupPlan,
        *,
        site: Site,
        cluster: Cluster,
        subnet_ids: Sequence[pulumi.Input[str]],
        wiring: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`wiring`: launch-template arguments that refer to resources (network interfaces, placement group)."""
        super().__init__("aidc:node_group:NodeGroup", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pool = plan.placement.pool
        own_tags = tags.component(plan.component, name=f"{site.prefix}-{pool}", pool=pool)
        template = ec2.LaunchTemplate(
            f"{name}-template",
            description=f"Nodes of pool {pool}",
            instance_type=plan.placement.instance.name,
            block_device_mappings=[root_volume(plan.volume_gib, cluster.volume_key_arn)],
            ebs_optimized="true",
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": HOP_LIMIT,
            },
            tag_specifications=tag_specifications(site, plan),
            update_default_version=True,
            tags=own_tags,
            opts=child,
            **plan.template,
            **(wiring or {}),
        )
        group = eks.NodeGroup(
            f"{name}-nodes",
            cluster_name=cluster.name,
            version=cluster.version,
            node_role_arn=cluster.node_role_arn,
            subnet_ids=list(subnet_ids),
            ami_type=plan.ami_type,
            capacity_type=plan.capacity_type,
            scaling_config={
                "desired_size": plan.placement.nodes,
                "min_size": plan.minimum,
                "max_size": plan.maximum,
            },
            update_config={
                "max_unavailable": 1,
                "update_strategy": "DEFAULT" if plan.spare_capacity else "MINIMAL",
            },
            node_repair_config={"enabled": plan.repair},
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            labels=dict(plan.labels),
            taints=taints(plan.placement),
            tags={**own_tags, **plan.derived_tags},
            opts=pulumi.ResourceOptions(parent=self, depends_on=cluster.ready_for_nodes),
        )
        self.name = group.node_group_name
        self._tag_scaling_group(name, group, plan.derived_tags)
        self.register_outputs({"name": self.name})

    def _tag_scaling_group(self, name: str, group: eks.NodeGroup, derived: Mapping[str, str]) -> None:
        """EKS does not hand tags of a node group down to the auto-scaling group it makes."""
        scaling_group = group.resources[0].autoscaling_groups[0].name
        for key, value in derived.items():
            autoscaling.Tag(
                f"{name}-{key.removeprefix(tags.PREFIX)}",
                autoscaling_group_name=scaling_group,
                tag={"key": key, "value": value, "propagate_at_launch": False},
                opts=pulumi.ResourceOptions(parent=self),
            )


def root_volume(size_gib: int, key_arn: pulumi.Input[str]) -> LaunchTemplateBlockDeviceMappingArgsDict:
    """An encrypted gp3 root volume that goes with its node. The template takes booleans as text."""
    return {
        "device_name": ROOT_DEVICE,
        "ebs": {
            "volume_type": "gp3",
            "volume_size": size_gib,
            "encrypted": "true",
            "kms_key_id": key_arn,
            "delete_on_termination": "true",
        },
    }


def tag_specifications(site: Site, plan: NodeGroupPlan) -> list[LaunchTemplateTagSpecificationArgsDict]:
    """Identity tags for what the auto-scaling group makes; default tags do not reach there. No derived tags."""
    pool = plan.placement.pool
    complete = tags.complete(site, plan.component, name=f"{site.prefix}-{pool}", pool=pool)
    return [{"resource_type": kind, "tags": complete} for kind in TAGGED]


def taints(placement: Placement) -> list[Any]:
    """Taints in the words of EKS."""
    taint = placement.taint
    return [{"key": taint.key, "value": taint.value, "effect": "NO_SCHEDULE"}] if taint else []
