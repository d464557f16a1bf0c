"""Who reaches the control plane, and with what it is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catalog import releases
from components.cluster_addons import VERSION_TAG, chosen_version
from plan import Plan, Resource
from tests.stacks.support import changed, plan_of, planned


def only(plan: Plan, kind: str) -> Resource:
    (found,) = plan.of_type(kind)
    return found


def cluster(changes: dict[str, Any]) -> Resource:
    return only(plan_of(changed(changes)), "aws:eks/cluster:Cluster")


def test_the_api_is_private_unless_networks_are_named() -> None:
    access = cluster({}).inputs["vpcConfig"]
    assert access["endpointPrivateAccess"] is True
    assert access["endpointPublicAccess"] is False
    assert "publicAccessCidrs" not in access


def test_named_networks_and_no_others_reach_the_api() -> None:
    access = cluster({"cluster/public-access-cidrs": ["203.0.113.0/24", "198.51.100.7/32"]}).inputs["vpcConfig"]
    assert access["endpointPublicAccess"] is True
    assert access["publicAccessCidrs"] == ["203.0.113.0/24", "198.51.100.7/32"]
    assert access["endpointPrivateAccess"] is True


def test_private_networks_are_let_in_to_the_api_and_no_objects_are_made_before() -> None:
    """The group that EKS makes admits only itself: without a rule Pulumi would wait for the API in vain."""
    plan = plan_of(changed({"cluster/private-access-cidrs": ["10.8.0.0/16", "192.168.7.0/24"]}))
    rules = [
        rule
        for rule in plan.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if rule.name.startswith("cluster-api-from-")
    ]
    assert [rule.inputs["cidrIpv4"] for rule in rules] == ["10.8.0.0/16", "192.168.7.0/24"]
    assert {(rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"]) for rule in rules} == {
        ("tcp", 443, 443)
    }
    assert {rule.urn for rule in rules} <= set(only(plan, "pulumi:providers:kubernetes").dependencies)


def test_administrators_with_like_names_are_told_apart() -> None:
    one, other, neighbour = (
        f"arn:aws:iam::{who}" for who in ("123456789012:role/a/b", "123456789012:role/a-b", "210987654321:role/a-b")
    )
    plan = plan_of(changed({"cluster/admins": [one, other, neighbour]}))
    names = {entry.inputs["principalArn"]: entry.name for entry in plan.of_type("aws:eks/accessEntry:AccessEntry")}
    assert names == {
        one: "cluster-role-a~b-entry",
        other: "cluster-role-a-b-entry",
        neighbour: "cluster-210987654321-role-a-b-entry",
    }


def test_nobody_is_an_administrator_but_those_who_are_named() -> None:
    arns = ["arn:aws:iam::123456789012:role/platform", "arn:aws:iam::123456789012:user/moto"]
    plan = plan_of(changed({"cluster/admins": arns}))
    access = only(plan, "aws:eks/cluster:Cluster").inputs["accessConfig"]
    assert access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    entries = plan.of_type("aws:eks/accessEntry:AccessEntry")
    assert sorted(entry.inputs["principalArn"] for entry in entries) == arns
    rights = plan.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert len(rights) == 2
    assert all(right.inputs["policyArn"].endswith("AmazonEKSClusterAdminPolicy") for right in rights)


def test_kubernetes_objects_are_made_only_after_their_maker_was_let_in() -> None:
    plan = planned("local")
    provider = only(plan, "pulumi:providers:kubernetes")
    rights = {right.urn for right in plan.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")}
    assert rights <= set(provider.dependencies)


def test_secrets_are_encrypted_and_all_logs_are_kept_in_an_encrypted_group() -> None:
    plan = planned("local")
    made = only(plan, "aws:eks/cluster:Cluster")
    assert made.inputs["encryptionConfig"]["resources"] == ["secrets"]
    assert set(made.inputs["enabledClusterLogTypes"]) == {
        "api", "audit", "authenticator", "controllerManager", "scheduler",
    }  # fmt: skip
    (group,) = [one for one in plan.of_type("aws:cloudwatch/logGroup:LogGroup") if one.name == "cluster-logs"]
    assert group.inputs["name"] == f"/aws/eks/{made.inputs['name']}/cluster"
    assert group.urn in made.dependencies, "EKS would make the group itself, without retention and key"
    assert group.inputs["retentionInDays"] == 7
    assert "kmsKeyId" in group.inputs


def test_the_kubeconfig_gets_tokens_and_holds_none() -> None:
    exports = planned("local", "up").exports
    config = json.loads(exports["cluster"]["kubeconfig"])
    (user,) = config["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["command"] == "aws"
    arguments = user["user"]["exec"]["args"]
    assert arguments[arguments.index("eks") :][:4] == ["eks", "get-token", "--cluster-name", "aidc-sandbox"]
    (place,) = config["clusters"]
    assert place["cluster"]["server"] == exports["cluster"]["endpoint"]


def test_nodes_wait_for_what_they_need_to_join() -> None:
    plan = planned("local")
    needed = {
        addon.urn
        for addon in plan.of_type("aws:eks/addon:Addon")
        if addon.inputs["addonName"] in {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    }
    assert len(needed) == 3
    for group in plan.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert needed <= set(group.dependencies)


def test_the_network_plugin_has_rights_of_its_own_and_nodes_have_not_got_them() -> None:
    plan = planned("local")
    holders = {
        attachment.inputs["policyArn"].rpartition("/")[2]: attachment.name
        for attachment in plan.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert holders["AmazonEKS_CNI_Policy"].startswith("cluster-node-addons-cni")
    nodes = {policy for policy, name in holders.items() if name.startswith("cluster-node-Amazon")}
    assert nodes == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}


def test_an_addon_version_is_used_only_for_the_kubernetes_version_it_was_seen_with() -> None:
    default = releases["eks"].version
    assert default is not None
    assert chosen_version("coredns", {}, default) == (releases["coredns"].version, {})
    assert chosen_version("coredns", {}, "1.31") == (None, {VERSION_TAG: "chosen-by-eks"})


def test_an_unverified_version_says_so_and_a_chosen_one_does_not() -> None:
    unverified = [name for name, release in releases.items() if release.kind == "addon" and not release.verified]
    for name in unverified:
        release = releases[name]
        assert chosen_version(name, {}, release.kubernetes or "1.35")[1] == {VERSION_TAG: "unverified"}
        assert chosen_version(name, {name: "v1.0.0-eksbuild.1"}, "1.35") == ("v1.0.0-eksbuild.1", {})


@pytest.mark.parametrize("stack", ["prod-h200"])
def test_production_cannot_be_deleted_by_mistake(stack: str) -> None:
    plan = planned(stack)
    assert only(plan, "aws:eks/cluster:Cluster").inputs["deletionProtection"] is True
    kept = [*plan.of_type("aws:fsx/lustreFileSystem:LustreFileSystem"), *plan.of_type("aws:s3/bucket:Bucket")]
    for resource in kept:
        assert resource.protect or resource.inputs["tags"]["dc:data-class"] == "log", resource.name
        assert not resource.inputs.get("forceDestroy")
