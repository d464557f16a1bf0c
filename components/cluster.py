"""The Kubernetes control plane (EKS), who may use it, and a provider for objects in it.

Holds the cluster with its key, log group and role, access entries for administrators, the networks that are let in to
the private API, the add-ons nodes need to join, and the Kubernetes provider. Nodes are `accelerator_pool` and
`system_pool`; add-ons that run on nodes are made by the composition once there are some.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import cloudwatch, eks, vpc
from pydantic import Field

from catalog import eks_versions, releases
from components import encryption, tags
from components.cluster_access import ClusterAdministrator, kubeconfig, principal_name
from components.cluster_addons import BEFORE_NODES, ON_NODES, AddOns
from components.encryption import EncryptionKey
from components.roles import ServiceRole
from components.site import Site
from components.spec import Cidr, KubernetesVersion, PrincipalArn, Problem, Retention, Spec, Zone

LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
WIDEST_PREFIX = 8
"""A public access range shorter than this is a good part of the world, not a named network."""
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
"""RFC 1918 and RFC 6598: what a VPN, a peered network or a transit gateway can bring."""
SERVICE_RANGES, SERVICE_PREFIXES = PRIVATE[:3], (12, 24)
"""Where EKS takes the addresses of services from: RFC 1918, /12 to /24 (EKS API, KubernetesNetworkConfigRequest)."""
API_PORT = 443


class ClusterSpec(Spec):
    """Version, access and care of the control plane."""

    admins: tuple[PrincipalArn, ...] = Field(
        min_length=1,
        description="IAM users and roles that administer the cluster. Whoever runs Pulumi must be one of them: nobody "
        "gets in by having created the cluster.",
    )
    version: KubernetesVersion | None = Field(
        None, description="Kubernetes version, in quotes. Default: that of the catalog."
    )
    zones: tuple[Zone, ...] | None = Field(
        None,
        min_length=2,
        description="Zones of the control plane: two or three of network.zones. EKS keeps those it was made with, and "
        "takes no zone with the id use1-az3 (for many accounts us-east-1e), usw1-az2 or cac1-az3. Default: the first "
        "two of network.zones.",
    )
    service_cidr: Cidr = Field(
        IPv4Network("172.20.0.0/16"),
        description="Addresses of Kubernetes services, apart from every network the cluster talks to. Cannot be "
        "changed later.",
    )
    public_access_cidrs: tuple[Cidr, ...] = Field(
        (),
        description="Networks from which the Kubernetes API can be reached over the internet. Default: none; the API "
        "is private to the VPC.",
    )
    private_access_cidrs: tuple[Cidr, ...] = Field(
        (),
        description="Private networks that are let in to the private API: those of a VPN, a peering, a transit gateway "
        "or, for a bastion, of the VPC itself. The way into the VPC is yours to make. Default: none; nodes only.",
    )
    addon_versions: dict[str, str] = Field(
        default_factory=dict, description="Version per EKS add-on where it differs from the catalog."
    )
    support: Literal["standard", "extended"] = Field(
        "standard", description="What EKS does when standard support of the version ends: upgrade, or bill extended."
    )
    node_shell_access: bool = Field(
        False, description="Whether administrators may open a shell on nodes through AWS Systems Manager."
    )
    log_retention_days: Retention = Field(365, description="How long control-plane logs are kept, in days.")
    deletion_protection: bool = Field(True, description="Whether EKS and Pulumi refuse to delete the cluster.")

    @property
    def kubernetes(self) -> str:
        """The version asked for, else the catalog's."""
        chosen = self.version or releases["eks"].version
        assert chosen is not None, "the catalog names a Kubernetes version"
        return chosen

    def problems(self) -> Iterator[Problem]:
        if self.version and self.version not in eks_versions:
            known = ", ".join(eks_versions)
            yield Problem(("version",), f"{self.version} is not a version that EKS is known to offer ({known}).")
        for name in self.addon_versions:
            if name not in (*BEFORE_NODES, *ON_NODES):
                known = ", ".join(sorted((*BEFORE_NODES, *ON_NODES)))
                yield Problem(("addon-versions", name), f"{name} is no add-on of the cluster ({known}). Correct it.")
        largest, smallest = SERVICE_PREFIXES
        fits = any(self.service_cidr.subnet_of(private) for private in SERVICE_RANGES)
        if not (fits and largest <= self.service_cidr.prefixlen <= smallest):
            yield Problem(
                ("service-cidr",),
                f"{self.service_cidr} is not taken by EKS. Give a range from /{largest} to /{smallest} inside "
                f"{' or '.join(map(str, SERVICE_RANGES))}, such as 172.20.0.0/16.",
            )
        for index, cidr in enumerate(self.public_access_cidrs):
            if cidr.prefixlen < WIDEST_PREFIX:
                yield Problem(
                    ("public-access-cidrs", index),
                    f"{cidr} opens the Kubernetes API to the world. Name the networks that need it, each "
                    f"/{WIDEST_PREFIX} or smaller, or leave the key out to keep the API private.",
                )
        for index, cidr in enumerate(self.private_access_cidrs):
            if not any(cidr.subnet_of(private) for private in PRIVATE):
                yield Problem(
                    ("private-access-cidrs", index),
                    f"{cidr} is no private range ({', '.join(map(str, PRIVATE))}). Networks of the internet belong "
                    "under public-access-cidrs.",
                )


class Cluster(pulumi.ComponentResource):
    """An EKS cluster that nobody but its administrators can reach."""

    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    version: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Gets its tokens from `aws eks get-token`; holds no credential."""
    security_group_id: pulumi.Output[str]
    """The group that EKS makes: traffic between control plane and nodes. Every node carries it."""
    volume_key_arn: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    ready_for_nodes: list[pulumi.Resource]
    """What node groups must wait for: add-ons without which a node does not join, and the rights of its role."""
    provider: kubernetes.Provider

    def __init__(
        self,
        name: str,
        spec: ClusterSpec,
        *,
        site: Site,
        subnet_ids: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`subnet_ids`: where the control plane puts its interfaces, in two or three zones."""
        super().__init__("aidc:cluster:Cluster", name, None, opts)
        self._name, self._spec, self._site = name, spec, site
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            name,
            site=site,
            purpose="Kubernetes secrets, control-plane logs and node volumes",
            part="cluster",
            statements=[encryption.logs(site), *encryption.volumes(site)],
            opts=child,
        )
        cluster = self._control_plane(subnet_ids, key)
        self.name, self.endpoint, self.version = cluster.name, cluster.endpoint, cluster.version
        self.security_group_id = cluster.vpc_config.cluster_security_group_id
        self.volume_key_arn = key.arn
        self.kubeconfig = kubeconfig(cluster, site.region)
        administrators = [
            ClusterAdministrator(
                f"{name}-{principal_name(arn, site.account)}", arn, cluster=cluster, site=site, opts=child
            )
            for arn in spec.admins
        ]
        node_role = self._node_role()
        self.node_role_arn = node_role.arn
        addons = AddOns(
            f"{name}-node-addons",
            BEFORE_NODES,
            kubernetes=spec.kubernetes,
            versions=spec.addon_versions,
            site=site,
            cluster_name=cluster.name,
            opts=child,
        )
        self.ready_for_nodes = [addons, *node_role.ready]
        # Objects can be made only once the principal that runs Pulumi, and its network, have been let in. They are
        # deleted one by one before the cluster, not skipped with `deleted_with`: so volumes are released and nothing is
        # left unsaid. When the cluster is gone already, PULUMI_K8S_DELETE_UNREACHABLE=true lets Pulumi forget them.
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*administrators, *self._admit()]),
        )
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _admit(self) -> list[pulumi.Resource]:
        """Without these rules the private API lets in nobody but nodes, a bastion in the VPC included (EKS User Guide,
        "Cluster API server endpoint": accessing a private only API server).
        """
        return [
            vpc.SecurityGroupIngressRule(
                f"{self._name}-api-from-{str(cidr).replace('/', '-')}",
                security_group_id=self.security_group_id,
                description="Kubernetes API from a private network",
                ip_protocol="tcp",
                from_port=API_PORT,
                to_port=API_PORT,
                cidr_ipv4=str(cidr),
                tags=tags.component("cluster"),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for cidr in self._spec.private_access_cidrs
        ]

    def _control_plane(self, subnet_ids: Sequence[pulumi.Input[str]], key: EncryptionKey) -> eks.Cluster:
        name, spec, site = self._name, self._spec, self._site
        child = pulumi.ResourceOptions(parent=self)
        # EKS would make this group by itself, unencrypted and kept for ever; it is recognised by its name.
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{site.prefix}/cluster",
            retention_in_days=spec.log_retention_days,
            kms_key_id=key.arn,
            tags=tags.component("cluster"),
            opts=child,
        )
        role = ServiceRole(
            f"{name}-control-plane",
            site=site,
            service="eks.amazonaws.com",
            part="cluster",
            managed=["AmazonEKSClusterPolicy"],
            allow=[
                {
                    "Effect": "Allow",
                    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"],
                    "Resource": key.arn,
                }
            ],
            opts=child,
        )
        return eks.Cluster(
            f"{name}-eks",
            name=site.prefix,
            version=spec.kubernetes,
            role_arn=role.arn,
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            bootstrap_self_managed_addons=False,
            deletion_protection=spec.deletion_protection,
            enabled_cluster_log_types=LOG_TYPES,
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            kubernetes_network_config={"ip_family": "ipv4", "service_ipv4_cidr": str(spec.service_cidr)},
            upgrade_policy={"support_type": spec.support.upper()},
            vpc_config=api_access(spec, subnet_ids),
            tags=tags.component("cluster", name=site.prefix),
            opts=pulumi.ResourceOptions(parent=self, protect=spec.deletion_protection, depends_on=[logs, *role.ready]),
        )

    def _node_role(self) -> ServiceRole:
        """Rights of every node: join the cluster and pull images. The network plugin has a role of its own."""
        shell = ["AmazonSSMManagedInstanceCore"] if self._spec.node_shell_access else []
        return ServiceRole(
            f"{self._name}-node",
            site=self._site,
            service="ec2.amazonaws.com",
            part="cluster",
            managed=["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", *shell],
            opts=pulumi.ResourceOptions(parent=self),
        )


def api_access(spec: ClusterSpec, subnet_ids: Sequence[pulumi.Input[str]]) -> eks.ClusterVpcConfigArgsDict:
    """From where the API answers: in the VPC always, over the internet where the spec names networks."""
    access: eks.ClusterVpcConfigArgsDict = {
        "subnet_ids": list(subnet_ids),
        "endpoint_private_access": True,
        "endpoint_public_access": bool(spec.public_access_cidrs),
    }
    if spec.public_access_cidrs:
        access["public_access_cidrs"] = [str(cidr) for cidr in spec.public_access_cidrs]
    return access
