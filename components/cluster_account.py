"""A Kubernetes service account with rights that span namespaces: account, role, binding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding

from components import tags
from components.site import Site


class ClusterAccount(pulumi.ComponentResource):
    """A service account of a driver."""

    def __init__(
        self,
        name: str,
        account: str,
        rules: Sequence[Any],
        *,
        site: Site,
        namespace: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:cluster_account:ClusterAccount", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = tags.labels(site, "device-plugins")
        ServiceAccount(
            f"{name}-account", metadata={"name": account, "namespace": namespace, "labels": labels}, opts=child
        )
        role = ClusterRole(
            f"{name}-role",
            metadata={"name": account, "labels": labels},
            rules=list(rules),
            opts=child,
        )
        ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": account, "labels": labels},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
            opts=child,
        )
        self.register_outputs({})
