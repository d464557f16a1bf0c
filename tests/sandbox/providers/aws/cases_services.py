"""Scenarios of identities, clusters and budgets."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.providers.aws.scenarios import ALLOW, DENY, TRUST, Scenario, World, fixed

MANAGED = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
OTHER_TRUST = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "eks.amazonaws.com"}}]}


def _cluster(world: World) -> dict[str, Any]:
    network = {"subnetIds": [world.subnet(0), world.subnet(1)], "endpointPrivateAccess": True}
    return {
        "name": f"cluster-{world.number}",
        "roleArn": world.role().state["arn"],
        "version": "1.33",
        "vpcConfig": network | {"endpointPublicAccess": False},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "enabledClusterLogTypes": ["api", "audit"],
        "encryptionConfig": {"provider": {"keyArn": world.key().state["arn"]}, "resources": ["secrets"]},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "zonalShiftConfig": {"enabled": True},
        "bootstrapSelfManagedAddons": False,
        "deletionProtection": False,
        "tags": {"Name": "cluster"},
    }


def _cluster_change(world: World) -> dict[str, Any]:
    network = _cluster(world)["vpcConfig"]
    return {
        "version": "1.34",
        "vpcConfig": network | {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]},
        "enabledClusterLogTypes": ["audit", "authenticator"],
        "tags": {"Name": "other"},
    }


def _nodes(world: World) -> dict[str, Any]:
    return {
        "clusterName": world.cluster(),
        "nodeGroupName": f"h200-{world.number}",
        "nodeRoleArn": world.role().state["arn"],
        "subnetIds": [world.subnet()],
        "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 2},
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "launchTemplate": {"id": world.template().id, "version": "1"},
        "labels": {"dc/pool": "h200", "old": "yes"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailable": 1},
        "nodeRepairConfig": {"enabled": True},
        "tags": {"dc:pool": "h200"},
    }


def _nodes_change(world: World) -> dict[str, Any]:
    template = world.template()
    if "userData" not in template.inputs:
        template.update(template.inputs | {"userData": "bmV3"})
    return {
        "scalingConfig": {"minSize": 1, "maxSize": 8, "desiredSize": 3},
        "labels": {"dc/pool": "h200", "new": "yes"},
        "taints": [{"key": "dedicated", "value": "train", "effect": "NO_EXECUTE"}],
        "updateConfig": {"maxUnavailablePercentage": 50},
        "launchTemplate": {"id": template.id, "version": str(template.state["latestVersion"])},
        "tags": {"dc:pool": "other"},
    }


def _group_tag(world: World) -> dict[str, Any]:
    name = world.node_group().state["resources"][0]["autoscalingGroups"][0]["name"]
    return {"autoscalingGroupName": name, "tag": {"key": "dc:usd-per-hour", "value": "63.3", "propagateAtLaunch": True}}


IDENTITIES = {
    "aws:iam/role:Role": Scenario(
        lambda w: {"name": f"nodes-{w.number}", "assumeRolePolicy": json.dumps(TRUST), "description": "nodes"},
        fixed(assumeRolePolicy=json.dumps(OTHER_TRUST), description="other", maxSessionDuration=7200, tags={"a": "b"}),
        lambda w: {"name": f"other-{w.number}"},
        outputs={"arn": r"arn:aws:iam::\d+:role/nodes-\d+", "uniqueId": r"AROA\w+", "createDate": r"20\d\d-.*"},
    ),
    "aws:iam/role:Role with policies": Scenario(
        lambda w: {
            "name": f"all-{w.number}",
            "assumeRolePolicy": json.dumps(TRUST),
            "managedPolicyArns": [MANAGED],
            "inlinePolicies": [{"name": "one", "policy": json.dumps(ALLOW)}],
        },
        lambda w: {"managedPolicyArns": [w.policy()], "inlinePolicies": [{"name": "two", "policy": json.dumps(DENY)}]},
    ),
    "aws:iam/rolePolicy:RolePolicy": Scenario(
        lambda w: {"role": w.role().id, "name": "read", "policy": json.dumps(ALLOW)},
        fixed(policy=json.dumps(DENY)),
        lambda w: {"role": w.role(1).id},
        outputs={"id": r"role0-\d+-\w+:read"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Scenario(
        lambda w: {"role": w.role().id, "policyArn": MANAGED},
        None,
        lambda w: {"policyArn": w.policy()},
    ),
    "aws:iam/policy:Policy": Scenario(
        lambda w: {"name": f"read-{w.number}", "policy": json.dumps(ALLOW), "description": "read"},
        fixed(policy=json.dumps(DENY), tags={"a": "b"}),
        fixed(description="other"),
        outputs={"arn": r"arn:aws:iam::\d+:policy/read-\d+", "policyId": r"\w+"},
    ),
    "aws:iam/instanceProfile:InstanceProfile": Scenario(
        lambda w: {"role": w.role().id, "name": f"nodes-{w.number}"},
        lambda w: {"role": w.role(1).id, "tags": {"a": "b"}},
        lambda w: {"name": f"other-{w.number}"},
        outputs={"arn": r"arn:aws:iam::\d+:instance-profile/nodes-\d+"},
    ),
}
CLUSTERS = {
    "aws:eks/cluster:Cluster": Scenario(
        _cluster,
        _cluster_change,
        lambda w: {"name": f"other-{w.number}"},
        unimported=frozenset({"bootstrapSelfManagedAddons", "accessConfig"}),
        outputs={"endpoint": "https://.*", "status": "ACTIVE", "arn": r"arn:aws:eks:us-east-1:\d+:cluster/cluster-\d+"},
    ),
    "aws:eks/nodeGroup:NodeGroup": Scenario(
        _nodes,
        _nodes_change,
        fixed(capacityType="SPOT"),
        outputs={
            "status": "ACTIVE",
            "arn": r"arn:aws:eks:us-east-1:\d+:nodegroup/.*",
            "id": r"cluster-\d+-\w+:h200-\d+",
        },
    ),
    "aws:eks/addon:Addon": Scenario(
        lambda w: {"clusterName": w.cluster(), "addonName": "vpc-cni", "resolveConflictsOnCreate": "OVERWRITE"},
        fixed(configurationValues='{"env": {"ENABLE_PREFIX_DELEGATION": "true"}}', tags={"a": "b"}),
        outputs={"arn": r"arn:aws:eks:us-east-1:\d+:addon/.*", "addonVersion": r"v.*"},
        unimported=frozenset({"resolveConflictsOnCreate"}),
    ),
    "aws:eks/accessEntry:AccessEntry": Scenario(
        lambda w: {"clusterName": w.cluster(), "principalArn": w.role(1).state["arn"], "type": "STANDARD"},
        fixed(kubernetesGroups=["trainers", "viewers"], tags={"a": "b"}),
        lambda w: {"principalArn": w.role(2).state["arn"]},
        outputs={"accessEntryArn": r"arn:aws:eks:us-east-1:\d+:access-entry/.*", "userName": ".+"},
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Scenario(
        lambda w: {
            "clusterName": w.cluster(),
            "principalArn": w.entry(),
            "policyArn": ADMIN,
            "accessScope": {"type": "cluster"},
        },
        None,
        fixed(accessScope={"type": "namespace", "namespaces": ["train"]}),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Scenario(
        lambda w: {
            "clusterName": w.cluster(),
            "namespace": "train",
            "serviceAccount": "trainer",
            "roleArn": w.role(1).state["arn"],
        },
        lambda w: {"roleArn": w.role(2).state["arn"], "tags": {"a": "b"}},
        fixed(namespace="other"),
        import_id=lambda made: f"{made.inputs['clusterName']},{made.id}",
        outputs={"associationId": r"a-\w+", "associationArn": r"arn:aws:eks:us-east-1:\d+:podidentityassociation/.*"},
    ),
    "aws:autoscaling/tag:Tag": Scenario(
        _group_tag,
        fixed(tag={"key": "dc:usd-per-hour", "value": "70", "propagateAtLaunch": False}),
        fixed(tag={"key": "other", "value": "70", "propagateAtLaunch": False}),
    ),
    "aws:budgets/budget:Budget": Scenario(
        lambda w: {
            "name": f"month-{w.number}",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "1000",
            "limitUnit": "USD",
            "costFilters": [{"name": "TagKeyValue", "values": ["user:dc:site$demo"]}],
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "threshold": 80,
                    "thresholdType": "PERCENTAGE",
                    "notificationType": "FORECASTED",
                    "subscriberSnsTopicArns": [w.topic()],
                }
            ],
        },
        fixed(limitAmount="2000", notifications=[], tags={"a": "b"}),
        lambda w: {"name": f"other-{w.number}"},
        outputs={"arn": r"arn:aws:budgets::\d+:budget/month-\d+", "accountId": "123456789012"},
    ),
}
CASES = IDENTITIES | CLUSTERS
