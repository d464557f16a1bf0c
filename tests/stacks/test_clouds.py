"""Two clouds, one kind of stack file: each loads only its own, and what runs on one runs on the other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from components.gcp import labels
from plan import Plan
from stacks import config
from tests.stacks.support import changed, document, plan_of, planned

OTHER = {"aws": "gcp", "gcp": "aws"}
GCP_STACKS = [stack for stack in config.names() if config.load(stack).cloud == "gcp"]


@pytest.mark.parametrize(("stack", "cloud"), [("local", "aws"), ("prod-h200", "aws"), ("local-tpu", "gcp")])
def test_planning_a_stack_loads_nothing_of_the_other_cloud(stack: str, cloud: str) -> None:
    """Neither its SDK nor our own blocks for it: they cost time and, in the engine, a plugin."""
    program = (
        "import json, sys\n"
        "from plan import offline\n"
        f"plan = offline.run({stack!r})\n"
        "types = sorted({resource.type.split(':')[0] for resource in plan})\n"
        "providers = sorted({resource.type for resource in plan if resource.type.startswith('pulumi:providers')})\n"
        "modules = [name for name in sys.modules if name.split('.')[0] in ('pulumi_aws', 'pulumi_gcp')]\n"
        "modules += [name for name in sys.modules if name.startswith('components.gcp')]\n"
        "print(json.dumps({'types': types, 'providers': providers, 'modules': modules}))\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    other = OTHER[cloud]
    assert cloud in found["types"]
    assert other not in found["types"]
    assert f"pulumi:providers:{other}" not in found["providers"]
    assert any(name.startswith(f"pulumi_{cloud}") for name in found["modules"])
    assert not [name for name in found["modules"] if name.startswith(f"pulumi_{other}")]
    if cloud == "aws":
        assert not [name for name in found["modules"] if name.startswith("components.gcp")]


@pytest.mark.parametrize("stack", GCP_STACKS)
def test_a_stack_on_google_says_whose_everything_is(stack: str) -> None:
    plan = planned(stack)
    (provider,) = [made for made in plan.of_type("pulumi:providers:gcp") if made.name == "gcp"]
    identity = set(json.loads(provider.inputs["defaultLabels"]))
    assert identity == {"dc-site", "dc-environment", "dc-owner", "dc-cost-center"}
    for pool in plan.of_type("gcp:container/nodePool:NodePool"):
        given = set(pool.inputs["nodeConfig"]["resourceLabels"])
        assert given >= identity | {"dc-component", "dc-pool", "dc-usd-per-hour", "dc-power-kw-max", "dc-accelerator"}
        for key, text in pool.inputs["nodeConfig"]["resourceLabels"].items():
            assert labels.value(text) == text, f"{pool.name}: {key}={text} is not a label that Google takes"


@pytest.mark.parametrize("stack", GCP_STACKS)
def test_names_fit_into_what_google_takes(stack: str) -> None:
    for made in planned(stack):
        if made.type.startswith("gcp:") and isinstance(name := made.inputs.get("name"), str):
            assert len(name) <= (40 if "container/" in made.type else 63), f"{made.name}: {name}"


def with_jobs(stack: str, jobs: Mapping[str, Any]) -> Plan:
    """A committed stack with the sections of a workload file put into it."""
    return plan_of(changed({"benchmark": {}, **jobs}, stack))


def job_of(plan: Plan) -> Any:
    (job,) = [made for made in plan.of_type("kubernetes:batch/v1:Job") if made.name.startswith("training-")]
    return job.inputs["spec"]


def test_one_workload_runs_on_gpus_of_aws_and_on_a_pod_of_tpus_with_only_the_pool_changed() -> None:
    """Everything that differs in the two jobs follows from the pool."""
    workload = {"preset": "bloom-560m", "image": "example.com/team/train:1", "steps": 100}
    made = {
        stack: job_of(with_jobs(stack, {"training": {"run": workload | {"pool": pool}}}))
        for stack, pool in (("prod-h200", "h200"), ("tpu-v6e-pod", "v6e"))
    }
    gpus, tpus = made["prod-h200"], made["tpu-v6e-pod"]
    assert gpus.keys() == tpus.keys()
    assert (gpus["completions"], tpus["completions"]) == (4, 64)
    (on_gpus,), (on_tpus,) = (job["template"]["spec"]["containers"] for job in made.values())
    assert on_gpus["image"] == on_tpus["image"] == workload["image"]
    assert on_gpus["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert on_tpus["resources"]["limits"]["google.com/tpu"] == "4"
    selector = tpus["template"]["spec"]["nodeSelector"]
    assert selector["cloud.google.com/gke-tpu-topology"] == "16x16"
    environment = {entry["name"]: entry.get("value") for entry in on_tpus["env"]}
    assert len(environment["TPU_WORKER_HOSTNAMES"].split(",")) == 64
    assert "TPU_WORKER_ID" in environment


def test_one_benchmark_section_runs_on_both_clouds_with_only_the_pools_name_changed() -> None:
    section = {"image": "example.com/team/bench:1", "deadline-minutes": 45}
    for stack, pool in (("prod-h200", "h200"), ("tpu-v6e-pod", "v6e"), ("gcp-h200", "h200")):
        plan = plan_of(changed({"benchmark": {pool: section}}, stack))
        (job,) = plan.of_type("kubernetes:batch/v1:Job")
        assert job.inputs["spec"]["activeDeadlineSeconds"] == 45 * 60
        assert plan.exports["benchmarks"][pool]["namespace"] == f"benchmark-{pool}"


def test_both_clouds_export_the_same_words() -> None:
    for stack in ("local", "local-tpu"):
        exports = planned(stack).exports
        assert set(exports["cluster"]) == {"name", "endpoint", "kubeconfig"}
        assert {"pools", "benchmarks"} <= set(exports)


def test_sections_of_both_clouds_are_called_the_same() -> None:
    aws, gcp = (set(config.model(cloud).model_fields) for cloud in ("aws", "gcp"))
    shared = {"site", "network", "cluster", "system_pools", "pools", "file_system", "object_store", "image_registry"}
    assert shared | {"benchmark", "training", "budget", "policies", "discounts", "cloud", "region"} <= aws & gcp


def test_a_stack_file_without_a_cloud_stands_on_aws() -> None:
    assert "ai-datacenter:cloud" not in document("local")
    assert config.load("local").cloud == "aws"
