"""GKE: who reaches a cluster, how its nodes prove who they are, what keeps them current."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .addresses import column, open_to_everybody
from .facts import gpus
from .model import Parameters, Resource, Violation, independently, resource_rule
from .services import judged

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
ACCOUNT = "gcp:serviceaccount/account:Account"


@resource_rule(
    id="gcp-gke-private-nodes",
    title="GKE nodes have no public address",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="set privateClusterConfig.enablePrivateNodes to true.",
    references=["CKV_GCP_25", "CIS GKE 5.6.5", "NIST 800-53 SC-7"],
)
def private_nodes(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """A training node has nothing to offer to the internet but holes."""
    default = cluster.says("networkConfig.defaultEnablePrivateNodes")
    if not cluster.says("privateClusterConfig.enablePrivateNodes") and not default:
        yield Violation("privateClusterConfig.enablePrivateNodes is not true.")


@resource_rule(
    id="gcp-gke-endpoint-not-world",
    title="The Kubernetes API of GKE is not open to the world",
    severity="critical",
    level="mandatory",
    types=[CLUSTER],
    fix="name the networks in masterAuthorizedNetworksConfig, or set privateClusterConfig.enablePrivateEndpoint.",
    references=["CKV_GCP_18", "CKV_GCP_20", "CIS GKE 5.6.3", "CIS GKE 5.6.4", "NIST 800-53 SC-7"],
)
def endpoint_not_world(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Whoever reaches the API can try credentials on it; GKE opens it to everybody unless told otherwise."""
    if cluster.says("privateClusterConfig.enablePrivateEndpoint"):
        return
    if cluster.denies("controlPlaneEndpointsConfig.ipEndpointsConfig.enabled"):
        return
    if not cluster.has("masterAuthorizedNetworksConfig"):
        yield Violation("the API endpoint is public and no networks are named.", check="CKV_GCP_20")
    if open_to_everybody(column(cluster, "masterAuthorizedNetworksConfig.cidrBlocks", "cidrBlock"), "cidrBlock"):
        yield Violation("the API endpoint is open to every address.", check="CKV_GCP_18")


@resource_rule(
    id="gcp-gke-workload-identity",
    title="Pods have identities of their own",
    severity="high",
    level="mandatory",
    types=[CLUSTER, NODE_POOL],
    fix="set workloadIdentityConfig.workloadPool, and workloadMetadataConfig.mode GKE_METADATA on node pools.",
    references=["CKV_GCP_69", "CIS GKE 5.2.2", "CIS GKE 5.4.2", "NIST 800-53 AC-6"],
)
def workload_identity(subject: Resource, _: Parameters) -> Iterator[Violation]:
    """Without it every pod gets the credentials of its node from the metadata server."""
    if subject.type == CLUSTER:
        if not subject.has("workloadIdentityConfig.workloadPool") and not subject.says("enableAutopilot"):
            yield Violation("workloadIdentityConfig.workloadPool is not set.", check="pool")
    elif subject.get("nodeConfig.workloadMetadataConfig.mode") != "GKE_METADATA":
        yield Violation("nodeConfig.workloadMetadataConfig.mode is not GKE_METADATA.", check="CKV_GCP_69")


@resource_rule(
    id="gcp-gke-secrets-kms",
    title="Kubernetes secrets of GKE are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="set databaseEncryption with state ENCRYPTED and keyName.",
    references=["CIS GKE 5.3.1", "NIST 800-53 SC-28"],
)
def secrets_kms(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Without a key of one's own nobody can revoke access to the secrets in etcd."""
    if cluster.get("databaseEncryption.state") not in ("ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"):
        yield Violation("databaseEncryption.state is not ENCRYPTED.")
    elif not cluster.has("databaseEncryption.keyName"):
        yield Violation("databaseEncryption names no key.", check="keyName")


def _accelerated(pool: Resource) -> bool:
    return pool.has("nodeConfig.guestAccelerators") or bool(gpus(pool.get("nodeConfig.machineType")))


def _shield(subject: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if subject.type == CLUSTER:
        if subject.denies("enableShieldedNodes"):
            yield "enableShieldedNodes", True
    elif subject.denies("nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring"):
        yield "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring", True


@resource_rule(
    id="gcp-gke-shielded-nodes",
    title="Nodes prove what they started",
    severity="medium",
    level="advisory",
    types=[CLUSTER, NODE_POOL],
    fix="leave enableShieldedNodes on; set enableIntegrityMonitoring, and enableSecureBoot without GPUs.",
    references=["CKV_GCP_68", "CKV_GCP_71", "CKV_GCP_72", "CIS GKE 5.5.5", "CIS GKE 5.5.6", "CIS GKE 5.5.7"],
    remedy=_shield,
)
def shielded_nodes(subject: Resource, _: Parameters) -> Iterator[Violation]:
    """A changed boot loader is seen by nobody else. Drivers of GPUs are not signed: no secure boot is asked there."""
    if subject.type == CLUSTER:
        if subject.denies("enableShieldedNodes"):
            yield Violation("enableShieldedNodes is false.", check="CKV_GCP_71")
        return
    path = "nodeConfig.shieldedInstanceConfig"
    integrity = Violation("enableIntegrityMonitoring is false.", check="CKV_GCP_72")
    boot = Violation("enableSecureBoot is not true.", check="CKV_GCP_68")
    yield from judged(
        (lambda: subject.denies(f"{path}.enableIntegrityMonitoring"), integrity),
        (lambda: not subject.says(f"{path}.enableSecureBoot") and not _accelerated(subject), boot),
    )


@resource_rule(
    id="gcp-gke-network-policy",
    title="Network policies of GKE have an effect",
    severity="medium",
    level="mandatory",
    types=[CLUSTER],
    fix="set datapathProvider to ADVANCED_DATAPATH.",
    references=["CKV_GCP_12", "CIS GKE 5.6.7", "NIST 800-53 SC-7"],
)
def network_policy(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Without it every NetworkPolicy is accepted and none is enforced."""
    enforced = cluster.get("datapathProvider") == "ADVANCED_DATAPATH" or cluster.says("networkPolicy.enabled")
    if not enforced and not cluster.says("enableAutopilot"):
        yield Violation("neither Dataplane V2 nor networkPolicy is on.")


@resource_rule(
    id="gcp-gke-release-channel",
    title="GKE follows a release channel",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set releaseChannel.channel to REGULAR or STABLE.",
    references=["CKV_GCP_70", "CIS GKE 5.5.4", "NIST 800-53 SI-2"],
)
def release_channel(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Without a channel versions are chosen by hand, and fixes come when somebody remembers."""
    if cluster.get("releaseChannel.channel", "UNSPECIFIED") == "UNSPECIFIED" and not cluster.says("enableAutopilot"):
        yield Violation("releaseChannel.channel is not set.")


def _modern(cluster: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if cluster.says("enableLegacyAbac"):
        yield "enableLegacyAbac", False
    if cluster.says("masterAuth.clientCertificateConfig.issueClientCertificate"):
        yield "masterAuth.clientCertificateConfig.issueClientCertificate", False


@resource_rule(
    id="gcp-gke-no-legacy-auth",
    title="Nobody gets into GKE by password, certificate or old rights",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="leave enableLegacyAbac and issueClientCertificate off; set no user name in masterAuth.",
    references=["CKV_GCP_7", "CKV_GCP_13", "CKV_GCP_19", "CIS GKE 5.8.1", "CIS GKE 5.8.3", "NIST 800-53 IA-2"],
    remedy=_modern,
)
def no_legacy_auth(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """A client certificate cannot be revoked; the old rights give every service account everything."""

    def abac() -> Iterator[Violation]:
        if cluster.says("enableLegacyAbac"):
            yield Violation("enableLegacyAbac is true.", check="CKV_GCP_7")

    def certificate() -> Iterator[Violation]:
        if cluster.says("masterAuth.clientCertificateConfig.issueClientCertificate"):
            yield Violation("a client certificate is issued.", check="CKV_GCP_13")

    def password() -> Iterator[Violation]:
        if cluster.has("masterAuth.username") or cluster.has("masterAuth.password"):
            yield Violation("masterAuth has a user name or password.", check="CKV_GCP_19")

    yield from independently(abac(), certificate(), password())


@resource_rule(
    id="gcp-node-service-account",
    title="Nodes do not run as the project's default account",
    severity="medium",
    level="advisory",
    types=[NODE_POOL],
    fix="make a service account with roles/container.defaultNodeServiceAccount and name it in nodeConfig.",
    references=["CIS GKE 5.2.1", "NIST 800-53 AC-6"],
)
def node_service_account(pool: Resource, _: Parameters) -> Iterator[Violation]:
    """The default account may edit the whole project; so may whoever breaks out of one pod."""
    if pool.get("nodeConfig.serviceAccount", "default") in ("", "default") and not pool.referred("nodeConfig", ACCOUNT):
        yield Violation("nodeConfig.serviceAccount is not set.")


@resource_rule(
    id="gcp-gke-single-stack-multi-network",
    title="GKE clusters with further node networks are IPv4 only",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="set ipAllocationPolicy.stackType to IPV4, or leave enableMultiNetworking out.",
    references=["Google: multi-network support for Pods"],
)
def single_stack_multi_network(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """GKE does not make a dual-stack cluster whose nodes have further networks; neither can be changed later."""
    if cluster.says("enableMultiNetworking") and cluster.get("ipAllocationPolicy.stackType") == "IPV4_IPV6":
        yield Violation("enableMultiNetworking stands beside stackType IPV4_IPV6.")
