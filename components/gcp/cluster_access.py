"""Who gets into a GKE cluster: administrators by IAM and RBAC, and the kubeconfig that they use.

A member gets the right to see this project's clusters from IAM and all rights in this one cluster from Kubernetes, so
that an administrator of one cluster is not one of every cluster of the project.
"""

from __future__ import annotations

import hashlib
import json
import re

import pulumi
from pulumi_gcp import container, projects
from pulumi_kubernetes.rbac.v1 import ClusterRoleBinding

from components import tags
from components.gcp.project import GcpSite

PLUGIN = "gke-gcloud-auth-plugin"
"""Google's credential plugin: asks for a token of whoever runs it (GKE documentation, "Install kubectl and configure
cluster access")."""
SUBJECTS = {"user": "User", "group": "Group", "serviceAccount": "User"}


class ClusterAdministrator(pulumi.ComponentResource):
    """One user, group or service account with all rights in the cluster."""

    def __init__(self, name: str, member: str, *, site: GcpSite, opts: pulumi.ResourceOptions | None = None) -> None:
        """`opts` carries the Google and the Kubernetes provider."""
        super().__init__("aidc:gcp/cluster_access:ClusterAdministrator", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        projects.IAMMember(
            f"{name}-viewer", project=site.project, role="roles/container.clusterViewer", member=member, opts=child
        )
        kind, _, address = member.partition(":")
        ClusterRoleBinding(
            f"{name}-binding",
            metadata={"name": f"dc-{slug(member)}", "labels": tags.labels(site, "cluster")},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            subjects=[{"kind": SUBJECTS[kind], "name": address, "api_group": "rbac.authorization.k8s.io"}],
            opts=child,
        )
        self.register_outputs({})


def slug(member: str) -> str:
    """`group:ml@example.com` -> `ml-example-com`: part of names."""
    return re.sub(r"[^a-z0-9]+", "-", member.partition(":")[2].lower()).strip("-")


def address(cluster: container.Cluster) -> pulumi.Output[str]:
    """Where the Kubernetes API answers. GKE gives a host, with a port where it is not 443."""
    return cluster.endpoint.apply(lambda host: f"https://{host}")


def identity(cluster: container.Cluster) -> pulumi.Output[str]:
    """What makes this cluster this one, wherever it answers: the authority that it was made with. Else an API that
    turns private would count as another cluster, and everything in it would be made anew."""
    authority = cluster.master_auth.cluster_ca_certificate
    return authority.apply(lambda text: hashlib.sha256((text or "").encode()).hexdigest()[:16])


def kubeconfig(cluster: container.Cluster) -> pulumi.Output[str]:
    """A kubeconfig as JSON. It holds no secret: whoever uses it gets a token for his own Google identity."""

    def render(name: str, server: str, authority: str) -> str:
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
                "users": [
                    {
                        "name": name,
                        "user": {
                            "exec": {
                                "apiVersion": "client.authentication.k8s.io/v1beta1",
                                "command": PLUGIN,
                                "provideClusterInfo": True,
                                "interactiveMode": "Never",
                            }
                        },
                    }
                ],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "current-context": name,
            }
        )

    parts = pulumi.Output.all(cluster.name, address(cluster), cluster.master_auth.cluster_ca_certificate)
    return parts.apply(lambda values: render(*values))
