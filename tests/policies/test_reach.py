"""What each rule takes in: every way in which a thing is said, and nothing that is said of something else."""

from __future__ import annotations

from typing import Any

import pytest

from policies.examples import Thing
from policies.examples.aws import NODES, P5EN, SUBNET, TEMPLATE, efa, interface
from policies.profiles import settings
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


def count(things: list[Thing], most: int) -> str:
    """What the cap says of a stack: fail, pass or cannot tell."""
    rule = "accelerator-count-cap"
    pack = Pack(ALL, parameters={rule: {"max-accelerators": most}})
    said = pack.stack(built(things))
    if any(entry.rule.id == rule for entry in said.findings):
        return "fail"
    return "cannot tell" if any(entry.rule.id == rule for entry in said.doubts) else "pass"


H100 = {"machineType": "a3-highgpu-8g"}


@pytest.mark.parametrize(
    ("things", "accelerators"),
    [
        ([Thing(MACHINE, inputs={"instanceType": "p5.48xlarge"})], 8),
        ([Thing(NODES, inputs={"instanceTypes": ["p5.48xlarge", "g6e.xlarge"], "scalingConfig": {"maxSize": 3}})], 24),
        (
            [
                Thing(
                    SCALING,
                    inputs={
                        "maxSize": 4,
                        "mixedInstancesPolicy": {
                            "launchTemplate": {
                                "overrides": [{"instanceType": "m7i.large"}, {"instanceType": "p5.48xlarge"}]
                            }
                        },
                    },
                )
            ],
            32,
        ),
        (
            [
                Thing(TEMPLATE, "t", {"instanceRequirements": {"allowedInstanceTypes": ["p5.*"]}}),
                Thing(NODES, "n", {"scalingConfig": {"maxSize": 2}}, {"launchTemplate": ["t"]}),
            ],
            16,
        ),
        ([Thing(POOL, inputs={"location": "us-central1-a", "nodeCount": 2, "nodeConfig": H100})], 16),
        ([Thing(POOL, inputs={"location": "us-central1", "nodeCount": 2, "nodeConfig": H100})], 48),
        ([Thing(POOL, inputs={"location": "us-central1-a", "initialNodeCount": 2, "nodeConfig": H100})], 16),
        (
            [
                Thing(CLUSTER, "c", {"location": "us-central1", "nodeLocations": ["us-central1-a"]}),
                Thing(POOL, "p", {"nodeCount": 2, "nodeConfig": H100}, {"cluster": ["c"]}),
            ],
            16,
        ),
        ([Thing(CLUSTER, inputs={"location": "us-central1-a", "initialNodeCount": 1, "nodeConfig": H100})], 8),
        (
            [Thing(CLUSTER, inputs={"location": "us-central1-a", "nodePools": [{"nodeCount": 3, "nodeConfig": H100}]})],
            24,
        ),
    ],
)
def test_every_way_to_buy_accelerators_counts(things: list[Thing], accelerators: int) -> None:
    assert (count(things, accelerators - 1), count(things, accelerators)) == ("fail", "pass")


def test_accelerators_of_a_type_or_a_number_that_nobody_knows_are_not_none() -> None:
    unknown = Thing(NODES, "n", {"instanceTypes": ["p99.48xlarge"], "scalingConfig": {"maxSize": 1}})
    assert count([unknown], 1000) == "cannot tell"
    assert count([unknown, Thing(MACHINE, inputs={"instanceType": "p5.48xlarge"})], 4) == "fail"
    foreign = Thing(NODES, "n", {"launchTemplate": {"id": "lt-1"}, "scalingConfig": {"maxSize": 1}})
    assert count([foreign], 1000) == "cannot tell"


def karpenter(*requirements: dict[str, Any]) -> list[Thing]:
    template = {"spec": {"requirements": list(requirements)}}
    spec = {"limits": {"cpu": 100}, "disruption": {"budgets": [{"nodes": "10%"}]}, "template": template}
    return [Thing(KARPENTER, inputs={"spec": spec})]


def need(label: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": f"karpenter.k8s.aws/{label}", "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("requirements", "may"),
    [
        ([], True),
        ([need("instance-category", "In", "p", "g")], True),
        ([need("instance-category", "In", "c", "m", "r")], False),
        ([need("instance-category", "NotIn", "p")], True),
        ([need("instance-family", "In", "m7i")], False),
        ([need("instance-family", "NotIn", "p5", "g5")], True),
        ([need("instance-gpu-count", "DoesNotExist")], False),
        ([need("instance-gpu-count", "Exists")], True),
        ([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]}], True),
        ([{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7i.large"]}], False),
    ],
)
def test_a_pool_that_may_start_accelerators_limits_them(requirements: list[dict[str, Any]], may: bool) -> None:
    assert ("accelerator" in checks("karpenter-nodepool-limits", karpenter(*requirements))) is may


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


@pytest.mark.parametrize("kind", ["p99.48xlarge", "dl1.24xlarge"])
def test_efa_of_a_type_that_no_table_describes_cannot_be_told(kind: str) -> None:
    things = [Thing(TEMPLATE, inputs=efa(kind, interface(0, 0, "efa")))]
    assert checks("efa-instance-supported", things) == set()
    assert doubts("efa-instance-supported", things) == [f"{kind} has no known number of EFA interfaces"]


def zones(*subnets: dict[str, str], **inputs: Any) -> list[Thing]:
    named = [Thing(SUBNET, f"s{number}", subnet) for number, subnet in enumerate(subnets)]
    refers = {"launchTemplate": ["t"], "vpcZoneIdentifiers": [subnet.name for subnet in named]}
    group = Thing(SCALING, "g", inputs, refers)
    return [group, Thing(TEMPLATE, "t", efa("p5en.48xlarge", *P5EN)), *named]


def test_zones_are_compared_by_name_or_by_id_and_never_one_with_the_other() -> None:
    rule = "efa-single-az"
    assert checks(rule, zones({"availabilityZone": "us-east-1a"}, {"availabilityZone": "us-east-1b"})) == {rule}
    mixed = zones({"availabilityZone": "us-east-1a"}, {"availabilityZoneId": "use1-az1"})
    assert checks(rule, mixed) == set()
    assert len(doubts(rule, mixed)) == 1
    assert checks(rule, zones(availabilityZones=["us-east-1a", "us-east-1b"])) == {rule}


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


def test_a_known_part_above_the_cap_is_enough() -> None:
    several = {"instanceTypes": ["p5.48xlarge", UNKNOWN], "scalingConfig": {"maxSize": 10}}
    assert count([Thing(NODES, "n", several)], 79) == "fail"
    assert count([Thing(NODES, "n", several)], 80) == "cannot tell"


def test_capacity_blocks_are_sold_of_accelerator_machines_only() -> None:
    market = {"marketType": "capacity-block"}
    for kind, expected in (("m5.large", {"capacity-type-supported"}), ("p5.48xlarge", set())):
        things = [Thing(TEMPLATE, inputs={"instanceType": kind, "instanceMarketOptions": market})]
        assert checks("capacity-type-supported", things) == expected


def test_a_group_of_a_capacity_block_without_a_subnet_is_said_to_have_none() -> None:
    things = [Thing(NODES, "n", {"capacityType": "CAPACITY_BLOCK", "subnetIds": [], "instanceTypes": ["p5.48xlarge"]})]
    said = [entry.message for entry in outcome(things).findings if entry.rule.id == "capacity-block-launch-template"]
    assert "it has no subnet; a block lies in one zone." in said


DEVICES = {"resources": {"limits": {"nvidia.com/gpu": "0.5"}}}
EVIL = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "evil:1", **DEVICES}]}}
CARRIERS = [
    ("jobset.x-k8s.io/v1alpha2:JobSet", {"replicatedJobs": [{"name": "w", "template": {"spec": {"template": EVIL}}}]}),
    ("kubeflow.org/v1:PyTorchJob", {"pytorchReplicaSpecs": {"Master": {"template": EVIL}}}),
    ("leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", {"leaderWorkerTemplate": {"workerTemplate": EVIL}}),
    ("ray.io/v1:RayCluster", {"headGroupSpec": {}, "workerGroupSpecs": [{"template": EVIL}]}),
    ("ray.io/v1:RayJob", {"rayClusterSpec": {"headGroupSpec": {"template": EVIL}}}),
]


@pytest.mark.parametrize(("kind", "spec"), CARRIERS, ids=[kind for kind, _ in CARRIERS])
def test_the_pods_in_a_carrier_are_judged_as_pods(kind: str, spec: dict[str, Any]) -> None:
    things = [Thing(f"kubernetes:{kind}", "set", {"metadata": {"namespace": "n"}, "spec": spec})]
    said = {entry.rule.id for entry in outcome(things).findings}
    assert {"gpu-limits-well-formed", "k8s-image-registry-allowlist", "k8s-capabilities"} <= said
    assert "k8s-no-default-namespace" not in said


def test_a_carrier_of_several_pods_says_a_thing_once_and_unknown_pods_are_no_pass() -> None:
    job = {"name": "w", "template": {"spec": {"template": EVIL}}}
    spec = {"replicatedJobs": [job, job, UNKNOWN], "ttlSecondsAfterFinished": 60}
    things = [Thing("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", "set", {"metadata": {}, "spec": spec})]
    found = outcome(things)
    registry = [entry for entry in found.findings if entry.rule.id == "k8s-image-registry-allowlist"]
    assert len(registry) == 1
    assert doubts("k8s-no-privileged", things)
    assert checks("gpu-job-bounded", things) == {"activeDeadlineSeconds"}


def test_a_namespace_with_a_job_set_needs_a_quota() -> None:
    spec = CARRIERS[0][1]
    things = [
        Thing("kubernetes:core/v1:Namespace", "ns", {"metadata": {"name": "n"}}),
        Thing("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", "set", {"metadata": {"namespace": "n"}, "spec": spec}),
    ]
    assert checks("gpu-namespace-quota", things) == {"gpu-namespace-quota"}


def test_a_patch_is_judged_by_what_it_sets_and_not_by_what_it_leaves() -> None:
    def patched(security: dict[str, Any]) -> list[Thing]:
        pod = {"spec": {"containers": [{"name": "c", "securityContext": security}]}}
        return [Thing("kubernetes:apps/v1:DeploymentPatch", "d", {"spec": {"template": pod}})]

    assert checks("k8s-no-privileged", patched({"privileged": True})) == {"k8s-no-privileged"}
    assert {entry.rule.id for entry in outcome(patched({"privileged": True})).findings} == {"k8s-no-privileged"}
    assert doubts("k8s-capabilities", patched({}))


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


@pytest.mark.parametrize(
    ("image", "trusted"),
    [
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1", True),
        ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/x:1", True),
        ("evil.dkr.ecr.x.amazonaws.com.evil.io/x:1", False),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com.evil.io/x:1", False),
        ("evil.io/a-docker.pkg.dev/cloud-tpu-images/x:1", False),
        ("us-docker.pkg.dev/cloud-tpu-images/x:1", True),
        ("nvcr.io/nvidia/pytorch:25.01", True),
        ("nvcr.io.evil.io/nvidia/pytorch:25.01", False),
        ("busybox", False),
    ],
)
def test_an_image_comes_from_where_its_name_says_and_nowhere_else(image: str, trusted: bool) -> None:
    things = [Thing("kubernetes:core/v1:Pod", inputs={"spec": {"containers": [{"name": "c", "image": image}]}})]
    assert (not checks("k8s-image-registry-allowlist", things)) is trusted


def test_where_the_accounts_are_known_the_registries_of_others_are_not_trusted() -> None:
    applied = settings({"aws:allowedAccountIds": '["111122223333"]', "gcp:project": "mine"}, None)
    pack = Pack(ALL, parameters=applied.parameters)

    def trusted(image: str) -> bool:
        (pod,) = built(
            [Thing("kubernetes:core/v1:Pod", inputs={"spec": {"containers": [{"name": "c", "image": image}]}})]
        )
        return "k8s-image-registry-allowlist" not in [entry.rule.id for entry in pack.resource(pod).findings]

    assert trusted("111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1")
    assert trusted("602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/x:1"), "AWS publishes EKS images from there"
    assert trusted("europe-docker.pkg.dev/mine/x:1")
    assert not trusted("444455556666.dkr.ecr.us-east-1.amazonaws.com/x:1")


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


@pytest.mark.parametrize(
    ("pod", "accelerated"),
    [
        ({"containers": [{"name": "c", "resources": {"limits": {"google.com/tpu": 4}}}]}, True),
        (
            {"containers": [{"name": "c"}], "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one"}]},
            True,
        ),
        (
            {"containers": [{"name": "c"}], "resourceClaims": [{"name": "nic", "resourceClaimTemplateName": "rdma"}]},
            False,
        ),
    ],
)
def test_tpus_and_claims_are_accelerators_too(pod: dict[str, Any], accelerated: bool) -> None:
    things = [Thing("kubernetes:batch/v1:Job", inputs={"spec": {"template": {"spec": pod}}})]
    assert bool(checks("gpu-job-bounded", things)) is accelerated
    assert "toleration" not in checks("gpu-pod-placement", things) or "resourceClaims" in pod
