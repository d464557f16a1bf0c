"""Node groups and add-ons: where nodes stand, who reaches them, what runs on every one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .machines import accelerated
from .model import CannotTell, Parameters, Resource, Stack, Violation, each, relation_rule, resource_rule

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
SUBNET = "aws:ec2/subnet:Subnet"
RELEASE = "kubernetes:helm.sh/v3:Release"
AUTO = ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "eks-node-monitoring-agent")
TIERS = ("standard", "tier-xl", "tier-2xl", "tier-4xl", "tier-8xl")


@relation_rule(
    id="eks-control-plane-tier",
    title="Large clusters have a provisioned control plane",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="set controlPlaneScalingConfig.tier to tier-xl or higher.",
    parameters={"nodes": 1000},
)
def control_plane_tier(cluster: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A job that starts thousands of pods at once waits for a control plane that grows slowly."""
    groups = stack.belonging(cluster, "clusterName", NODE_GROUP, by="name")
    nodes = sum(group.number("scalingConfig.maxSize", 0) or 0 for group in groups)
    if nodes > given["nodes"] and cluster.get("controlPlaneScalingConfig.tier", "standard") == "standard":
        yield Violation(f"its node groups may have {int(nodes)} nodes, the control plane is of tier standard.")


@resource_rule(
    id="nodegroup-no-open-ssh",
    title="SSH to nodes comes from named groups",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="name sourceSecurityGroupIds, or remove remoteAccess and use Session Manager.",
    references=["CKV_AWS_100", "CIS EKS 5.4.3", "NIST 800-53 SC-7"],
)
def no_open_ssh(group: Resource, _: Parameters) -> Iterator[Violation]:
    """EKS opens port 22 of the nodes to the world where no group is named."""
    if group.has("remoteAccess.ec2SshKey") and not group.all("remoteAccess.sourceSecurityGroupIds"):
        yield Violation("SSH is open to the world.")


@relation_rule(
    id="nodegroup-private-subnets",
    title="Nodes stand in private subnets",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="use subnets without mapPublicIpOnLaunch.",
    references=["CIS EKS 5.4.3", "NIST 800-53 SC-7"],
)
def private_subnets(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Nodes with public addresses are reached from everywhere; those with several network cards get none at all."""

    def one(subnet: Resource) -> Iterator[Violation]:
        if subnet.says("mapPublicIpOnLaunch"):
            yield Violation(f"subnet {subnet.name} gives public addresses.")

    yield from each(group.referred("subnetIds", SUBNET), one)


@resource_rule(
    id="nodegroup-launch-template-conflicts",
    title="A node group says each thing once",
    severity="medium",
    level="mandatory",
    types=[NODE_GROUP],
    fix="put disk and access into the launch template; give nodeGroupName or nodeGroupNamePrefix, not both.",
)
def launch_template_conflicts(group: Resource, _: Parameters) -> Iterator[Violation]:
    """EKS refuses the group."""
    if group.has("launchTemplate"):
        for path in ("remoteAccess", "diskSize"):
            if group.has(path):
                yield Violation(f"{path} stands beside a launch template.", check=path)
    if group.has("nodeGroupName") and group.has("nodeGroupNamePrefix"):
        yield Violation("it has both nodeGroupName and nodeGroupNamePrefix.", check="name")


def _repair(group: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if accelerated(group) and not group.says("nodeRepairConfig.enabled"):
        yield "nodeRepairConfig.enabled", True


@relation_rule(
    id="nodegroup-auto-repair",
    title="Broken accelerator nodes are replaced",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP],
    fix="set nodeRepairConfig.enabled to true.",
    remedy=_repair,
)
def auto_repair(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """One machine with a failed accelerator stops a whole run, and nobody looks at night."""
    if accelerated(group) and not group.says("nodeRepairConfig.enabled"):
        yield Violation("nodeRepairConfig.enabled is not true.")


@resource_rule(
    id="eks-addon-version-pinned",
    title="Add-ons name their version",
    severity="low",
    level="advisory",
    types=[ADDON],
    fix="set addonVersion.",
)
def addon_version_pinned(addon: Resource, _: Parameters) -> Iterator[Violation]:
    """Without a version the same program makes another cluster next week."""
    if not addon.has("addonVersion"):
        yield Violation("addonVersion is not set.")


@relation_rule(
    id="eks-required-addons",
    title="Clusters have the add-ons they cannot do without",
    severity="medium",
    level="advisory",
    types=[CLUSTER],
    fix="add an aws.eks.Addon, or a Helm release of the same name, for each.",
    references=["AWS EKS best practices"],
    parameters={
        "addons": ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "eks-node-monitoring-agent"),
    },
)
def required_addons(cluster: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """No network, no names, no credentials, no node health: found out after the machines are paid for."""
    addons = stack.belonging(cluster, "clusterName", ADDON, by="name")
    present = {addon.get("addonName") for addon in addons}
    present |= {release.get("chart") for release in stack.of(RELEASE)}
    # Auto Mode runs these on its nodes itself (AWS EKS user guide: Auto Mode).
    present |= set(AUTO) if cluster.says("computeConfig.enabled") else set()
    if missing := [name for name in given["addons"] if name not in present]:
        yield Violation(f"the add-ons {', '.join(missing)} are missing.")


def _configuration(addon: Resource) -> dict[str, Any]:
    text = addon.get("configurationValues", "")
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        raise CannotTell("configurationValues", "is not JSON") from None
    return value if isinstance(value, dict) else {}


def _enforces(addon: Resource) -> bool:
    return addon.get("addonName") != "vpc-cni" or str(_configuration(addon).get("enableNetworkPolicy")) in (
        "true",
        "True",
    )


def _enforce(addon: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if not _enforces(addon):
        yield "configurationValues", json.dumps({**_configuration(addon), "enableNetworkPolicy": "true"})


@resource_rule(
    id="eks-network-policy-enabled",
    title="Network policies have an effect",
    severity="medium",
    level="advisory",
    types=[ADDON],
    fix='set enableNetworkPolicy to "true" in the configurationValues of vpc-cni.',
    references=["CIS EKS 4.3.1", "CIS EKS 5.4.4", "NIST 800-53 SC-7"],
    remedy=_enforce,
)
def network_policy_enabled(addon: Resource, _: Parameters) -> Iterator[Violation]:
    """Without it every NetworkPolicy is accepted and none is enforced."""
    if not _enforces(addon):
        yield Violation("vpc-cni does not enforce network policies.")
