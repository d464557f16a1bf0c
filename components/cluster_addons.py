"""EKS add-ons: parts of Kubernetes that AWS keeps, with versions from the catalog.

Two lots: what a node needs before it can join, and what needs nodes to run on (the API calls an add-on without nodes
degraded, and Pulumi would wait for it in vain). Device plugins are not here: AWS offers none as an add-on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws import eks

from catalog import releases
from components import tags
from components.roles import ServiceRole
from components.site import Site

BEFORE_NODES = ("eks-pod-identity-agent", "kube-proxy", "vpc-cni")
ON_NODES = ("coredns", "eks-node-monitoring-agent")

VERSION_TAG = "dc:version"
CNI_ACCOUNT = "aws-node"
ADDRESSES_PER_NODE = 20
"""Addresses a node takes from its subnet at rest: one of its own, MINIMUM_IP_TARGET and WARM_IP_TARGET below.
Without these targets the CNI keeps a whole spare interface per node, 50 addresses on large types
(aws/amazon-vpc-cni-k8s, docs/eni-and-ip-target.md)."""

CONFIGURATION: Mapping[str, Any] = {
    "vpc-cni": {
        "enableNetworkPolicy": "true",
        "env": {"MINIMUM_IP_TARGET": "16", "WARM_IP_TARGET": "3"},
    },
}


class AddOns(pulumi.ComponentResource):
    """A set of add-ons of one cluster."""

    def __init__(
        self,
        name: str,
        addons: Sequence[str],
        *,
        kubernetes: str,
        versions: Mapping[str, str],
        site: Site,
        cluster_name: pulumi.Input[str],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`kubernetes` is the version of the cluster; `versions` override the catalog's; `after`: nodes."""
        super().__init__("aidc:cluster_addons:AddOns", name, None, opts)
        self._name, self._site, self._cluster_name = name, site, cluster_name
        for addon in addons:
            version, marks = chosen_version(addon, versions, kubernetes)
            needs = self._cni_identity() if addon == "vpc-cni" else []
            eks.Addon(
                f"{name}-{addon}",
                cluster_name=cluster_name,
                addon_name=addon,
                addon_version=version,
                configuration_values=json.dumps(CONFIGURATION[addon]) if addon in CONFIGURATION else None,
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="OVERWRITE",
                tags=tags.component("cluster") | marks,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*after, *needs]),
            )
        self.register_outputs({})

    def _cni_identity(self) -> list[pulumi.Resource]:
        """The network plugin's own rights: they must not be the rights of every pod on the node."""
        child = pulumi.ResourceOptions(parent=self)
        role = ServiceRole(
            f"{self._name}-cni",
            site=self._site,
            service="pods.eks.amazonaws.com",
            part="cluster",
            managed=["AmazonEKS_CNI_Policy"],
            opts=child,
        )
        association = eks.PodIdentityAssociation(
            f"{self._name}-cni-identity",
            cluster_name=self._cluster_name,
            namespace="kube-system",
            service_account=CNI_ACCOUNT,
            role_arn=role.arn,
            tags=tags.component("cluster"),
            opts=child,
        )
        return [association, *role.ready]


def chosen_version(addon: str, versions: Mapping[str, str], kubernetes: str) -> tuple[str | None, dict[str, str]]:
    """Version of an add-on (None leaves the choice to EKS), and a tag when nobody has seen that version work."""
    if addon in versions:
        return versions[addon], {}
    release = releases[addon]
    version = release.for_kubernetes(kubernetes)
    if version is None:
        return None, {VERSION_TAG: "chosen-by-eks"}
    return version, {} if release.verified else {VERSION_TAG: "unverified"}
