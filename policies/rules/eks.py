"""Clusters: who reaches the API, what it keeps secret, what it writes down."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Violation, resource_rule

CLUSTER = "aws:eks/cluster:Cluster"
WORLD = ("0.0.0.0/0", "::/0")
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@resource_rule(
    id="eks-endpoint-not-world",
    title="The Kubernetes API is not open to the world",
    severity="critical",
    level="mandatory",
    types=[CLUSTER],
    fix="set vpcConfig.endpointPublicAccess to false, or name the networks in publicAccessCidrs.",
    references=["CKV_AWS_38", "CKV_AWS_39", "CIS EKS 5.4.1", "CIS EKS 5.4.2"],
)
def endpoint_not_world(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Whoever reaches the API can try credentials on it; AWS opens it to everybody unless told otherwise."""
    if cluster.get("vpcConfig.endpointPublicAccess", True) in (False, "false"):
        return
    cidrs = cluster.all("vpcConfig.publicAccessCidrs")
    if not cidrs or any(cidr in WORLD for cidr in cidrs):
        yield Violation("the API endpoint is public and open to every address.")


@resource_rule(
    id="eks-secrets-kms",
    title="Kubernetes secrets are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[CLUSTER],
    fix="set encryptionConfig with resources [secrets] and the ARN of a KMS key.",
    references=["CKV_AWS_58", "CIS EKS 5.3.1"],
)
def secrets_kms(cluster: Resource, _: Parameters) -> Iterator[Violation]:
    """Without a key of one's own nobody can revoke access to the secrets in etcd."""
    if "secrets" not in cluster.all("encryptionConfig.resources") or not cluster.has(
        "encryptionConfig.provider.keyArn"
    ):
        yield Violation("secrets are not encrypted with a customer managed key.")


@resource_rule(
    id="eks-control-plane-logs",
    title="The control plane writes all its logs",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set enabledClusterLogTypes to api, audit, authenticator, controllerManager and scheduler.",
    references=["CKV_AWS_37", "CIS EKS 2.1.1"],
    parameters={"types": LOGS},
)
def control_plane_logs(cluster: Resource, given: Parameters) -> Iterator[Violation]:
    """What was not written cannot be looked up after an incident."""
    enabled = cluster.all("enabledClusterLogTypes")
    if missing := [name for name in given["types"] if name not in enabled]:
        yield Violation(f"the control plane does not write {', '.join(missing)}.")
