"""The access rules a fresh API server needs before the sandbox works; nothing else is put into the cluster.

Two sets: what plays kubelet may do what a kubelet does, and the groups that the token review of the emulated EKS gives
for its access policies may do what the policy of that name allows. `AmazonEKSClusterAdminPolicy` needs no rule: it
becomes `system:masters`. Left out: access scopes of single namespaces; their groups (`eks:edit:namespace:N`) are bound
to nothing, so they are refused. Applied server-side, so a second call changes nothing.
"""

from __future__ import annotations

from typing import Any

from kubernetes import client

from sandbox.kubernetes.connection import TIMEOUT, connect
from sandbox.kubernetes.pki import NODE_AGENTS
from sandbox.settings import Settings

ADMIN_VIEW = "eks:admin-view"
EKS_GROUPS = {"eks:admin": "admin", "eks:edit": "edit", "eks:view": "view", ADMIN_VIEW: ADMIN_VIEW}
"""Group of a token review -> role of the same extent; AmazonEKSAdminViewPolicy has none in Kubernetes itself.
https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html"""
GROUP = "rbac.authorization.k8s.io"
_ALL = ["get", "list", "watch", "create", "update", "patch", "delete"]
NODE_AGENT_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": _ALL},
    {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["get", "update", "patch"]},
    {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps", "secrets", "serviceaccounts", "services", "namespaces"],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": [""],
        "resources": ["persistentvolumeclaims", "persistentvolumes"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "update", "patch"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": _ALL},
]


def apply(settings: Settings) -> None:
    """Create or correct the rules. Raises what the Kubernetes client raises when the API server refuses."""
    rbac = client.RbacAuthorizationV1Api(connect(settings))
    how: dict[str, Any] = {
        "field_manager": "sandbox",
        "force": True,
        "_content_type": "application/apply-patch+yaml",
        "_request_timeout": TIMEOUT,
    }
    for role in roles():
        rbac.patch_cluster_role(role["metadata"]["name"], role, **how)
    for binding in bindings():
        rbac.patch_cluster_role_binding(binding["metadata"]["name"], binding, **how)


def roles() -> list[dict[str, Any]]:
    """The cluster roles that Kubernetes does not bring itself."""
    read_all = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    return [
        {"apiVersion": f"{GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
        for name, rules in ((NODE_AGENTS, NODE_AGENT_RULES), (ADMIN_VIEW, read_all))
    ]


def bindings() -> list[dict[str, Any]]:
    """Group -> cluster role."""
    return [
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": group},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group}],
        }
        for group, role in {**EKS_GROUPS, NODE_AGENTS: NODE_AGENTS}.items()
    ]
