"""Workloads: wherever their pods lie, and wherever their images come from."""

from __future__ import annotations

from typing import Any

import pytest

from policies.examples import Thing
from policies.profiles import settings
from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.model import UNKNOWN
from tests.policies.test_kinds import checks, outcome
from tests.policies.test_reach import doubts
from tests.policies.test_rules import built

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
