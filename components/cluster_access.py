"""Who gets into a cluster: access entries of administrators and the kubeconfig that they use.

Access is by EKS access entries alone; there is no aws-auth ConfigMap.
"""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import eks

from components import tags
from components.site import Site


class ClusterAdministrator(pulumi.ComponentResource):
    """One IAM principal with all rights in the cluster."""

    def __init__(
        self,
        name: str,
        principal_arn: str,
        *,
        cluster: eks.Cluster,
        site: Site,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:cluster_access:ClusterAdministrator", name, None, opts)
        entry = eks.AccessEntry(
            f"{name}-entry",
            cluster_name=cluster.name,
            principal_arn=principal_arn,
            type="STANDARD",
            tags=tags.component("cluster"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        eks.AccessPolicyAssociation(
            f"{name}-rights",
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:{site.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            access_scope={"type": "cluster"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def principal_name(arn: str, account: str) -> str:
    """What tells a principal from every other: `role-platform`. A path keeps its own sign, which no name in IAM holds,
    and another account is named: `role/a/b` is not `role/a-b`, nor a neighbour's role of the same name.
    """
    _, _, _, _, owner, resource = arn.split(":", 5)
    kind, _, path = resource.partition("/")
    name = f"{kind}-{path.replace('/', '~')}"
    return name if owner == account else f"{owner}-{name}"


def kubeconfig(cluster: eks.Cluster, region: str) -> pulumi.Output[str]:
    """A kubeconfig as JSON. It holds no secret: whoever uses it gets a token for his own AWS identity."""

    def render(name: str, endpoint: str, authority: str) -> str:
        arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
                "users": [
                    {
                        "name": name,
                        "user": {
                            "exec": {
                                "apiVersion": "client.authentication.k8s.io/v1beta1",
                                "command": "aws",
                                "args": arguments,
                                "interactiveMode": "Never",
                            }
                        },
                    }
                ],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "current-context": name,
            }
        )

    parts = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data)
    return parts.apply(lambda values: render(*values))
