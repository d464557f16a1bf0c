"""The Kubernetes control plane (GKE), who may use it, and a provider for objects in it.

Holds the regional cluster with its key, the account of its nodes, its administrators and the Kubernetes provider. Nodes
are `tpu_pool`, `gpu_pool` and `system_pool`; drivers for storage come with the cluster as GKE's own add-ons.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_gcp import container

from components.gcp import labels
from components.gcp.cluster_access import ClusterAdministrator, address, identity, kubeconfig, slug
from components.gcp.cluster_spec import GkeClusterSpec
from components.gcp.encryption import EncryptionKey
from components.gcp.network import PODS, SERVICES
from components.gcp.node_account import NodeAccount
from components.gcp.project import GcpSite

LOGS = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER"]
METRICS = ["SYSTEM_COMPONENTS", "STORAGE", "POD", "JOBSET", "DCGM"]
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""Access scope of nodes: what they may do is said by IAM alone, as GKE advises."""


class GkeCluster(pulumi.ComponentResource):
    """A GKE cluster that nobody but its administrators can reach."""

    name: pulumi.Output[str]
    location: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Gets its tokens from `gke-gcloud-auth-plugin`; holds no credential."""
    node_email: pulumi.Output[str]
    """Account that nodes act as."""
    disk_key_id: pulumi.Output[str]
    ready_for_nodes: list[pulumi.Resource]
    """What node pools must wait for: the rights of their account."""
    provider: kubernetes.Provider

    def __init__(
        self,
        name: str,
        spec: GkeClusterSpec,
        *,
        site: GcpSite,
        zones: tuple[str, ...],
        network_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        multi_network: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`zones`: those of network.zones. `multi_network`: whether a pool's nodes have GPU networks. It cannot be
        changed later, so it is asked once for the whole stack."""
        super().__init__("aidc:gcp/cluster:GkeCluster", name, None, opts)
        self._name, self._spec, self._site = name, spec, site
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            name,
            site=site,
            part="cluster",
            users={"secrets": site.cluster_agent, "disks": site.compute_agent},
            opts=child,
        )
        account = NodeAccount(f"{name}-nodes", site=site, opts=child)
        self.node_email, self.ready_for_nodes, self.disk_key_id = account.email, account.ready, key.id
        cluster = self._control_plane(zones, network_id, subnet_id, multi_network=multi_network)
        self.name, self.location, self.endpoint = cluster.name, cluster.location, address(cluster)
        self.kubeconfig = kubeconfig(cluster)
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            cluster_identifier=identity(cluster),
            enable_server_side_apply=True,
            opts=child,
        )
        inside = pulumi.ResourceOptions(parent=self, providers=[self.provider])
        for member in spec.admins:
            ClusterAdministrator(f"{name}-{slug(member)}", member, site=site, opts=inside)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _control_plane(
        self,
        zones: tuple[str, ...],
        network_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        *,
        multi_network: bool,
    ) -> container.Cluster:
        spec, site = self._spec, self._site
        groups: dict[str, Any] = (
            {"authenticator_groups_config": {"security_group": spec.security_group}} if spec.security_group else {}
        )
        return container.Cluster(
            f"{self._name}-gke",
            name=site.prefix,
            description=f"Kubernetes of {site.prefix}",
            location=site.region,
            node_locations=list(spec.zones or zones),
            network=network_id,
            subnetwork=subnet_id,
            min_master_version=spec.version,
            release_channel={"channel": spec.channel},
            resource_labels=labels.component("cluster"),
            deletion_protection=spec.deletion_protection,
            **networking(multi_network=multi_network),
            **access(spec),
            **protection(site, self.disk_key_id, self.node_email),
            **care(spec),
            **groups,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=spec.deletion_protection,
                depends_on=self.ready_for_nodes,
                # GKE reports back the pool it was made with, which is gone; pools are resources of their own.
                ignore_changes=["nodeConfig", "initialNodeCount"],
            ),
        )


def networking(*, multi_network: bool) -> dict[str, Any]:
    """Dataplane V2, addresses from the subnet's ranges. Dual stack, but for multi-networking: it does not work in
    dual-stack clusters (GKE documentation, "Set up multi-network support for Pods": limitations)."""
    return {
        "networking_mode": "VPC_NATIVE",
        "datapath_provider": "ADVANCED_DATAPATH",
        "enable_multi_networking": multi_network,
        "enable_intranode_visibility": True,
        "enable_l4_ilb_subsetting": True,
        "ip_allocation_policy": {
            "cluster_secondary_range_name": PODS,
            "services_secondary_range_name": SERVICES,
            "stack_type": "IPV4" if multi_network else "IPV4_IPV6",
        },
        "dns_config": {"cluster_dns": "CLOUD_DNS", "cluster_dns_scope": "CLUSTER_SCOPE"},
    }


def access(spec: GkeClusterSpec) -> dict[str, Any]:
    """Who reaches the API: the VPC always, named networks where the spec says so, Google's own customers never."""
    named = [*spec.public_access_cidrs, *spec.private_access_cidrs]
    # A VPN or interconnect may end in another region, from which the private address is closed unless asked for.
    further: dict[str, Any] = {"master_global_access_config": {"enabled": True}} if spec.private_access_cidrs else {}
    return {
        "private_cluster_config": {
            "enable_private_nodes": True,
            "enable_private_endpoint": not spec.public_access_cidrs,
            **further,
        },
        "master_authorized_networks_config": {
            "cidr_blocks": [{"cidr_block": str(cidr), "display_name": f"network {cidr}"} for cidr in named],
            "gcp_public_cidrs_access_enabled": False,
            "private_endpoint_enforcement_enabled": True,
        },
        "rbac_binding_config": {
            "enable_insecure_binding_system_authenticated": False,
            "enable_insecure_binding_system_unauthenticated": False,
        },
        "master_auth": {"client_certificate_config": {"issue_client_certificate": False}},
        "enable_legacy_abac": False,
    }


def protection(site: GcpSite, key_id: pulumi.Input[str], node_email: pulumi.Input[str]) -> dict[str, Any]:
    """Secrets under our key, identities for pods, and a first pool that is gone before it runs anything."""
    return {
        "database_encryption": {"state": "ENCRYPTED", "key_name": key_id},
        "workload_identity_config": {"workload_pool": site.workload_pool},
        "enable_shielded_nodes": True,
        # GKE's own scan of workloads ended on 2025-07-31 (GKE documentation, "Vulnerability scanning removal").
        "security_posture_config": {"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"},
        "remove_default_node_pool": True,
        "initial_node_count": 1,
        "node_config": {
            "service_account": node_email,
            "oauth_scopes": [SCOPE],
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "workload_metadata_config": {"mode": "GKE_METADATA"},
        },
    }


def care(spec: GkeClusterSpec) -> dict[str, Any]:
    """Upgrades in their window, logs, metrics, what each namespace costs, and drivers for storage."""
    window = spec.maintenance
    return {
        "maintenance_policy": {
            "recurring_window": {
                "start_time": window.start,
                "end_time": window.end,
                "recurrence": window.recurrence,
            }
        },
        "logging_config": {"enable_components": LOGS},
        "monitoring_config": {
            "enable_components": METRICS,
            "managed_prometheus": {"enabled": True},
            "advanced_datapath_observability_config": {"enable_metrics": True, "enable_relay": False},
        },
        "cost_management_config": {"enabled": True},
        "addons_config": {
            "gcs_fuse_csi_driver_config": {"enabled": True},
            "gcp_filestore_csi_driver_config": {"enabled": True},
            "lustre_csi_driver_config": {"enabled": True},
            "gce_persistent_disk_csi_driver_config": {"enabled": True},
            "dns_cache_config": {"enabled": True},
        },
    }
