"""For every rule a stack that breaks it and one that does not, as loose resources: (type, name, inputs, references)."""

from __future__ import annotations

from typing import Any

from policies.examples.model import Example, Thing, one

BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
CLUSTER = "aws:eks/cluster:Cluster"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODES = "aws:eks/nodeGroup:NodeGroup"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
KEY = "aws:kms/key:Key"
REPOSITORY = "aws:ecr/repository:Repository"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def interface(card: int, device: int, kind: str = "efa-only", **more: Any) -> dict[str, Any]:
    return {"networkCardIndex": card, "deviceIndex": device, "interfaceType": kind, **more}


def efa(kind: str, *interfaces: dict[str, Any]) -> dict[str, Any]:
    return {"instanceType": kind, "networkInterfaces": list(interfaces)}


P5EN = [interface(0, 0, "interface"), interface(0, 1), *(interface(card, 0) for card in range(1, 16))]
LT_REFERS = {"networkInterfaces": ["group"]}


def nodes(template: dict[str, Any], **inputs: Any) -> list[Thing]:
    """A node group with its launch template."""
    group = {"scalingConfig": {"maxSize": 1}, "subnetIds": ["subnet-1"], **inputs}
    return [Thing(TEMPLATE, "template", template), Thing(NODES, "nodes", group, {"launchTemplate": ["template"]})]


def self_rule(kind: str, name: str, target: str = "group") -> Thing:
    refers = {"securityGroupId": ["group"], "referencedSecurityGroupId": [target]}
    return Thing(kind, name, {"ipProtocol": "-1"}, refers)


RESERVED = {"capacityReservationTarget": {"capacityReservationId": "cr-1"}}
MARKET = {"marketType": "capacity-block"}
BLOCK_TEMPLATE = {
    "instanceType": "p5en.48xlarge",
    "instanceMarketOptions": MARKET,
    "capacityReservationSpecification": RESERVED,
}
ABORT = {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}

EXAMPLES: dict[str, Example] = {
    "s3-bucket-has-public-access-block": Example(
        [Thing(BUCKET)], [Thing(BUCKET, "b"), Thing(BLOCK, "block", dict.fromkeys(FLAGS, True), {"bucket": ["b"]})]
    ),
    "s3-public-access-block-all-flags": one(
        BLOCK, dict.fromkeys(FLAGS[1:], True), dict.fromkeys(FLAGS, True), "CKV_AWS_53"
    ),
    "s3-abort-incomplete-multipart": one(
        LIFECYCLE, {"rules": [{**ABORT, "status": "Disabled"}]}, {"rules": [{"status": "Enabled"}, ABORT]}
    ),
    "vpc-flow-logs": Example(
        [Thing(VPC)], [Thing(VPC, "v"), Thing("aws:ec2/flowLog:FlowLog", "log", {}, {"vpcId": ["v"]})]
    ),
    "subnet-no-auto-public-ip": one(
        SUBNET, {"mapPublicIpOnLaunch": True}, {"mapPublicIpOnLaunch": True, "tags": {"role": "public"}}
    ),
    "eks-endpoint-not-world": one(
        CLUSTER,
        {"vpcConfig": {"publicAccessCidrs": ["0.0.0.0/0"]}},
        {"vpcConfig": {"endpointPublicAccess": False}},
        "CKV_AWS_38",
    ),
    "eks-secrets-kms": one(
        CLUSTER, {}, {"encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:::key/k"}}}
    ),
    "eks-control-plane-logs": one(
        CLUSTER,
        {"enabledClusterLogTypes": ["api"]},
        {"enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"]},
    ),
    "lt-imdsv2-required": one(
        TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}}, {"metadataOptions": {"httpTokens": "required"}}
    ),
    "lt-ebs-encrypted": one(
        TEMPLATE,
        {"blockDeviceMappings": [{"ebs": {"encrypted": "false"}}]},
        {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}, {"virtualName": "ephemeral0"}]},
    ),
    "kms-rotation": one(KEY, {}, {"enableKeyRotation": True}, "CKV_AWS_7"),
    "ecr-immutable-tags": one(REPOSITORY, {"imageTagMutability": "MUTABLE"}, {"imageTagMutability": "IMMUTABLE"}),
    "efa-instance-supported": one(
        TEMPLATE, efa("m7i.xlarge", interface(0, 0, "efa")), efa("p5.4xlarge", interface(0, 0, "efa"))
    ),
    "efa-interface-count-full": one(TEMPLATE, efa("p5en.48xlarge", *P5EN[:9]), efa("p5en.48xlarge", *P5EN)),
    "efa-card-layout": one(
        TEMPLATE, efa("p5en.48xlarge", interface(0, 0), *P5EN[2:]), efa("p5en.48xlarge", *P5EN), "primary"
    ),
    "efa-sg-self-reference": Example(
        [
            Thing(GROUP, "group"),
            Thing(GROUP, "other"),
            self_rule(INGRESS, "in"),
            self_rule(EGRESS, "out", "other"),
            Thing(TEMPLATE, "template", efa("p5en.48xlarge", *P5EN), LT_REFERS),
        ],
        [
            Thing(GROUP, "group"),
            self_rule(INGRESS, "in"),
            self_rule(EGRESS, "out"),
            Thing(TEMPLATE, "template", efa("p5en.48xlarge", *P5EN), LT_REFERS),
        ],
    ),
    "capacity-block-launch-template": Example(
        nodes({"instanceType": "p5en.48xlarge", "instanceMarketOptions": MARKET}, capacityType="CAPACITY_BLOCK"),
        nodes(BLOCK_TEMPLATE, capacityType="CAPACITY_BLOCK"),
        "capacityReservationSpecification.capacityReservationTarget.capacityReservationId",
    ),
    "capacity-block-no-placement-group": one(
        TEMPLATE, {**BLOCK_TEMPLATE, "placement": {"groupName": "g"}}, {"placement": {"groupName": "g"}}
    ),
    "capacity-type-supported": one(
        TEMPLATE, {"instanceType": "g6e.48xlarge", "instanceMarketOptions": MARKET}, BLOCK_TEMPLATE
    ),
    "gpu-nodegroup-taint": Example(
        nodes({"instanceType": "g6e.xlarge"}),
        nodes({"instanceType": "g6e.xlarge"}, taints=[{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}]),
    ),
    "gpu-nodegroup-ami-type": Example(
        nodes({"instanceType": "trn1.32xlarge"}, amiType="AL2023_x86_64_NVIDIA"),
        nodes({"instanceType": "trn1.32xlarge"}, amiType="AL2023_x86_64_NEURON"),
    ),
}
