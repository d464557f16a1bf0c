"""Job sets on recorded TPU slices: the real controller, the real scheduler, simulated nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from catalog.gcp_machine import gcp_machines
from components.placement import Placement, Slices, Taint
from components.workload import JOBSET_API, Run, Workload
from sandbox import processes, supervisor, toolchain
from sandbox.gcp.store import Store
from sandbox.kubernetes.connection import connect
from sandbox.settings import Settings
from tests.sandbox.conftest import new_settings, running
from tests.sandbox.emulated import eventually
from tests.sandbox.kubernetes import recorded

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("cloud")]
GROUP, VERSION = "jobset.x-k8s.io", "v1alpha2"
POOLS = ("slice-0", "slice-1")
EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"


@pytest.fixture(scope="module")
def tpus() -> Iterator[Settings]:
    """A cloud with the JobSet controller and two slices of two hosts each."""
    toolchain.ensure("jobset")
    with running(new_settings(), extras=["jobset"]) as settings:
        store = Store.of(settings)
        store.add(recorded.cluster())
        for name in POOLS:
            store.add(recorded.pool(name, "ct6e-standard-4t", 2, "2x4"))
        eventually(lambda: len(nodes(settings)) == 4)
        yield settings


def nodes(settings: Settings) -> list[dict[str, Any]]:
    """Ready nodes with TPUs; Kubernetes' own taint of new nodes has gone."""
    core: Any = client.CoreV1Api(connect(settings))
    answer = core.list_node(label_selector="cloud.google.com/gke-tpu-accelerator", _preload_content=False)
    return [
        node
        for node in json.loads(answer.data)["items"]
        if any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions") or [])
        and [taint["key"] for taint in node["spec"].get("taints") or []] == ["google.com/tpu"]
    ]


def job_set(name: str, replicas: int = 1, hosts: int = 2, run_for: str = "1s") -> dict[str, Any]:
    """A slice for each replica: one pod a host, all its chips."""
    container = {"name": "main", "image": "none", "resources": {"limits": {"google.com/tpu": "4"}}}
    selector = {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x4"}
    pod = {
        "metadata": {"annotations": {"sandbox.dc/run-for": run_for}},
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": selector,
            "tolerations": [{"key": "google.com/tpu", "operator": "Exists"}],
            "containers": [container],
        },
    }
    job = {"spec": {"parallelism": hosts, "completions": hosts, "backoffLimit": 0, "template": pod}}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "JobSet",
        "metadata": {"name": name, "annotations": {EXCLUSIVE: "cloud.google.com/gke-nodepool"}},
        "spec": {"replicatedJobs": [{"name": "workers", "replicas": replicas, "template": job}]},
    }


class Sets:
    """Job sets in the default namespace. They are left there: the garbage collector learns of a new kind only after
    half a minute, and pods that have ended hold no node.
    """

    def __init__(self, settings: Settings) -> None:
        api = connect(settings)
        self.objects: Any = client.CustomObjectsApi(api)
        self.core: Any = client.CoreV1Api(api)

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.objects.create_namespaced_custom_object(GROUP, VERSION, "default", "jobsets", body)

    def completed(self, name: str) -> bool:
        found = self.objects.get_namespaced_custom_object(GROUP, VERSION, "default", "jobsets", name)
        conditions = (found.get("status") or {}).get("conditions") or []
        return any(one["type"] == "Completed" and one["status"] == "True" for one in conditions)

    def pods(self, name: str) -> list[Any]:
        return self.core.list_namespaced_pod("default", label_selector=f"jobset.sigs.k8s.io/jobset-name={name}").items


@pytest.fixture
def sets(tpus: Settings) -> Sets:
    found = Sets(tpus)
    eventually(lambda: found.core.list_namespaced_service_account("default").items)
    return found


def test_every_slice_of_a_job_set_is_on_one_node_pool(tpus: Settings, sets: Sets) -> None:
    pool_of = {
        node["metadata"]["name"]: node["metadata"]["labels"]["cloud.google.com/gke-nodepool"] for node in nodes(tpus)
    }
    sets.create(job_set("multislice", replicas=2, run_for="3s"))
    eventually(lambda: sum(bool(pod.spec.node_name) for pod in sets.pods("multislice")) == 4)
    pools = defaultdict(set)
    for pod in sets.pods("multislice"):
        pools[pod.metadata.labels["jobset.sigs.k8s.io/job-index"]].add(pool_of[pod.spec.node_name])
    assert sorted(map(sorted, pools.values())) == [["slice-0"], ["slice-1"]]
    assert len({pod.spec.node_name for pod in sets.pods("multislice")}) == 4, "one pod has all chips of a host"
    eventually(lambda: sets.completed("multislice"))


def test_the_controllers_webhooks_fill_in_and_refuse(sets: Sets) -> None:
    waiting = job_set("defaults")
    waiting["spec"]["suspend"] = True
    assert sets.create(waiting)["spec"]["network"]["enableDNSHostnames"] is True
    twice = job_set("twice")
    twice["spec"]["successPolicy"] = {"operator": "All", "targetReplicatedJobs": ["nobody"]}
    with pytest.raises(ApiException, match=r"(?s)denied the request.*nobody"):
        sets.create(twice)


def test_the_job_set_of_a_workload_is_taken_as_it_is(sets: Sets) -> None:
    """Unknown fields would be refused: what the pod template says, the API knows."""
    place = Placement("v6e", gcp_machines["ct6e-standard-4t"], 2, taint=Taint("google.com/tpu", "present"),
                      slices=Slices("tpu-v6e-slice", "2x4", hosts=2))  # fmt: skip
    job = Workload("job", "none", ["python"], 2, place, {"training/a.py": ""}, {}, Run(launcher="jobset", retries=1))
    spec = job.jobset_spec()
    spec["suspend"] = True
    body = {"apiVersion": JOBSET_API, "kind": "JobSet", "metadata": {"name": "workload"}, "spec": spec}
    found = sets.objects.create_namespaced_custom_object(
        GROUP, VERSION, "default", "jobsets", body, field_validation="Strict"
    )
    (replicated,) = found["spec"]["replicatedJobs"]
    assert replicated["template"]["spec"]["podFailurePolicy"]["rules"][1]["action"] == "FailJob"
    assert found["spec"]["failurePolicy"]["rules"][0]["action"] == "FailJobSet"


def test_a_killed_controller_comes_back_and_goes_on(tpus: Settings, sets: Sets) -> None:
    processes.kill(next(pid for pid, name in processes.ours(tpus).items() if name == "jobset"))
    supervisor.wait_ready(tpus, ["jobset"])
    sets.create(job_set("after", run_for="1s"))
    eventually(lambda: sets.completed("after"))


def test_the_webhooks_see_no_pods_but_those_of_job_sets(tpus: Settings) -> None:
    hooks: Any = client.AdmissionregistrationV1Api(connect(tpus))
    for configuration in (
        *hooks.list_mutating_webhook_configuration().items,
        *hooks.list_validating_webhook_configuration().items,
    ):
        for hook in configuration.webhooks:
            if any("pods" in rule.resources for rule in hook.rules):
                assert hook.object_selector.match_expressions, hook.name


def test_a_start_without_it_leaves_it_running(tpus: Settings) -> None:
    supervisor.start(tpus)
    assert next(one for one in supervisor.status(tpus) if one.name == "jobset").ready


def test_a_token_of_the_recorded_cluster_is_accepted_by_the_api_server(tpus: Settings) -> None:
    environment = os.environ | {"AIDC_STATE": str(tpus.state), "AIDC_PORT": str(tpus.port)}
    command = [sys.executable, "-m", "sandbox.gcp"]
    credential = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    configuration = client.Configuration()
    configuration.host, configuration.ssl_ca_cert = tpus.kubernetes_url, str(tpus.pki / "ca.crt")
    configuration.api_key = {"authorization": f"Bearer {credential['status']['token']}"}
    who: Any = client.AuthenticationV1Api(client.ApiClient(configuration))
    user = who.create_self_subject_review({}).status.user_info
    assert user.username == "owner@aidc-local.iam.gserviceaccount.com"
    assert "system:masters" in user.groups


def test_the_nodes_of_a_pool_go_with_its_record(tpus: Settings) -> None:
    store = Store.of(tpus)
    extra = recorded.pool("extra", "ct6e-standard-1t")
    store.add(extra)
    eventually(lambda: len(nodes(tpus)) == 5)
    store.remove(extra.type, extra.id)
    eventually(lambda: len(nodes(tpus)) == 4)


def test_a_third_slice_waits_for_a_free_pool(sets: Sets) -> None:
    sets.create(job_set("too-many", replicas=3, run_for="1h"))

    def placed_and_waiting() -> tuple[int, bool]:
        pods = sets.pods("too-many")
        conditions = [one for pod in pods if not pod.spec.node_name for one in pod.status.conditions or []]
        return sum(bool(pod.spec.node_name) for pod in pods), any(one.reason == "Unschedulable" for one in conditions)

    eventually(lambda: placed_and_waiting() == (4, True))
