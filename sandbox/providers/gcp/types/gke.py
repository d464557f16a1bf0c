"""GKE clusters and node pools. The cluster's endpoint and certificate are those of the local API server; nodes of the
pools are made by `sandbox.kubernetes.nodes`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from sandbox.gcp.tokens import CLUSTER
from sandbox.providers.gcp.record import Record, Resource, World, find, short
from sandbox.providers.gcp.rules import purchase, tpu_slice, workload_policy
from sandbox.providers.gcp.types.network import NETWORK, SUBNETWORK
from sandbox.providers.gcp.types.shapes import labelled, named, number
from sandbox.providers.protocol import Problem, Props

NODE_POOL = "gcp:container/nodePool:NodePool"
TAINTS = frozenset({"NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"})
FORCING = (
    "advancedMachineFeatures",
    "bootDiskKmsKey",
    "ephemeralStorageLocalSsdConfig",
    "flexStart",
    "guestAccelerators",
    "hostMaintenancePolicy",
    "localSsdCount",
    "maxRunDuration",
    "metadata",
    "minCpuPlatform",
    "oauthScopes",
    "preemptible",
    "reservationAffinity",
    "serviceAccount",
    "shieldedInstanceConfig",
    "spot",
)
"""Of `nodeConfig`: what replaces in hashicorp/terraform-provider-google (google/services/container/node_config.go),
without what its later releases change in place: machine type, disk, labels, taints, gVNIC."""


def _cluster(resource: Resource, world: World) -> Props:
    settings = world.settings
    host = f"127.0.0.1:{settings.ports['apiserver']}"
    authority = settings.pki / "ca.crt"
    certificate = base64.b64encode(authority.read_bytes()).decode() if authority.exists() else ""
    made: Props = {
        "endpoint": host,
        "masterAuth": {
            "clientCertificate": "",
            "clientCertificateConfig": {"issueClientCertificate": False},
            "clientKey": "",
            "clusterCaCertificate": certificate,
        },
        "masterVersion": resource["minMasterVersion"] or _served(),
        "labelFingerprint": "",
        "servicesIpv4Cidr": resource.at("ipAllocationPolicy.servicesIpv4CidrBlock") or "",
    }
    private = resource["privateClusterConfig"]
    if isinstance(private, dict):
        made["privateClusterConfig"] = {**private, "privateEndpoint": host, "publicEndpoint": host}
    return made


def _served() -> str:
    """The version of the local API server."""
    from sandbox.toolchain.kubernetes import Kube

    return Kube().version


def _node_pool(resource: Resource, world: World) -> Props:
    cluster = find(world.store, CLUSTER, str(resource["cluster"]), str(resource["project"]))
    version = resource["version"] or (cluster.state.get("masterVersion") if cluster else None)
    zones = resource["nodeLocations"] or (cluster.state.get("nodeLocations") if cluster else None) or []
    root = "https://www.googleapis.com/compute/v1/projects"
    name = f"gke-{short(resource['cluster'])}-{resource['name']}-{number(resource.id):x}"[:60]
    groups = [f"{root}/{resource['project']}/zones/{zone}/instanceGroups/{name}-grp" for zone in zones]
    managers = [f"{root}/{resource['project']}/zones/{zone}/instanceGroupManagers/{name}-grp" for zone in zones]
    return {"version": version, "instanceGroupUrls": groups, "managedInstanceGroupUrls": managers}


def _default_pool(resource: Resource) -> Iterator[Problem]:
    if not resource["enableAutopilot"] and not resource["nodePools"] and not resource["initialNodeCount"]:
        yield Problem("initialNodeCount", "initialNodeCount: required without nodePools (1 with removeDefaultNodePool)")


def _private(resource: Resource) -> Iterator[Problem]:
    private = resource.known("privateClusterConfig")
    if private and private.get("enablePrivateEndpoint") and not private.get("enablePrivateNodes", True):
        here = "privateClusterConfig.enablePrivateNodes"
        yield Problem(here, f"{here}: must be true with enablePrivateEndpoint")


def _single_stack(resource: Resource) -> Iterator[Problem]:
    """GKE documentation, "Set up multi-network support for Pods": limitations."""
    policy = resource.known("ipAllocationPolicy") or {}
    if resource["enableMultiNetworking"] and policy.get("stackType") == "IPV4_IPV6":
        here = "ipAllocationPolicy.stackType"
        yield Problem(here, f"{here}: must be IPV4 with enableMultiNetworking")


def _counted(resource: Resource) -> Iterator[Problem]:
    if resource["nodeCount"] is not None and resource["autoscaling"]:
        yield Problem("nodeCount", "nodeCount: give either nodeCount or autoscaling")


RECORDS = (
    Record(
        CLUSTER,
        "projects/{project}/locations/{location}/clusters/{name}",
        force=(
            "network",
            "subnetwork",
            "ipAllocationPolicy",
            "initialNodeCount",
            "enableMultiNetworking",
            "datapathProvider",
            "defaultMaxPodsPerNode",
            "enableTpu",
            "nodeConfig",
            "privateClusterConfig.enablePrivateNodes",
            "privateClusterConfig.masterIpv4CidrBlock",
            "enableAutopilot",
            "confidentialNodes",
        ),
        place="location",
        link="container/v1",
        outputs=_cluster,
        computed=("privateClusterConfig.privateEndpoint", "privateClusterConfig.publicEndpoint"),
        rules=(named("name", 40), labelled("resourceLabels"), _default_pool, _private, _single_stack),
        refers={"network": NETWORK, "subnetwork": SUBNETWORK},
        protected="deletionProtection",
        members=(NODE_POOL,),
        values={
            "datapathProvider": frozenset({"DATAPATH_PROVIDER_UNSPECIFIED", "LEGACY_DATAPATH", "ADVANCED_DATAPATH"}),
            "databaseEncryption.state": frozenset({"ENCRYPTED", "DECRYPTED"}),
            "networkingMode": frozenset({"VPC_NATIVE", "ROUTES"}),
            "securityPostureConfig.mode": frozenset({"DISABLED", "BASIC", "ENTERPRISE"}),
            "nodeConfig.taints.effect": TAINTS,
        },
    ),
    Record(
        NODE_POOL,
        "projects/{project}/locations/{location}/clusters/{cluster:short}/nodePools/{name}",
        force=(
            "initialNodeCount",
            "maxPodsPerNode",
            "namePrefix",
            "placementPolicy",
            "queuedProvisioning",
            "networkConfig.additionalNodeNetworkConfigs",
            "networkConfig.podRange",
            *(f"nodeConfig.{name}" for name in FORCING),
        ),
        place="location",
        outputs=_node_pool,
        rules=(named("name", 40), labelled("nodeConfig.resourceLabels"), _counted, purchase, tpu_slice),
        late=(workload_policy,),
        refers={"cluster": CLUSTER},
        values={
            "placementPolicy.type": frozenset({"COMPACT"}),
            "upgradeSettings.strategy": frozenset({"SURGE", "BLUE_GREEN", "SHORT_LIVED"}),
            "nodeConfig.taints.effect": TAINTS,
            "nodeConfig.workloadMetadataConfig.mode": frozenset({"GCE_METADATA", "GKE_METADATA"}),
            "nodeConfig.imageType": frozenset({"COS_CONTAINERD", "UBUNTU_CONTAINERD", "WINDOWS_LTSC_CONTAINERD"}),
            "nodeConfig.guestAccelerators.gpuDriverInstallationConfig.gpuDriverVersion": frozenset(
                {"GPU_DRIVER_VERSION_UNSPECIFIED", "INSTALLATION_DISABLED", "DEFAULT", "LATEST"}
            ),
        },
    ),
)
