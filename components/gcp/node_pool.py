"""A node pool of GKE, from a plan that is plain data.

`NodePoolPlan` says everything about the nodes; TPU, GPU and system pools make one from their specs. Which machines, how
they are placed and what networks they have is theirs to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_gcp import container

from components.gcp import labels
from components.gcp.cluster import SCOPE, GkeCluster
from components.gcp.project import GcpSite
from components.placement import Placement

NEWER_DISKS = ("a4", "c4", "c4a", "c4d", "ct6e", "n4", "tpu7x", "x4", "a3-ultragpu")
"""Families that boot from Hyperdisk only (Compute Engine documentation, "Hyperdisk: machine series support";
cluster-toolkit gives hyperdisk-balanced to ct6e and tpu7x)."""


@dataclass(frozen=True)
class NodePoolPlan:
    """Everything about the nodes of a pool that is known before anything is planned."""

    placement: Placement
    component: str
    """Value of `dc-component`."""
    zones: tuple[str, ...]
    nodes: int
    """Nodes of this node pool: of one slice, where a pool has several."""
    minimum: int
    maximum: int
    static: bool
    """Whether the number is fixed: slices and reserved machines have nothing to scale with."""
    disk_gib: int
    labels: Mapping[str, str]
    resource_labels: Mapping[str, str]
    repair: bool = True
    max_pods: int | None = None
    node: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the node configuration: purchase, accelerators."""
    pool: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of the node pool: purchase, placement."""
    spare_capacity: bool = True
    """Whether an upgrade may first add a node: scarce machines have none to add."""


def node_pool(
    name: str,
    pool_name: str | None,
    plan: NodePoolPlan,
    *,
    cluster: GkeCluster,
    pool: Mapping[str, Any] | None = None,
    networks: Sequence[Mapping[str, Any]] = (),
    opts: pulumi.ResourceOptions,
) -> container.NodePool:
    """The node pool as a child of whoever asks.

    `pool_name`: its name at Google and in the label cloud.google.com/gke-nodepool; None lets Pulumi choose, so that a
    pool can be replaced while the old one still runs. `pool`: arguments that refer to resources (a workload policy);
    `networks`: additional node networks.
    """
    more = {"additional_node_network_configs": list(networks)} if networks else {}
    network: Any = {"enable_private_nodes": True, **more}
    return container.NodePool(
        name,
        name=pool_name,
        cluster=cluster.name,
        location=cluster.location,
        node_locations=list(plan.zones),
        max_pods_per_node=plan.max_pods,
        management={"auto_repair": plan.repair, "auto_upgrade": True},
        upgrade_settings={
            "strategy": "SURGE",
            "max_surge": 1 if plan.spare_capacity else 0,
            "max_unavailable": 0 if plan.spare_capacity else 1,
        },
        network_config=network,
        node_config=node_config(plan, cluster),
        **counts(plan),
        **plan.pool,
        **(pool or {}),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                depends_on=cluster.ready_for_nodes,
                # A name of ours cannot be there twice, and scarce machines cannot either.
                delete_before_replace=pool_name is not None,
            ),
        ),
    )


def counts(plan: NodePoolPlan) -> dict[str, Any]:
    """How many nodes. In one zone the limits are those of the zone: with limits over all zones the provider stumbles
    over TPUs that come with flex-start (as cluster-toolkit notes)."""
    if plan.static:
        return {"node_count": plan.nodes}
    if len(plan.zones) == 1:
        limits = {"min_node_count": plan.minimum, "max_node_count": plan.maximum}
    else:
        limits = {"total_min_node_count": plan.minimum, "total_max_node_count": plan.maximum}
    return {
        "initial_node_count": plan.minimum // len(plan.zones),
        "autoscaling": {**limits, "location_policy": "ANY"},
    }


def node_config(plan: NodePoolPlan, cluster: GkeCluster) -> Any:
    """Nodes that are shielded, encrypted under the cluster's key and act as the account of the nodes."""
    taint = plan.placement.taint
    machine = plan.placement.instance.name
    return {
        "machine_type": machine,
        "image_type": "COS_CONTAINERD",
        "disk_type": disk_type(machine),
        "disk_size_gb": plan.disk_gib,
        "boot_disk_kms_key": cluster.disk_key_id,
        "service_account": cluster.node_email,
        "oauth_scopes": [SCOPE],
        "labels": dict(plan.labels),
        "resource_labels": dict(plan.resource_labels),
        "taints": [{"key": taint.key, "value": taint.value, "effect": "NO_SCHEDULE"}] if taint else [],
        "gvnic": {"enabled": True},
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        "metadata": {"disable-legacy-endpoints": "true"},
        "kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"},
        **plan.node,
    }


def disk_type(machine_type: str) -> str:
    """Boot disk that the machine type takes."""
    return (
        "hyperdisk-balanced"
        if machine_type.startswith(tuple(f"{family}-" for family in NEWER_DISKS))
        else "pd-balanced"
    )


def resource_labels(site: GcpSite, component: str, pool: str, derived: Mapping[str, str]) -> dict[str, str]:
    """Labels of machines and disks of a pool: identity, cost and power."""
    return labels.complete(site, component, pool=pool) | dict(derived)
