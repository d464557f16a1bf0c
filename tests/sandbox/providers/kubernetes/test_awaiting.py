"""Readiness on a real control plane with simulated nodes."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import processes
from sandbox.kubernetes.stages import EXIT_CODE, RUN_FOR
from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.providers.kubernetes.errors import ApiError
from sandbox.providers.kubernetes.readiness import waiting
from sandbox.settings import Settings
from tests.sandbox import emulated
from tests.sandbox.providers.kubernetes.engine_double import EngineDouble, Refused, Resource, Unfinished, later

pytestmark = pytest.mark.sandbox

JOB, DEPLOYMENT = "kubernetes:batch/v1:Job", "kubernetes:apps/v1:Deployment"
NOWHERE = {"no-such": "node"}


def pod(selector: dict[str, str], **annotations: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "nodeSelector": selector,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "c", "image": "one", "resources": {"requests": {"cpu": "0.10"}}}],
    }
    return {"metadata": {"labels": {"app": "web"}, "annotations": annotations}, "spec": spec}


def deployment(namespace: str, selector: dict[str, str], replicas: int = 2, **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace, "annotations": annotations},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pod(selector)},
    }


def pods(api: Cluster, namespace: str) -> list[dict[str, Any]]:
    return api.list("v1", "Pod", namespace)


def job(namespace: str, selector: dict[str, str], name: str = "j", **annotations: str) -> dict[str, Any]:
    template = pod(selector, **annotations)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"backoffLimit": 0, "template": template},
    }


class Clock:
    """The time of waits: it runs as it does, and can be put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def out_of_time(self, condition: Callable[[], Any]) -> threading.Thread:
        """End the waits once `condition` holds: what a wait sees before its end is then no matter of speed."""

        def run() -> None:
            try:
                emulated.eventually(condition)
            finally:
                self.ahead += 3600

        thread = threading.Thread(target=run)
        thread.start()
        return thread


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "time", made)
    return made


def test_a_deployment_is_created_and_rolled_out(
    provider: EngineDouble, api: Cluster, namespace: str, nodes: dict[str, str]
) -> None:
    held = deployment(namespace, nodes)
    held["spec"]["template"]["spec"]["schedulingGates"] = [{"name": "test/held"}]
    # Simulated pods can be ready before the first look; these start only once the wait has been told.
    started = later(
        lambda: any("0/2 Pods available" in line for line in provider.told) and len(pods(api, namespace)) == 2,
        lambda: [api.patch(one, [{"op": "remove", "path": "/spec/schedulingGates"}]) for one in pods(api, namespace)],
    )
    made = provider.create(DEPLOYMENT, "web", held)
    started.join()
    assert made.outputs["status"]["readyReplicas"] == 2
    assert provider.told[-1] == "", "the status line is cleared at the end"
    news = deployment(namespace, nodes, 3)
    news["spec"]["template"]["spec"]["containers"][0]["image"] = "two"
    assert provider.update(made, news)["status"]["updatedReplicas"] == 3
    assert provider.refresh(made)
    assert not provider.diff(made, news).detailedDiff, "0.10 CPU and 100m are the same"


def test_a_deployment_that_does_not_get_ready_is_kept_with_the_reasons_and_finished_by_the_next_update(
    provider: EngineDouble, api: Cluster, namespace: str, nodes: dict[str, str], clock: Clock
) -> None:
    inputs = deployment(namespace, NOWHERE, 1)
    ended = clock.out_of_time(
        lambda: (
            objects.condition(api.get(inputs) or {}, "Available").get("status") == "False"
            and any(objects.condition(one, "PodScheduled").get("message") for one in pods(api, namespace))
        )
    )
    with pytest.raises(Unfinished) as caught:
        provider.create(DEPLOYMENT, "web", inputs, timeout=600)
    ended.join()
    made, reasons = caught.value.resource, caught.value.reasons
    assert made.id == f"{namespace}/web"
    assert made.outputs["__inputs"]["spec"] == inputs["spec"]
    assert reasons[0] == f"Deployment {namespace}/web was created but is not ready: 'web' timed out waiting to be Ready"
    assert "Minimum number of live Pods was not attained" in reasons
    assert any("didn't match Pod's node affinity/selector" in line for line in reasons), reasons
    with pytest.raises(Unfinished, match=f"Deployment {namespace}/web is not ready"):
        provider.refresh(made)
    # The engine calls Update without a difference: it has to wait again.
    with pytest.raises(Unfinished, match="was updated but is not ready"):
        provider.update(made, inputs, timeout=0.5)
    assert provider.update(made, deployment(namespace, nodes, 1))["status"]["readyReplicas"] == 1
    assert provider.refresh(made)


def test_time_limits_and_skipping_come_from_annotations(provider: EngineDouble, namespace: str) -> None:
    with pytest.raises(Unfinished, match="timed out"):
        provider.create(JOB, "j", annotated(job(namespace, NOWHERE), objects.TIMEOUT_SECONDS, "1"))
    skipping = annotated(job(namespace, NOWHERE, "k"), objects.SKIP_AWAIT, "true")
    made = provider.create(JOB, "k", skipping)
    assert provider.refresh(made)


def annotated(inputs: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    result = copy.deepcopy(inputs)
    result["metadata"].setdefault("annotations", {})[key] = value
    return result


def test_a_job_is_waited_for_until_complete(provider: EngineDouble, namespace: str, nodes: dict[str, str]) -> None:
    made = provider.create(JOB, "j", job(namespace, nodes))
    assert made.outputs["status"]["succeeded"] == 1


def test_a_failed_job_is_kept_with_the_exit_codes_of_its_pods(
    provider: EngineDouble, namespace: str, nodes: dict[str, str]
) -> None:
    with pytest.raises(Unfinished) as caught:
        provider.create(JOB, "j", job(namespace, nodes, **{EXIT_CODE: "3", RUN_FOR: "200ms"}))
    reasons = caught.value.reasons
    assert reasons[0].startswith(f"Job {namespace}/j was created but is not ready: [BackoffLimitExceeded]")
    assert any('container "c" completed with exit code 3' in line for line in reasons), reasons


def test_a_job_whose_pods_are_refused_says_so(
    provider: EngineDouble, api: Cluster, namespace: str, clock: Clock
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    provider.create("kubernetes:core/v1:ResourceQuota", "q", quota | {"spec": {"hard": {"pods": "0"}}})
    bare_pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod"} | pod(NOWHERE)
    bare_pod["metadata"] |= {"name": "p", "namespace": namespace}

    def refused() -> bool:
        """The API server learns of a new quota and its use a moment later."""
        try:
            api.apply(bare_pod, "someone", dry_run=True)
        except ApiError as error:
            return "exceeded quota: q" in str(error)
        return False

    emulated.eventually(refused)
    ended = clock.out_of_time(
        lambda: any(event["reason"] == "FailedCreate" for event in api.list("v1", "Event", namespace))
    )
    with pytest.raises(Unfinished) as caught:
        provider.create(JOB, "j", job(namespace, NOWHERE), timeout=600)
    ended.join()
    assert any("[FailedCreate]" in line and "exceeded quota: q" in line for line in caught.value.reasons)


def test_cancel_ends_a_wait_and_keeps_the_object(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    inputs = job(namespace, NOWHERE)
    found: list[BaseException] = []

    def create() -> None:
        try:
            provider.create(JOB, "j", inputs)
        except Unfinished as error:
            found.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    emulated.eventually(lambda: api.get(inputs))
    provider.servicer.cancelled.set()
    thread.join(60)
    assert found and "Resource operation was cancelled for 'j'" in str(found[0])


def test_daemon_sets_and_stateful_sets_are_waited_for(
    provider: EngineDouble, namespace: str, nodes: dict[str, str]
) -> None:
    selector = {"matchLabels": {"app": "web"}}
    metadata = {"name": "d", "namespace": namespace}
    daemons = {"kind": "DaemonSet", "spec": {"selector": selector, "template": pod(nodes)}}
    made = provider.create(
        "kubernetes:apps/v1:DaemonSet", "d", {"apiVersion": "apps/v1", "metadata": metadata} | daemons
    )
    assert made.outputs["status"]["numberReady"] == 2
    stateful_spec = {"replicas": 2, "serviceName": "s", "selector": selector, "template": pod(nodes)}
    stateful = {"kind": "StatefulSet", "spec": stateful_spec}
    other = provider.create(
        "kubernetes:apps/v1:StatefulSet", "s", {"apiVersion": "apps/v1", "metadata": metadata} | stateful
    )
    assert other.outputs["status"]["readyReplicas"] == 2


def test_a_service_waits_for_its_pods_and_gets_an_address(
    provider: EngineDouble, namespace: str, nodes: dict[str, str]
) -> None:
    provider.create(DEPLOYMENT, "web", deployment(namespace, nodes))
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}, "spec": spec}
    made = provider.create("kubernetes:core/v1:Service", "s", service)
    assert made.outputs["spec"]["clusterIP"].startswith("10.")
    assert "[1/3] Finding Pods to direct traffic to" in provider.told
    assert provider.refresh(made)


def test_a_static_volume_and_its_claim_are_bound(provider: EngineDouble, namespace: str) -> None:
    name = f"pv-{namespace}"
    volume_spec = {
        "capacity": {"storage": "1200Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "csi": {"driver": "fsx.csi.aws.com", "volumeHandle": "fs-1"},
    }
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume_spec}
    pv = provider.create("kubernetes:core/v1:PersistentVolume", "pv", volume)
    claim_spec = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "",
        "volumeName": name,
        "resources": {"requests": {"storage": "1200Gi"}},
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": namespace}}
    pvc = provider.create("kubernetes:core/v1:PersistentVolumeClaim", "c", claim | {"spec": claim_spec})
    assert pvc.outputs["status"]["phase"] == "Bound"
    provider.delete(pvc)
    provider.delete(pv)


def test_a_claim_that_binds_later_is_not_waited_for(provider: EngineDouble, namespace: str) -> None:
    name = f"sc-{namespace}"
    storage_class = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    later = storage_class | {"provisioner": "fsx.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"}
    made = provider.create("kubernetes:storage.k8s.io/v1:StorageClass", "sc", later)
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": name, "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c", "namespace": namespace}}
    pvc = provider.create("kubernetes:core/v1:PersistentVolumeClaim", "c", claim | {"spec": spec})
    assert pvc.outputs["status"]["phase"] == "Pending"
    provider.delete(pvc)
    provider.delete(made)


def test_wait_for_waits_for_the_field_the_program_names(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": namespace, "annotations": {objects.WAIT_FOR: "jsonpath={.data.a}=done"}},
    }
    finish = later(lambda: api.get(inputs), lambda: api.apply(bare(inputs, {"a": "done"}), "someone"))
    made = provider.create("kubernetes:core/v1:ConfigMap", "x", inputs)
    finish.join()
    assert made.outputs["data"] == {"a": "done"}
    with pytest.raises(Refused, match='expected a "jsonpath=" or "condition=" prefix'):
        provider.create("kubernetes:core/v1:ConfigMap", "y", annotated(inputs, objects.WAIT_FOR, "Ready"))


def test_a_wait_survives_a_restart_of_the_api_server(
    provider: EngineDouble, api: Cluster, cloud: Settings, namespace: str
) -> None:
    metadata = {"name": "x", "namespace": namespace, "annotations": {objects.WAIT_FOR: "jsonpath={.data.a}=done"}}
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    def interrupt() -> None:
        processes.kill(next(pid for pid, name in processes.ours(cloud).items() if name == "apiserver"))
        emulated.eventually(lambda: api.apply(bare(inputs, {"a": "done"}), "someone"))

    # Only once the creation is answered and the wait has begun: an interrupted creation fails, and may.
    finish = later(lambda: any("Waiting for {.data.a}" in line for line in provider.told), interrupt)
    made = provider.create("kubernetes:core/v1:ConfigMap", "x", inputs)
    finish.join()
    assert made.outputs["data"] == {"a": "done"}


def bare(inputs: dict[str, Any], data: dict[str, str]) -> dict[str, Any]:
    metadata = {key: inputs["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_job_that_failed_is_replaced_by_another_one(
    provider: EngineDouble, namespace: str, nodes: dict[str, str]
) -> None:
    failing = job(namespace, nodes, **{EXIT_CODE: "1", RUN_FOR: "100ms"})
    with pytest.raises(Unfinished) as caught:
        provider.create(JOB, "j", failing)
    made: Resource = caught.value.resource
    made.inputs = provider.check(JOB, "j", failing, made.inputs)
    answer = provider.diff(made, job(namespace, nodes))
    assert list(answer.replaces) == ["spec"] and answer.deleteBeforeReplace
    provider.delete(made)
    assert provider.create(JOB, "j", job(namespace, nodes)).outputs["status"]["succeeded"] == 1
