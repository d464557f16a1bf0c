"""A job that is started as a JobSet finds its controller on every cluster."""

from __future__ import annotations

import pytest

import cost
from components.jobset_controller import chart
from plan import Plan
from policies import check
from sandbox.providers.kubernetes import charts
from tests.stacks.support import changed, plan_of, planned

RELEASE = "kubernetes:helm.sh/v3:Release"
STACKS = {"prod-h200": "h200", "tpu-v6e-pod": "v6e", "local": "bench", "local-tpu": "v6e"}


def with_a_set(stack: str) -> Plan:
    image = "us-docker.pkg.dev/cloud-tpu-images/jax-ai-image/tpu:jax0.8.2-rev1"
    return plan_of(changed({f"benchmark/{STACKS[stack]}": {"image": image, "launcher": "jobset"}}, stack))


@pytest.mark.parametrize("stack", STACKS)
def test_the_controller_comes_before_the_set_and_after_nodes_that_can_run_it(stack: str) -> None:
    plan = with_a_set(stack)
    (release,) = plan.of_type(RELEASE)
    assert (release.inputs["chart"], release.inputs["version"]) == chart()
    (job_set,) = [made for made in plan if made.type.startswith("kubernetes:jobset.x-k8s.io/")]
    assert release.urn in job_set.dependencies
    nodes = [made for made in plan if made.type.endswith((":NodePool", ":NodeGroup"))]
    waits = [made for made in nodes if made.urn in release.dependencies]
    assert waits, "the release waits until its pod runs"
    assert len(waits) < len(nodes) or stack == "local", "not for accelerators, which may come late"
    for other in plan.of_type("kubernetes:batch/v1:Job"):
        assert release.urn not in other.dependencies, other.name


def test_a_job_of_any_section_brings_the_controller() -> None:
    run = {"pool": "v6e", "image": "a/b:1", "launcher": "jobset", "preset": "bloom-560m", "ranks": 64}
    plan = plan_of(changed({"benchmark": {}, "training": {"run": run}}, "tpu-v6e-pod"))
    assert len(plan.of_type(RELEASE)) == 1


def test_a_stack_without_job_sets_has_no_controller() -> None:
    for stack in STACKS:
        assert not planned(stack).of_type(RELEASE), stack


def test_the_controller_costs_nothing_and_breaks_no_policy() -> None:
    for stack in ("prod-h200", "tpu-v6e-pod"):
        plan = with_a_set(stack)
        estimate = cost.estimate(plan)
        assert not [gap for gap in estimate.unpriced if gap.resource == "jobset-release"], stack
        found = check.run(plan, estimate)
        assert not [entry for entry in found.mandatory if entry.resource.name == "jobset-release"], stack


def test_the_local_cloud_runs_the_controller_itself_and_does_not_say_that_it_is_missing() -> None:
    address, _ = chart()
    assert address in charts.RUNS_HERE
