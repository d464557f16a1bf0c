"""Clusters: who reaches the API, what it keeps secret, what it writes down."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from .addresses import open_to_everybody
from .facts import kubernetes
from .model import Parameters, Resource, Stack, Violation, relation_rule, resource_rule

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@resource_rule(
    id="eks-endpoint-not-world",
    title="The Kubernetes API is not open to the world",
    severity="critical",
    level="mandatory",
    types=[CLUSTER],
    fix="set vpcConfig.endpointPublicAccess to false, or name the networks in publicAccessCidrs.",
    references=["CKV_AWS_38", "CKV_AWS_39", "CIS EKS 5.4.1", "CIS EKS 5.4.2", "FSBP EKS.1", "NIST 800-53 SC-7"],
    parameters={"allow-public-with-cidrs": True},
)
def endpoint_not_world(cluster: Resource, given: Parameters) -> Iterator[Violation]:
    """Whoever reaches the API can try credentials on it; AWS opens it to everybody unless told otherwise."""
    if cluster.denies("vpcConfig.endpointPublicAccess"):
        return
    if not cluster.all("vpcConfig.publicAccessCidrs") or open_to_everybody(cluster, "vpcConfig.publicAccessCidrs"):
        yield Violation("the API endpoint is public and open to every address.", check="CKV_AWS_38")
        yield Violation("the API endpoint is public.", check="CKV_AWS_39")
    elif not given["allow-public-with-cidrs"]:
        yield Violation("the API endpoint is public.", check="CKV_AWS_39")


@resource_rule(
    id="eks-secrets-kms",
    title="Kubernetes secrets are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="set encryptionConfig with resources [secrets] and the ARN of a KMS key.",
    references=["CKV_AWS_58", "CIS EKS 5.3.1", "FSBP EKS.3", "NIST 800-53 SC-28"],
)
def secrets_kms(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Without a key of one's own nobody can revoke access to the secrets in etcd."""
    if "secrets" not in cluster.known("encryptionConfig.resources"):
        yield Violation("secrets are not encrypted with a customer managed key.")
    elif not cluster.has("encryptionConfig.provider.keyArn"):
        yield Violation("encryptionConfig names no key.", check="keyArn")


def _all_logs(cluster: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if any(name not in cluster.known("enabledClusterLogTypes") for name in given["types"]):
        yield "enabledClusterLogTypes", list(given["types"])


@resource_rule(
    id="eks-control-plane-logs",
    title="The control plane writes all its logs",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set enabledClusterLogTypes to api, audit, authenticator, controllerManager and scheduler.",
    references=["CKV_AWS_37", "CIS EKS 2.1.1", "FSBP EKS.8", "NIST 800-53 AU-12"],
    parameters={"types": LOGS},
    remedy=_all_logs,
)
def control_plane_logs(cluster: Resource, given: Parameters) -> Iterator[Violation]:
    """What was not written cannot be looked up after an incident."""
    enabled = cluster.known("enabledClusterLogTypes")
    if missing := [name for name in given["types"] if name not in enabled]:
        yield Violation(f"the control plane does not write {', '.join(missing)}.")


def minor(version: object) -> int | None:
    """The second part of a Kubernetes version."""
    parts = str(version).removeprefix("v").split(".")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


@relation_rule(
    id="eks-version-supported",
    title="Kubernetes is a version that AWS supports",
    severity="high",
    level="advisory",
    types=[CLUSTER, NODE_GROUP],
    fix="raise version by one minor at a time; nodes follow the cluster.",
    references=["CKV_AWS_339", "FSBP EKS.2", "NIST 800-53 SI-2"],
    parameters={"min-version": kubernetes().get("minimum")},
)
def version_supported(subject: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """An old version gets no fixes and costs six times as much; nodes too far from the cluster stop working."""
    found, least = minor(subject.get("version", "")), minor(given["min-version"])
    if found is not None and least is not None and found < least:
        message = f"version {subject.get('version')} is older than {given['min-version']}."
        yield Violation(message, check="CKV_AWS_339")
    if subject.type == NODE_GROUP and found is not None:
        for cluster in subject.referred("clusterName", CLUSTER):
            above = minor(cluster.get("version", ""))
            if above is not None and not above - 1 <= found <= above:
                yield Violation(f"its version is not within one minor of cluster {cluster.name}.", check="skew")


@resource_rule(
    id="eks-auth-mode-api",
    title="Access is given by entries",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set accessConfig.authenticationMode to API.",
    references=["CIS EKS 4.1.7", "NIST 800-53 AC-2"],
)
def auth_mode_api(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """The old config map is edited by hand, and a slip in it locks everybody out."""
    if cluster.get("accessConfig.authenticationMode") not in ("API", "API_AND_CONFIG_MAP"):
        yield Violation("accessConfig.authenticationMode is not API.")


@resource_rule(
    id="eks-no-creator-admin",
    title="Whoever creates the cluster is no hidden administrator",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set accessConfig.bootstrapClusterCreatorAdminPermissions to false and add an access entry.",
    references=["CIS EKS 4.1.1", "NIST 800-53 AC-6"],
)
def no_creator_admin(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """The creator's rights are in no list, and cannot be taken away from a pipeline later."""
    if not cluster.denies("accessConfig.bootstrapClusterCreatorAdminPermissions"):
        yield Violation("the creator becomes an administrator.")


@resource_rule(
    id="eks-access-cluster-admin-allowlist",
    title="Only named principals administer a cluster",
    severity="high",
    level="mandatory",
    types=[ASSOCIATION],
    fix="use a narrower access policy, or add the principal to the parameter principals.",
    references=["CIS EKS 4.1.1", "CIS EKS 5.5.1", "NIST 800-53 AC-6"],
    parameters={"principals": None},
)
def cluster_admin_allowlist(association: Resource, given: Parameters) -> Iterator[Violation]:
    """Cluster administrators read every secret and run anything on every machine."""
    admin = str(association.get("policyArn", "")).endswith("/AmazonEKSClusterAdminPolicy")
    if not admin or association.get("accessScope.type", "cluster") != "cluster":
        return
    principal = str(association.get("principalArn", ""))
    if not any(fnmatchcase(principal, pattern) for pattern in given["principals"]):
        yield Violation(f"{principal} administers the whole cluster and is not listed.")


def _protect(cluster: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if given["protected"] and not cluster.says("deletionProtection"):
        yield "deletionProtection", True


@resource_rule(
    id="eks-deletion-protection",
    title="Clusters cannot be deleted by accident",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set deletionProtection to true.",
    references=["NIST 800-53 CP-10"],
    parameters={"protected": True},
    remedy=_protect,
)
def deletion_protection(cluster: Resource, given: Parameters) -> Iterator[Violation]:
    """One wrong command would end every run on it."""
    if given["protected"] and not cluster.says("deletionProtection"):
        yield Violation("deletionProtection is not true.")


def _standard(cluster: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if cluster.get("upgradePolicy.supportType") != "STANDARD":
        yield "upgradePolicy.supportType", "STANDARD"


@resource_rule(
    id="eks-standard-support",
    title="Clusters do not slip into extended support",
    severity="low",
    level="advisory",
    types=[CLUSTER],
    fix="set upgradePolicy.supportType to STANDARD.",
    remedy=_standard,
)
def standard_support(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Extended support costs six times the price of the control plane."""
    if cluster.get("upgradePolicy.supportType") != "STANDARD":
        yield Violation("upgradePolicy.supportType is not STANDARD.")
