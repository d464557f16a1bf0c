"""The account that nodes act as: what a kubelet, its logs and its metrics need, and no more.

Pods do not use it: they have identities of their own (Workload Identity Federation).
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects, serviceaccount

from components.gcp.project import GcpSite

ROLES = ("container.defaultNodeServiceAccount", "artifactregistry.reader")
"""The least a node needs, and pulling images (GKE documentation, "Use least privilege IAM service accounts")."""


class NodeAccount(pulumi.ComponentResource):
    """A service account for nodes."""

    email: pulumi.Output[str]
    ready: list[pulumi.Resource]
    """What node pools must wait for: a node without its rights does not register."""

    def __init__(self, name: str, *, site: GcpSite, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aidc:gcp/node_account:NodeAccount", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=f"{site.prefix}-nodes"[:30].rstrip("-"),
            display_name=f"Nodes of {site.prefix}",
            opts=child,
        )
        self.email = account.email
        self.ready = [
            projects.IAMMember(
                f"{name}-{role.replace('.', '-')}",
                project=site.project,
                role=f"roles/{role}",
                member=account.email.apply(lambda email: f"serviceAccount:{email}"),
                opts=child,
            )
            for role in ROLES
        ]
        self.register_outputs({"email": self.email})
