"""Pods of a job on TPUs know their place in their slice, and a JobSet spans several."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import gcp_machines
from components.placement import Placement, Slices
from components.workload import REPLICATED, Run, Workload
from training.bench import settings


def workload(hosts: int, count: int = 1, *, ranks: int | None = None, launcher: Any = "job") -> Workload:
    place = Placement(
        "v6e",
        gcp_machines["ct6e-standard-4t"],
        hosts * count,
        slices=Slices("tpu-v6e-slice", "4x4" if hosts > 1 else "2x2", hosts, count),
    )
    return Workload(
        name="benchmark-v6e",
        image="a/b:1",
        command=("python",),
        ranks=ranks or hosts * count,
        placement=place,
        program={"main.py": ""},
        labels={"dc/pool": "v6e"},
        run=Run(launcher=launcher),
    )


def variables(spec: Any) -> dict[str, Any]:
    """Value, or path of the field, by name and in order."""
    (container,) = spec["template"]["spec"]["containers"]
    return {
        entry["name"]: entry.get("value") or entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container["env"]
    }


def jobset(work: Workload) -> Any:
    (replicated,) = work.jobset_spec()["replicatedJobs"]
    return replicated


def test_hosts_of_a_slice_are_counted_and_named() -> None:
    work = workload(4)
    found = variables(work.job_spec())
    assert found["TPU_WORKER_ID"] == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    names = found["TPU_WORKER_HOSTNAMES"].split(",")
    assert names == [f"{work.job}-{index}.benchmark-v6e" for index in range(4)]
    assert found["MASTER_ADDR"] == names[0]
    assert "MEGASCALE_NUM_SLICES" not in found
    (container,) = work.job_spec()["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["google.com/tpu"] == "4", "a pod takes all chips of its host"


def test_a_slice_of_one_host_is_alone_in_its_world() -> None:
    found = variables(workload(1, 2, ranks=1).job_spec())
    assert found["TPU_WORKER_HOSTNAMES"] == "localhost"
    assert found["TPU_WORKER_ID"] == "0"


def test_a_job_set_has_a_job_a_slice_on_a_node_pool_of_its_own() -> None:
    replicated = jobset(workload(4, 3, launcher="jobset"))
    assert replicated["replicas"] == 3
    assert replicated["template"]["spec"]["completions"] == replicated["template"]["spec"]["parallelism"] == 4
    assert replicated["template"]["metadata"]["annotations"] == {
        "alpha.jobset.sigs.k8s.io/exclusive-topology": "cloud.google.com/gke-nodepool"
    }


def test_pods_of_several_slices_know_their_slice_and_who_counts_the_slices() -> None:
    work = workload(4, 3, launcher="jobset")
    found = variables(jobset(work)["template"]["spec"])
    assert found["MEGASCALE_NUM_SLICES"] == "3"
    assert found["MEGASCALE_SLICE_ID"] == "metadata.annotations['jobset.sigs.k8s.io/job-index']"
    assert found["MEGASCALE_COORDINATOR_ADDRESS"] == f"{work.job}-{REPLICATED}-0-0.benchmark-v6e"
    assert (
        found["TPU_WORKER_HOSTNAMES"].split(",")[3] == f"{work.job}-{REPLICATED}-$(MEGASCALE_SLICE_ID)-3.benchmark-v6e"
    )
    assert found["WORLD_SIZE"] == "12"
    order = list(found)
    assert order.index("MEGASCALE_SLICE_ID") < order.index("TPU_WORKER_HOSTNAMES"), (
        "only what stands before is expanded"
    )


def test_a_plain_job_keeps_to_one_of_several_slices() -> None:
    spec = workload(4, 2, ranks=4).job_spec()["template"]["spec"]
    (term,) = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "cloud.google.com/gke-nodepool"
    assert "affinity" not in workload(4).job_spec()["template"]["spec"]


@pytest.mark.parametrize(("own", "index", "rank"), [(0, 0, 0), (0, 3, 3), (1, 0, 4), (2, 3, 11)])
def test_ranks_count_on_from_slice_to_slice(own: int, index: int, rank: int) -> None:
    """Each slice is a Job of its own, so pods alone know only their place in it."""
    env = {
        "JOB_COMPLETION_INDEX": str(index),
        "WORLD_SIZE": "12",
        "MEGASCALE_NUM_SLICES": "3",
        "MEGASCALE_SLICE_ID": str(own),
    }
    assert settings.load((), {}, env).rank == rank
