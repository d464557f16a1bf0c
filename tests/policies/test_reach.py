"""What each rule takes in: every way in which a thing is said, and nothing that is said of something else."""

from __future__ import annotations

from typing import Any

import pytest

from policies.examples import Thing
from policies.examples.aws import NODES, SUBNET, TEMPLATE
from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.model import UNKNOWN
from tests.policies.test_kinds import GROUP, checks, outcome
from tests.policies.test_rules import built

SCALING = "aws:autoscaling/group:Group"
MACHINE = "aws:ec2/instance:Instance"
POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
KARPENTER = "kubernetes:karpenter.sh/v1:NodePool"
SERVICE = "kubernetes:core/v1:Service"


def doubts(rule: str, things: list[Thing]) -> list[str]:
    return [entry.reason for entry in outcome(things).doubts if entry.rule.id == rule]


def ssh(*blocks: Any, path: str = "cidrBlocks") -> dict[str, Any]:
    return {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, path: list(blocks)}]}


@pytest.mark.parametrize("kind", [GROUP, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"])
@pytest.mark.parametrize(
    "inputs",
    [
        ssh("0.0.0.0/0"),
        ssh("0::/0", path="ipv6CidrBlocks"),
        ssh("0.0.0.0/1", "128.0.0.0/1"),
        ssh(UNKNOWN, "0.0.0.0/0"),
        {"ingress": [UNKNOWN, *ssh("0.0.0.0/0")["ingress"]]},
    ],
)
def test_the_world_is_the_world_however_it_is_written(kind: str, inputs: dict[str, Any]) -> None:
    assert checks("sg-no-world-admin-ports", [Thing(kind, inputs=inputs)]) == {"CKV_AWS_24"}


def test_an_unknown_network_may_be_the_world() -> None:
    things = [Thing(GROUP, inputs=ssh(UNKNOWN, "10.0.0.0/8"))]
    assert checks("sg-no-world-admin-ports", things) == set()
    assert doubts("sg-no-world-admin-ports", things) == ["ingress.0.cidrBlocks is known only after creation"]


@pytest.mark.parametrize(
    ("annotations", "inside"),
    [
        ({"networking.gke.io/load-balancer-type": "Internal"}, True),
        ({"cloud.google.com/load-balancer-type": "Internal"}, True),
        ({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal", "checksum": UNKNOWN}, True),
        ({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}, False),
        ({"checksum": UNKNOWN}, False),
    ],
)
def test_services_say_in_both_clouds_that_they_are_internal(annotations: dict[str, Any], inside: bool) -> None:
    things = [Thing(SERVICE, inputs={"metadata": {"annotations": annotations}, "spec": {"type": "LoadBalancer"}})]
    assert (not checks("lb-internal-by-default", things)) is inside
    assert not doubts("lb-internal-by-default", things)


def test_an_unknown_annotation_that_decides_is_no_finding() -> None:
    notes = {"networking.gke.io/load-balancer-type": UNKNOWN}
    things = [Thing(SERVICE, inputs={"metadata": {"annotations": notes}, "spec": {"type": "LoadBalancer"}})]
    assert checks("lb-internal-by-default", things) == set()
    assert doubts("lb-internal-by-default", things)


FILES = "aws:efs/fileSystem:FileSystem"
SELECTION = "aws:backup/selection:Selection"
OWN = "arn:aws:elasticfilesystem:*:*:file-system/*"


@pytest.mark.parametrize(
    ("selection", "verdict"),
    [
        ({"resources": ["*"]}, "pass"),
        ({"resources": [OWN]}, "pass"),
        ({"resources": ["*"], "notResources": [OWN]}, "fail"),
        ({"resources": ["*"], "notResources": ["arn:aws:rds:*:*:db:*"]}, "pass"),
        ({"resources": [UNKNOWN]}, "cannot tell"),
        ({"selectionTags": [{"type": "STRINGEQUALS", "key": "keep", "value": "yes"}]}, "pass"),
        ({"selectionTags": [{"type": "STRINGEQUALS", "key": "late", "value": "yes"}]}, "cannot tell"),
        (
            {"resources": ["*"], "conditions": [{"stringEquals": [{"key": "aws:ResourceTag/keep", "value": "no"}]}]},
            "fail",
        ),
        (
            {"resources": ["*"], "conditions": [{"stringLikes": [{"key": "aws:ResourceTag/keep", "value": "y*"}]}]},
            "pass",
        ),
    ],
)
def test_a_backup_covers_what_its_selection_holds(selection: dict[str, Any], verdict: str) -> None:
    rule = "backup-covers-stateful"
    things = [Thing(FILES, inputs={"tags": {"keep": "yes", "late": UNKNOWN}}), Thing(SELECTION, "s", selection)]
    found = "fail" if checks(rule, things) else "cannot tell" if doubts(rule, things) else "pass"
    assert found == verdict


KEYS = ("dc:site", "dc:environment", "dc:owner", "dc:cost-center")
PROVIDER = Thing("pulumi:providers:aws", "aws", {"defaultTags": {"tags": dict.fromkeys(KEYS, "x")}})


def tagged(kind: str, tags: Any) -> set[str]:
    provider, resource = built([PROVIDER, Thing(kind, inputs={"tags": tags})])
    resource.provider = provider
    return {entry.check for entry in Pack(ALL).resource(resource).findings if entry.rule.id == "required-tags"}


def test_scaling_groups_have_the_tags_of_their_own_list_and_no_default_tags() -> None:
    assert tagged(SCALING, [{"key": key, "value": "x", "propagateAtLaunch": True} for key in KEYS]) == set()
    assert tagged(SCALING, [{"key": "other", "value": "x"}]) == {"keys"}
    assert tagged(SUBNET, {"other": "x"}) == set()


@pytest.mark.parametrize(
    ("note", "early"),
    [
        ({"threshold": 80}, True),
        ({"threshold": 90, "thresholdType": "PERCENTAGE"}, False),
        ({"threshold": 500, "thresholdType": "ABSOLUTE_VALUE"}, True),
        ({"threshold": 79, "thresholdType": "ABSOLUTE_VALUE", "limit": "50"}, False),
    ],
)
def test_a_budget_warns_early_in_per_cent_or_in_dollars(note: dict[str, Any], early: bool) -> None:
    limit = note.pop("limit", "1000")
    budget = {"budgetType": "COST", "limitAmount": limit, "notifications": [note]}
    machines = Thing(NODES, "n", {"instanceTypes": ["p5.48xlarge"]})
    found = checks("budget-exists-and-bounded", [Thing("aws:budgets/budget:Budget", "b", budget), machines])
    assert (not found) is early


def test_what_is_only_read_is_used_for_relations_and_not_judged() -> None:
    network, log = built(
        [
            Thing("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"}),
            Thing("aws:ec2/flowLog:FlowLog", "log", {}, {"vpcId": ["vpc"]}),
        ]
    )
    network.external = True
    pack = Pack(ALL)
    assert pack.resource(network).findings == []
    log.external = True
    network.external = False
    assert "vpc-flow-logs" not in [entry.rule.id for entry in pack.stack([network, log]).findings]
    network.external = True
    assert [entry.resource.name for entry in pack.stack([network]).findings if entry.resource.urn] == []


def test_an_old_bucket_says_the_same_in_its_old_shape() -> None:
    inputs = {
        "versionings": [{"enabled": True}],
        "serverSideEncryptionConfigurations": [
            {"rules": [{"applyServerSideEncryptionByDefaults": [{"sseAlgorithm": "aws:kms"}]}]}
        ],
        "loggings": [{"targetBucket": "logs"}],
    }
    things = [Thing("aws:s3/bucketV2:BucketV2", inputs=inputs)]
    for rule in ("s3-versioning-enabled", "s3-encryption-kms", "s3-access-logging"):
        assert checks(rule, things) == set()
    unknown = [Thing("aws:s3/bucketV2:BucketV2", inputs=dict.fromkeys(inputs, UNKNOWN))]
    assert checks("s3-versioning-enabled", unknown) == set()
    assert doubts("s3-versioning-enabled", unknown)


def test_auto_mode_brings_the_addons_of_a_cluster() -> None:
    auto = {"computeConfig": {"enabled": True, "nodePools": ["general-purpose"]}}
    assert checks("eks-required-addons", [Thing("aws:eks/cluster:Cluster", inputs=auto)]) == set()


def test_a_tag_may_exempt_a_bucket_and_a_key_may_be_demanded_of_disks() -> None:
    given = {
        "s3-bucket-has-public-access-block": {"exempt-tag": "exposure=public"},
        "lt-ebs-encrypted": {"require-cmk": True},
    }
    pack = Pack(ALL, parameters=given)
    public, disk = built(
        [
            Thing("aws:s3/bucket:Bucket", "b", {"tags": {"exposure": "public"}}),
            Thing(TEMPLATE, "t", {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}]}),
        ]
    )
    assert "s3-bucket-has-public-access-block" not in [entry.rule.id for entry in pack.stack([public]).findings]
    assert "cmk" in [entry.check for entry in pack.resource(disk).findings]
