"""The benchmark's Job: made anew when something in it changes, and only then; never on less than it should measure."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from catalog import instances
from components.benchmark_manifest import Benchmark
from components.placement import Placement, Taint

BENCHMARK = Benchmark(
    name="benchmark-h100",
    image="registry/image:1",
    ranks=2,
    placement=Placement("h100", instances["p5.48xlarge"], 2, 32, Taint("nvidia.com/gpu", "present")),
    deadline_seconds=600,
    program={"main.py": "print(1)"},
    labels={"dc/site": "test"},
)


def test_the_name_depends_on_the_content_alone() -> None:
    assert dataclasses.replace(BENCHMARK).job == BENCHMARK.job


@pytest.mark.parametrize(
    "change",
    [
        {"image": "registry/image:2"},
        {"ranks": 4},
        {"deadline_seconds": 601},
        {"program": {"main.py": "print(2)"}},
        {"program": {"main.py": "print(1)", "more.py": ""}},
        {"placement": Placement("h100", instances["p5e.48xlarge"], 2, 32, Taint("nvidia.com/gpu", "present"))},
        {"placement": Placement("h100", instances["p5.48xlarge"], 2, 16, Taint("nvidia.com/gpu", "present"))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_makes_another_job(change: dict[str, Any]) -> None:
    assert dataclasses.replace(BENCHMARK, **change).job != BENCHMARK.job


def test_the_job_asks_for_all_fabric_so_that_it_cannot_fall_back_to_tcp() -> None:
    (container,) = BENCHMARK.job_spec()["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"]["vpc.amazonaws.com/efa"] == "32"
    assert container["resources"]["limits"]["hugepages-2Mi"] == "5120Mi"


def test_ranks_find_rank_0_by_the_name_that_the_service_gives_it() -> None:
    spec = BENCHMARK.job_spec()["template"]["spec"]
    environment = {entry["name"]: entry.get("value") for entry in spec["containers"][0]["env"]}
    assert environment["WORLD_SIZE"] == "2"
    assert environment["MASTER_ADDR"] == f"{BENCHMARK.job}-0.{spec['subdomain']}"
    service = BENCHMARK.service_spec()
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert service["selector"] == {"batch.kubernetes.io/job-name": BENCHMARK.job}


def test_a_node_that_is_taken_back_does_not_count_as_a_failure() -> None:
    spec = BENCHMARK.job_spec()
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert spec["template"]["spec"]["restartPolicy"] == "Never", "the API demands it beside a failure policy"
    assert "ttlSecondsAfterFinished" not in spec, "a job that vanishes would be made again at the next update"


def test_the_pod_passes_the_restricted_pod_security_standard() -> None:
    spec = BENCHMARK.job_spec()["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= {"configMap", "emptyDir"}


def test_the_namespace_may_hold_one_run() -> None:
    assert BENCHMARK.quota() == {"requests.nvidia.com/gpu": "16", "requests.vpc.amazonaws.com/efa": "64"}


def test_shared_memory_is_part_of_the_pods_memory() -> None:
    spec = BENCHMARK.job_spec()["template"]["spec"]
    (shared,) = [volume["emptyDir"] for volume in spec["volumes"] if volume["name"] == "shared"]
    memory = spec["containers"][0]["resources"]["limits"]["memory"]
    assert shared["medium"] == "Memory"
    assert 0 < int(shared["sizeLimit"].removesuffix("Mi")) < int(memory.removesuffix("Mi"))


def test_names_stay_within_what_kubernetes_allows() -> None:
    longest = dataclasses.replace(BENCHMARK, name=f"benchmark-{'p' * 32}")
    assert len(f"{longest.job}-999") <= 63
