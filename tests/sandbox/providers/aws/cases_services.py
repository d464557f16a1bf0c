"""Scenarios of identities, storage, images, clusters and budgets."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.providers.aws.scenarios import ALLOW, DENY, TRUST, Scenario, World, fixed

MANAGED = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
OTHER_TRUST = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "eks.amazonaws.com"}}]}
EXPIRE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
    "action": {"type": "expire"},
}
ECR_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:BatchGetImage"]}],
}


def _bucket_policy(effect: str) -> Any:
    def inputs(world: World) -> dict[str, Any]:
        arn = f"arn:aws:s3:::{world.bucket()}"
        insecure = {"Bool": {"aws:SecureTransport": "false"}}
        one = {
            "Effect": effect,
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": insecure,
        }
        return {"bucket": world.bucket(), "policy": json.dumps({"Version": "2012-10-17", "Statement": [one]})}

    return inputs


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


def _lifecycle(days: int) -> dict[str, Any]:
    return {
        "rules": [
            {"id": "abort", "status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}},
            {
                "id": "old",
                "status": "Enabled",
                "filter": {"prefix": "checkpoints/"},
                "transitions": [{"days": days, "storageClass": "INTELLIGENT_TIERING"}],
                "noncurrentVersionExpiration": {"noncurrentDays": 30, "newerNoncurrentVersions": 2},
                "expiration": {"expiredObjectDeleteMarker": True},
            },
        ]
    }


def _encryption(world: World) -> dict[str, Any]:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": world.key().state["arn"]}
    return {
        "bucket": world.bucket(),
        "rules": [{"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}],
    }


BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
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
STORAGE = {
    "aws:s3/bucket:Bucket": Scenario(
        lambda w: {"bucket": f"dc-data-{w.number}", "forceDestroy": True, "tags": {"Name": "data"}},
        fixed(tags={"Name": "other", "b": "c"}),
        lambda w: {"bucket": f"dc-other-{w.number}"},
        unimported=frozenset({"forceDestroy"}),
        outputs={
            "arn": r"arn:aws:s3:::dc-data-\d+",
            "bucketRegionalDomainName": r"dc-data-\d+.s3.us-east-1.amazonaws.com",
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Scenario(
        lambda w: {"bucket": w.bucket(), "versioningConfiguration": {"status": "Enabled"}},
        fixed(versioningConfiguration={"status": "Suspended"}),
        lambda w: {"bucket": w.bucket(1)},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Scenario(
        _encryption,
        fixed(rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Scenario(
        lambda w: {"bucket": w.bucket(), **dict.fromkeys(BLOCKS, True)},
        fixed(restrictPublicBuckets=False),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Scenario(_bucket_policy("Deny"), _bucket_policy("Allow")),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Scenario(
        lambda w: {"bucket": w.bucket(), **_lifecycle(30)}, lambda _: _lifecycle(60)
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Scenario(
        lambda w: {"bucket": w.bucket(), "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        fixed(rule={"objectOwnership": "BucketOwnerPreferred"}),
    ),
    "aws:s3/bucketLogging:BucketLogging": Scenario(
        lambda w: {"bucket": w.bucket(), "targetBucket": w.bucket(1), "targetPrefix": "log/"},
        fixed(targetPrefix="other/"),
    ),
    "aws:s3/bucketNotification:BucketNotification": Scenario(
        lambda w: {"bucket": w.bucket(), "eventbridge": True},
        lambda w: {"topics": [{"topicArn": w.topic(), "events": ["s3:ObjectCreated:*"], "filterPrefix": "in/"}]},
    ),
    "aws:fsx/lustreFileSystem:LustreFileSystem": Scenario(
        lambda w: {
            "subnetIds": w.subnet(),
            "securityGroupIds": [w.group()],
            "storageCapacity": 4800,
            "storageType": "SSD",
            "deploymentType": "PERSISTENT_2",
            "perUnitStorageThroughput": 125,
            "dataCompressionType": "LZ4",
            "metadataConfiguration": {"mode": "AUTOMATIC"},
            "fileSystemTypeVersion": "2.15",
            "kmsKeyId": w.key().state["arn"],
            "tags": {"Name": "scratch"},
        },
        fixed(storageCapacity=7200, perUnitStorageThroughput=250, tags={"Name": "other"}),
        fixed(storageCapacity=2400),
        unimported=frozenset({"securityGroupIds"}),
        outputs={"dnsName": r"fs-\w+\.fsx\.us-east-1\.amazonaws\.com", "mountName": r"\w+", "vpcId": r"vpc-\w+"}
        | {"arn": r"arn:aws:fsx:us-east-1:\d+:file-system/fs-\w+"},
    ),
    "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation": Scenario(
        lambda w: {
            "fileSystemId": w.file_system(),
            "fileSystemPath": "/data",
            "dataRepositoryPath": f"s3://{w.bucket()}/data/",
            "batchImportMetaDataOnCreate": True,
            "s3": {"autoImportPolicy": {"events": ["NEW", "CHANGED", "DELETED"]}},
        },
        fixed(s3={"autoImportPolicy": {"events": ["NEW"]}, "autoExportPolicy": {"events": ["NEW"]}}, tags={"a": "b"}),
        fixed(fileSystemPath="/other"),
        outputs={"associationId": r"dra-\w+", "arn": r"arn:aws:fsx:us-east-1:\d+:association/.*"},
    ),
    "aws:ecr/repository:Repository": Scenario(
        lambda w: {
            "name": f"train-{w.number}",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": w.key().state["arn"]}],
            "forceDelete": True,
        },
        fixed(imageTagMutability="MUTABLE", tags={"a": "b"}),
        lambda w: {"name": f"other-{w.number}"},
        unimported=frozenset({"forceDelete"}),
        outputs={"repositoryUrl": r"\d+\.dkr\.ecr\.us-east-1\.amazonaws\.com/train-\d+", "registryId": "123456789012"},
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Scenario(
        lambda w: {"repository": w.repository(), "policy": json.dumps({"rules": [EXPIRE]})},
        fixed(policy=json.dumps({"rules": [{**EXPIRE, "description": "untagged"}]})),
        outputs={"registryId": "123456789012"},
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": Scenario(
        lambda w: {"repository": w.repository(), "policy": json.dumps(ECR_POLICY)},
        fixed(policy=json.dumps({**ECR_POLICY, "Id": "changed"})),
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
CASES = IDENTITIES | STORAGE | CLUSTERS
