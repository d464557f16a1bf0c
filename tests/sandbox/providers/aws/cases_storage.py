"""Scenarios of buckets, file systems and image repositories."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.providers.aws.scenarios import Scenario, World, fixed

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
CASES = {
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
    "aws:codebuild/project:Project": Scenario(
        lambda w: {
            "name": f"images-{w.number}",
            "serviceRole": w.role().state["arn"],
            "encryptionKey": w.key().state["arn"],
            "source": {"type": "S3", "location": f"{w.bucket()}/context/none.zip", "buildspec": '{"version": "0.2"}'},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_LARGE",
                "privilegedMode": True,
            },
            "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "images"}},
            "buildTimeout": 90,
            "tags": {"purpose": "image-build"},
        },
        fixed(buildTimeout=30, description="images", tags={"a": "b"}),
        lambda w: {"name": f"other-{w.number}"},
        outputs={"arn": r"arn:aws:codebuild:us-east-1:\d+:project/images-\d+"},
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
