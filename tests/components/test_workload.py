"""The pod template of every job, and the Job or JobSet around it: made anew when something in it changes, only then."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from catalog import instances
from components.placement import HostFolder, Placement, Taint
from components.workload import EXCLUSIVE, QUEUE_LABEL, Run, Workload

JOB = Workload(
    name="benchmark-h100",
    image="registry/image:1",
    command=["python", "-m", "training.bench"],
    ranks=2,
    placement=Placement("h100", instances["p5.48xlarge"], 2, 32, Taint("nvidia.com/gpu", "present")),
    run=Run(deadline_seconds=600),
    program={"training/a.py": "print(1)"},
    labels={"dc/site": "test"},
)


def test_the_name_depends_on_the_content_alone() -> None:
    assert dataclasses.replace(JOB).job == JOB.job


@pytest.mark.parametrize(
    "change",
    [
        {"image": "registry/image:2"},
        {"ranks": 4},
        {"run": Run(deadline_seconds=601)},
        {"run": Run(launcher="jobset")},
        {"program": {"training/a.py": "print(2)"}},
        {"program": {"training/a.py": "print(1)", "training/more.py": ""}},
        {"environment": {"A": "1"}},
        {"claim": "file-system"},
        {"command": ["python"]},
        {"placement": Placement("h100", instances["p5e.48xlarge"], 2, 32, Taint("nvidia.com/gpu", "present"))},
        {"placement": Placement("h100", instances["p5.48xlarge"], 2, 16, Taint("nvidia.com/gpu", "present"))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_makes_another_job(change: dict[str, Any]) -> None:
    assert dataclasses.replace(JOB, **change).job != JOB.job


def test_the_job_asks_for_all_fabric_so_that_it_cannot_fall_back_to_tcp() -> None:
    (container,) = JOB.job_spec()["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"]["vpc.amazonaws.com/efa"] == "32"
    assert container["resources"]["limits"]["hugepages-2Mi"] == "5120Mi"


def test_ranks_find_rank_0_by_the_name_that_the_service_gives_it() -> None:
    spec = JOB.job_spec()["template"]["spec"]
    environment = {entry["name"]: entry.get("value") for entry in spec["containers"][0]["env"]}
    assert environment["WORLD_SIZE"] == "2"
    assert environment["MASTER_ADDR"] == f"{JOB.job}-0.{spec['subdomain']}"
    service = JOB.service_spec()
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    assert service["selector"] == {"batch.kubernetes.io/job-name": JOB.job}


def test_a_node_that_is_taken_back_does_not_count_as_a_failure() -> None:
    spec = JOB.job_spec()
    rule, wrong = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert (wrong["action"], wrong["onExitCodes"]["values"]) == ("FailJob", [2]), "no retry mends wrong settings"
    assert spec["template"]["spec"]["restartPolicy"] == "Never", "the API demands it beside a failure policy"
    assert "ttlSecondsAfterFinished" not in spec, "a job that vanishes would be made again at the next update"


def test_the_pod_passes_the_restricted_pod_security_standard() -> None:
    spec = JOB.job_spec()["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= {"configMap", "emptyDir"}


def test_the_namespace_may_hold_one_run() -> None:
    assert JOB.quota() == {"requests.nvidia.com/gpu": "16", "requests.vpc.amazonaws.com/efa": "64"}


def test_shared_memory_is_part_of_the_pods_memory() -> None:
    spec = JOB.job_spec()["template"]["spec"]
    (shared,) = [volume["emptyDir"] for volume in spec["volumes"] if volume["name"] == "shared"]
    memory = spec["containers"][0]["resources"]["limits"]["memory"]
    assert shared["medium"] == "Memory"
    assert 0 < int(shared["sizeLimit"].removesuffix("Mi")) < int(memory.removesuffix("Mi"))


def test_names_stay_within_what_kubernetes_allows() -> None:
    longest = dataclasses.replace(JOB, name=f"evaluation-{'p' * 32}")
    assert len(f"{longest.job}-999") <= 63
    in_a_set = dataclasses.replace(longest, run=Run(launcher="jobset"))
    assert len(f"{in_a_set.pod_job}-999") <= 63


def test_the_program_stands_in_folders_and_can_be_imported() -> None:
    volume = next(one for one in JOB.job_spec()["template"]["spec"]["volumes"] if one["name"] == "program")
    assert volume["configMap"]["items"] == [{"key": "training.a.py", "path": "training/a.py"}]
    assert environment(JOB)["PYTHONPATH"] == "/program"


def test_a_job_set_holds_the_same_pods_and_starts_them_anew_together() -> None:
    job = dataclasses.replace(JOB, run=Run(launcher="jobset", retries=3, topology="rack"))
    spec = job.jobset_spec()
    (replicated,) = spec["replicatedJobs"]
    assert replicated["template"]["metadata"]["annotations"] == {EXCLUSIVE: "rack"}
    assert replicated["template"]["spec"]["backoffLimit"] == 0
    assert spec["failurePolicy"]["maxRestarts"] == 3
    assert spec["failurePolicy"]["rules"][0]["action"] == "FailJobSet", "no restart mends wrong settings"
    assert spec["network"]["subdomain"] == job.name
    assert environment(job)["MASTER_ADDR"] == f"{job.job}-r-0-0.{job.name}"
    ours, theirs = JOB.job_spec()["template"]["spec"], replicated["template"]["spec"]["template"]["spec"]
    assert ours["containers"][0]["resources"] == theirs["containers"][0]["resources"]


def test_a_queued_job_waits_for_its_queue() -> None:
    job = dataclasses.replace(JOB, run=Run(launcher="kueue", queue="research"))
    assert job.job_spec()["suspend"] is True
    assert job.job_labels()[QUEUE_LABEL] == "research"
    assert "suspend" not in JOB.job_spec()


def test_priority_and_topology_reach_the_pods() -> None:
    spec = dataclasses.replace(JOB, run=Run(priority="high", topology="layer-3")).job_spec()["template"]["spec"]
    assert spec["priorityClassName"] == "high"
    (near,) = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert near["podAffinityTerm"]["topologyKey"] == "layer-3"


def test_a_claim_is_mounted_and_without_one_the_folder_is_empty() -> None:
    for claim, kind in (("file-system", "persistentVolumeClaim"), (None, "emptyDir")):
        spec = dataclasses.replace(JOB, claim=claim).job_spec()["template"]["spec"]
        assert kind in next(one for one in spec["volumes"] if one["name"] == "volume")
        assert {"name": "volume", "mountPath": "/volume"} in spec["containers"][0]["volumeMounts"]


def test_nvidia_pods_leave_to_the_plugin_what_it_knows_better() -> None:
    found = environment(JOB)
    assert found["NCCL_SOCKET_IFNAME"] == "^lo,docker,veth"
    assert not {name for name in found if name.startswith(("FI_", "RDMAV_")) or name in {"NCCL_PROTO", "NCCL_BUFFSIZE"}}


def test_neuron_pods_get_cores_and_a_meeting_place() -> None:
    place = Placement("trn", instances["trn1.32xlarge"], 2, 8, Taint("aws.amazon.com/neuron", "present"))
    found = environment(dataclasses.replace(JOB, placement=place))
    assert (found["NEURON_RT_NUM_CORES"], found["FI_PROVIDER"]) == ("32", "efa")
    assert found["NEURON_RT_ROOT_COMM_ID"].endswith(".benchmark-h100:62182")


def test_gpus_on_pcie_copy_through_shared_memory_by_cuda() -> None:
    place = Placement("l40s", instances["g6e.xlarge"], 2, 0, Taint("nvidia.com/gpu", "present"))
    assert environment(dataclasses.replace(JOB, placement=place))["NCCL_SHM_USE_CUDA_MEMCPY"] == "1"


def test_what_a_pool_asks_of_its_pods_reaches_them() -> None:
    place = dataclasses.replace(
        JOB.placement,
        annotations={"networking.gke.io/interfaces": "[]"},
        environment={"NCCL_NET": "gIB"},
        host_folders=(HostFolder("gib", "/home/kubernetes/bin/gib", "/usr/local/gib"),),
    )
    job = dataclasses.replace(JOB, placement=place)
    template = job.job_spec()["template"]
    assert template["metadata"]["annotations"] == {"networking.gke.io/interfaces": "[]"}
    assert environment(job)["NCCL_NET"] == "gIB"
    assert {"name": "gib", "hostPath": {"path": "/home/kubernetes/bin/gib"}} in template["spec"]["volumes"]


def environment(job: Workload) -> dict[str, str]:
    (container,) = job.job_spec()["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_retries_are_counted_by_pod_so_one_lost_node_does_not_use_them_all_up() -> None:
    """Pods that lose a peer end too; counted together, four of them would be more than two retries."""
    spec = JOB.job_spec()
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (2, 0)
    assert "backoffLimit" not in spec


def test_a_pod_that_saved_its_work_when_asked_to_stop_has_not_failed() -> None:
    job = dataclasses.replace(JOB, no_failure=(75,), grace_seconds=120)
    spec = job.job_spec()
    assert spec["podFailurePolicy"]["rules"][-1] == {
        "action": "Ignore", "onExitCodes": {"operator": "In", "values": [75]},
    }  # fmt: skip
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 120


def test_a_held_job_is_created_suspended_as_a_job_and_as_a_set() -> None:
    assert dataclasses.replace(JOB, run=Run(held=True)).job_spec()["suspend"] is True
    assert dataclasses.replace(JOB, run=Run(held=True, launcher="jobset")).jobset_spec()["suspend"] is True
    assert "suspend" not in dataclasses.replace(JOB, run=Run(launcher="jobset")).jobset_spec()
