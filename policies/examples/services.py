"""Examples for the rules about AWS services around the machines: storage, identities, logs, databases."""

from __future__ import annotations

import base64
import json
from typing import Any

from policies.examples.aws import BUCKET, GROUP, KEY, REPOSITORY, TEMPLATE, VPC
from policies.examples.model import Example, Thing, one

CMK = "arn:aws:kms:us-east-1:111122223333:key/1"


def policy(**statement: Any) -> str:
    full = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [full]})


def text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def beside(subject: str, kind: str, key: str, inputs: dict[str, Any], bad: dict[str, Any] | None = None) -> Example:
    """A subject that needs another resource: absent (or `bad`) and present."""
    wrong = [Thing(subject, "it")] + ([Thing(kind, "other", bad, {key: ["it"]})] if bad is not None else [])
    return Example(wrong, [Thing(subject, "it"), Thing(kind, "other", inputs, {key: ["it"]})])


INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ROLE, VOLUME = "aws:iam/role:Role", "aws:ebs/volume:Volume"
SYSTEM, DATABASE = "aws:efs/fileSystem:FileSystem", "aws:rds/instance:Instance"
GITHUB = {"Principal": {"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}}
SUB = "token.actions.githubusercontent.com:sub"
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
TRAIL = {"kmsKeyId": CMK, "isMultiRegionTrail": True, "enableLogFileValidation": True}
SSE = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": CMK}}]}
AES = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
TAGS = {"dc:site": "a", "dc:environment": "b", "dc:owner": "c", "dc:cost-center": "d"}
SPECS = [{"resourceType": kind, "tags": TAGS} for kind in ("instance", "volume", "network-interface")]
OPEN = {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp"}
HARD = {
    "dropInvalidHeaderFields": True,
    "accessLogs": {"enabled": True, "bucket": "b"},
    "enableDeletionProtection": True,
}
DOMAIN = {
    "encryptAtRest": {"enabled": True},
    "nodeToNodeEncryption": {"enabled": True},
    "clusterConfig": {"instanceCount": 2},
    "domainEndpointOptions": {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"},
}
PROJECT = {"encryptionKey": CMK, "logsConfig": {"cloudwatchLogs": {"groupName": "g"}}, "artifacts": {"type": "S3"}}

SERVICES: dict[str, Example] = {
    "s3-acl-not-public": one(BUCKET, {"acl": "public-read"}, {"acl": "private"}, "CKV_AWS_20"),
    "s3-policy-no-wildcard-principal": one(
        "aws:s3/bucketPolicy:BucketPolicy",
        {"policy": policy(Principal="*")},
        {"policy": policy(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})},
    ),
    "s3-encryption-kms": Example(
        beside(
            BUCKET,
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "bucket",
            AES,
        ).good,
        beside(
            BUCKET,
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "bucket",
            SSE,
        ).good,
        "CKV_AWS_145",
    ),
    "s3-versioning-enabled": beside(
        BUCKET,
        "aws:s3/bucketVersioning:BucketVersioning",
        "bucket",
        {"versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    "s3-access-logging": beside(BUCKET, "aws:s3/bucketLogging:BucketLogging", "bucket", {"targetBucket": "logs"}),
    "s3-tls-only": beside(
        BUCKET, "aws:s3/bucketPolicy:BucketPolicy", "bucket", {"policy": policy(**DENY)}, {"policy": ""}
    ),
    "s3-no-force-destroy": one(BUCKET, {"forceDestroy": True}, {"forceDestroy": False}),
    "vpc-default-sg-closed": beside(
        VPC, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "vpcId", {}, {"ingress": [{"protocol": "-1"}]}
    ),
    "sg-no-world-admin-ports": one(
        INGRESS, {**OPEN, "fromPort": 20, "toPort": 30}, {**OPEN, "fromPort": 443, "toPort": 443}, "CKV_AWS_24"
    ),
    "sg-no-world-ingress": one(
        INGRESS,
        {**OPEN, "fromPort": 80, "toPort": 80},
        {**OPEN, "fromPort": 443, "toPort": 443, "tags": {"exposure": "public"}},
        "CKV_AWS_260",
    ),
    "sg-egress-restricted": one(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"},
        {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
    ),
    "sg-has-description": one(
        GROUP, {"description": "Managed by Pulumi"}, {"description": "nodes", "ingress": []}, "CKV_AWS_23"
    ),
    "lt-imds-hop-limit": one(
        TEMPLATE,
        {"metadataOptions": {"httpPutResponseHopLimit": 3}},
        {"metadataOptions": {"httpPutResponseHopLimit": 1}},
    ),
    "lt-no-public-ip": one(
        TEMPLATE,
        {"networkInterfaces": [{"associatePublicIpAddress": "true"}]},
        {"networkInterfaces": [{"associatePublicIpAddress": "false"}]},
        "CKV_AWS_88",
    ),
    "lt-no-secrets-in-user-data": one(
        TEMPLATE, {"userData": text("key: AKIA" + "Z" * 16)}, {"userData": text("#!/bin/sh\necho hello")}
    ),
    "lt-user-data-size": one(TEMPLATE, {"userData": text("#" * 16385)}, {"userData": text("#" * 16384)}),
    "lt-tag-specifications": one(
        TEMPLATE, {"tagSpecifications": SPECS[:2]}, {"tagSpecifications": SPECS}, "network-interface"
    ),
    "ebs-volume-encrypted": one(
        VOLUME, {"encrypted": False, "kmsKeyId": CMK}, {"encrypted": True, "kmsKeyId": CMK}, "CKV_AWS_3"
    ),
    "ebs-size-iops-throughput": one(
        VOLUME,
        {"type": "gp3", "size": 100, "iops": 3000, "throughput": 1000},
        {"type": "gp3", "size": 100},
        "throughput-iops",
    ),
    "ami-encrypted": one(
        "aws:ec2/amiCopy:AmiCopy", {"encrypted": True}, {"encrypted": True, "kmsKeyId": CMK}, "CKV_AWS_236"
    ),
    "efs-encrypted": one(SYSTEM, {"kmsKeyId": CMK}, {"encrypted": True, "kmsKeyId": CMK}, "CKV_AWS_42"),
    "efs-access-point-enforced": one(
        "aws:efs/accessPoint:AccessPoint",
        {"rootDirectory": {"path": "/"}, "posixUser": {"uid": 1}},
        {"rootDirectory": {"path": "/data"}, "posixUser": {"uid": 1}},
        "CKV_AWS_329",
    ),
    "efs-elastic-throughput": one(SYSTEM, {}, {"throughputMode": "elastic"}, "throughputMode"),
    "ecr-scan-on-push": one(REPOSITORY, {}, {"imageScanningConfiguration": {"scanOnPush": True}}, "CKV_AWS_163"),
    "ecr-kms": one(REPOSITORY, {}, {"encryptionConfigurations": [{"encryptionType": "KMS"}]}),
    "ecr-policy-not-public": one(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        {"policy": policy(Principal={"AWS": "*"})},
        {"policy": policy(Principal={"AWS": "111122223333"})},
    ),
    "ecr-lifecycle-policy": beside(REPOSITORY, "aws:ecr/lifecyclePolicy:LifecyclePolicy", "repository", {}),
    "codebuild-no-privileged": one(
        "aws:codebuild/project:Project",
        {"environment": {"privilegedMode": True}},
        {"environment": {"privilegedMode": True}, "tags": {"purpose": "image-build"}},
    ),
    "codebuild-encrypted-logged": one(
        "aws:codebuild/project:Project", {**PROJECT, "logsConfig": {}}, PROJECT, "CKV_AWS_314"
    ),
    "kms-policy-no-wildcard": one(
        KEY,
        {"policy": policy(Principal="*", Action="kms:*")},
        {"policy": policy(Principal={"AWS": "arn:aws:iam::111122223333:root"}, Action="kms:*")},
        "CKV_AWS_33",
    ),
    "iam-no-admin": one("aws:iam/policy:Policy", {"policy": policy(Action="*")}, {"policy": policy()}, "CKV_AWS_62"),
    "iam-no-unconstrained-write": one(
        "aws:iam/policy:Policy",
        {"policy": policy(Action="s3:PutObject")},
        {"policy": policy(Action="s3:PutObject", Resource="arn:aws:s3:::b/*")},
        "CKV_AWS_290",
    ),
    "iam-trust-not-wildcard": one(
        ROLE,
        {"assumeRolePolicy": policy(Principal={"AWS": "*"})},
        {"assumeRolePolicy": policy(Principal={"Service": "ec2.amazonaws.com"})},
        "CKV_AWS_60",
    ),
    "iam-github-oidc-claims": one(
        ROLE,
        {"assumeRolePolicy": policy(**GITHUB, Condition={"StringLike": {SUB: "repo:*"}})},
        {"assumeRolePolicy": policy(**GITHUB, Condition={"StringLike": {SUB: "repo:me/it:*"}})},
    ),
    "iam-no-long-lived-users": Example(
        [Thing("aws:iam/user:User")],
        [Thing("aws:iam/policyAttachment:PolicyAttachment", inputs={"roles": ["r"]})],
        "CKV_AWS_273",
    ),
    "cloudtrail-complete": one(
        "aws:cloudtrail/trail:Trail", {**TRAIL, "isMultiRegionTrail": False}, TRAIL, "CKV_AWS_67"
    ),
    "guardduty-enabled": one("aws:guardduty/detector:Detector", {"enable": False}, {"enable": True}, "CKV_AWS_238"),
    "guardduty-eks-features": Example(
        [Thing("aws:guardduty/detector:Detector"), Thing("aws:eks/cluster:Cluster", "c")],
        [Thing("aws:guardduty/detector:Detector"), Thing("aws:eks/cluster:Cluster", "c")]
        + [
            Thing(
                "aws:guardduty/detectorFeature:DetectorFeature",
                name,
                {"name": name, "status": "ENABLED"},
                {"detectorId": ["it"]},
            )
            for name in ("EKS_AUDIT_LOGS", "RUNTIME_MONITORING")
        ],
    ),
    "loggroup-retention": one(
        "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}, {"retentionInDays": 400}, "CKV_AWS_338"
    ),
    "loggroup-kms": one("aws:cloudwatch/logGroup:LogGroup", {}, {"kmsKeyId": CMK}, "CKV_AWS_158"),
    "alarm-actions-enabled": one(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {"actionsEnabled": False, "alarmActions": ["a"]},
        {"alarmActions": ["a"]},
        "CKV_AWS_319",
    ),
    "backup-vault-kms": one("aws:backup/vault:Vault", {}, {"kmsKeyArn": CMK}, "CKV_AWS_166"),
    "backup-covers-stateful": beside(VOLUME, "aws:backup/selection:Selection", "resources", {"resources": ["arn"]}),
    "protect-stateful": Example([Thing(BUCKET)], [Thing(BUCKET, protect=True)]),
    "rds-encrypted": one(
        DATABASE,
        {"storageEncrypted": False, "kmsKeyId": CMK},
        {"storageEncrypted": True, "kmsKeyId": CMK},
        "CKV_AWS_16",
    ),
    "rds-not-public": one(DATABASE, {"publiclyAccessible": True}, {}, "CKV_AWS_17"),
    "rds-backup-and-protection": one(
        DATABASE,
        {"backupRetentionPeriod": 0, "deletionProtection": True},
        {"backupRetentionPeriod": 7, "deletionProtection": True},
        "CKV_AWS_133",
    ),
    "rds-multi-az": one(DATABASE, {}, {"multiAz": True}, "CKV_AWS_157"),
    "rds-iam-auth": one(
        DATABASE,
        {"engine": "postgres"},
        {"engine": "postgres", "iamDatabaseAuthenticationEnabled": True},
        "CKV_AWS_161",
    ),
    "elasticache-encrypted": one(
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"atRestEncryptionEnabled": True, "transitEncryptionEnabled": True},
        {"atRestEncryptionEnabled": True, "transitEncryptionEnabled": True, "userGroupIds": ["u"]},
        "CKV_AWS_31",
    ),
    "opensearch-encrypted-tls": one(
        "aws:opensearch/domain:Domain", {**DOMAIN, "nodeToNodeEncryption": {}}, DOMAIN, "CKV_AWS_6"
    ),
    "opensearch-vpc-fgac": one(
        "aws:opensearch/domain:Domain",
        {"advancedSecurityOptions": {"enabled": True}},
        {"advancedSecurityOptions": {"enabled": True}, "vpcOptions": {"subnetIds": ["s"]}},
        "CKV_AWS_137",
    ),
    "lb-listener-tls": one(
        "aws:lb/listener:Listener",
        {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-2015-05"},
        {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
        "CKV2_AWS_74",
    ),
    "lb-hardened": one("aws:lb/loadBalancer:LoadBalancer", {**HARD, "accessLogs": {"bucket": "b"}}, HARD, "CKV_AWS_91"),
    "lb-internal-by-default": one("aws:lb/loadBalancer:LoadBalancer", {}, {"internal": True}),
    "region-allowlist": one(BUCKET, {"region": "eu-west-9"}, {"region": "us-east-1"}, regions=["us-east-1"]),
    "instance-type-allowlist": one(
        TEMPLATE, {"instanceType": "p5.48xlarge"}, {"instanceType": "m7i.large"}, families=["m7i"]
    ),
    "required-tags": one(BUCKET, {"tags": {"dc:site": "a"}}, {"tags": TAGS}, "keys"),
}
