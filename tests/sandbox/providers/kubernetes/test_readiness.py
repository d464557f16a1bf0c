"""When objects count as ready, and what is said of those that are not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sandbox.providers.kubernetes import objects, readiness
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.readiness import basics, jobs, pods, services, workloads
from sandbox.providers.kubernetes.readiness.custom import wait_for
from sandbox.providers.kubernetes.readiness.progress import Progress


class Around:
    """Surroundings made of given objects."""

    def __init__(self, *around: Object, before: Object | None = None, stable: float = 99.0) -> None:
        self.before, self._around, self._stable = before, around, stable

    def list(self, version: str, kind: str, **query: str) -> list[Object]:
        return [one for one in self._around if one["kind"] == kind]

    def find(self, version: str, kind: str, name: str) -> Object | None:
        return next((one for one in self.list(version, kind) if objects.name(one) == name), None)

    def stable_for(self, view: object) -> float:
        return self._stable


def conditions(**given: str | tuple[str, str, str]) -> list[dict[str, str]]:
    found = []
    for own_type, value in given.items():
        status, reason, message = (value, "", "") if isinstance(value, str) else value
        found.append({"type": own_type, "status": status, "reason": reason, "message": message})
    return found


def obj(kind: str, name: str = "x", owner: Object | None = None, **rest: Any) -> Object:
    metadata: dict[str, Any] = {"name": name, "namespace": "a", "uid": f"{kind}/{name}", "generation": 1}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner["metadata"]["uid"]}]
    metadata |= rest.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **rest}


# Deployments.


def deployment(revision: str = "1", available: Any = "True", progressing: Any = "True", **rest: Any) -> Object:
    annotations = {workloads.REVISION: revision}
    status = {"observedGeneration": 1, "conditions": conditions(Available=available, Progressing=progressing)}
    return obj("Deployment", metadata={"annotations": annotations}, status=status, **rest)


def replica_set(owner: Object, revision: str = "1", replicas: int = 2, ready: int = 2) -> Object:
    metadata = {"annotations": {workloads.REVISION: revision}}
    spec, status = {"replicas": replicas}, {"readyReplicas": ready}
    return obj("ReplicaSet", f"x-{revision}", owner, metadata=metadata, spec=spec, status=status)


def test_a_new_deployment_is_ready_when_available_with_all_pods_ready() -> None:
    live = deployment()
    assert workloads.deployment(live, Around(replica_set(live))).ready
    assert not workloads.deployment(live, Around(replica_set(live, ready=1))).ready
    assert not workloads.deployment(deployment(available="False"), Around(replica_set(live))).ready
    assert not workloads.deployment(live, Around()).ready


def test_an_updated_deployment_is_ready_when_its_newest_replica_set_is() -> None:
    done = ("True", "NewReplicaSetAvailable", "")
    live = deployment("2", progressing=done)
    old, new = replica_set(live, "1", 0, 0), replica_set(live, "2")
    assert workloads.deployment(live, Around(old, new)).ready
    rolling = deployment("2", progressing=("True", "ReplicaSetUpdated", ""))
    assert not workloads.deployment(rolling, Around(replica_set(rolling, "2"))).ready, "old pods are still going"
    progress = workloads.deployment(rolling, Around(replica_set(rolling, "1"), replica_set(rolling, "2", 2, 1)))
    assert not progress.ready
    assert progress.status == "Waiting for app ReplicaSet to be available (1/2 Pods available)"


def test_the_status_of_an_older_generation_says_nothing() -> None:
    live = deployment()
    live["metadata"]["generation"] = 2
    assert not workloads.deployment(live, Around(replica_set(live))).ready


def test_a_deployment_past_its_progress_deadline_has_failed() -> None:
    late = ("False", "ProgressDeadlineExceeded", "ReplicaSet x has timed out progressing.")
    live = deployment(progressing=late, available=("False", "MinimumReplicasUnavailable", "no"))
    current = replica_set(live, ready=0)
    pod = obj(
        "Pod", "p", current, status={"conditions": conditions(PodScheduled=("False", "Unschedulable", "no nodes"))}
    )
    progress = workloads.deployment(live, Around(current, pod))
    assert progress.failed
    assert progress.problems == [
        "[ProgressDeadlineExceeded] ReplicaSet x has timed out progressing.",
        "[MinimumReplicasUnavailable] no",
        "Minimum number of live Pods was not attained",
        "[Pod a/p]: no nodes",
    ]


def test_pods_that_may_not_be_made_are_a_reason() -> None:
    live = deployment(available="False")
    live["status"]["conditions"] += conditions(ReplicaFailure=("True", "FailedCreate", "exceeded quota"))
    assert "[FailedCreate] exceeded quota" in workloads.deployment(live, Around()).problems


def test_a_deployment_waits_for_the_claims_it_mounts() -> None:
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    live = deployment(spec={"template": {"spec": {"volumes": volumes}}})
    claim = obj("PersistentVolumeClaim", "data", status={"phase": "Pending"})
    other = obj("PersistentVolumeClaim", "other", status={"phase": "Pending"})
    progress = workloads.deployment(live, Around(replica_set(live), claim, other))
    assert not progress.ready and "Failed to bind PersistentVolumeClaim(s): data" in progress.problems
    claim["status"]["phase"] = "Bound"
    assert workloads.deployment(live, Around(replica_set(live), claim, other)).ready


def test_a_deployment_scaled_to_zero_is_ready() -> None:
    live = deployment()
    current = replica_set(live, replicas=0, ready=0)
    del current["status"]["readyReplicas"]
    assert workloads.deployment(live, Around(current)).ready


# DaemonSets and StatefulSets.

DAEMONS = {
    "observedGeneration": 1,
    "desiredNumberScheduled": 2,
    "currentNumberScheduled": 2,
    "updatedNumberScheduled": 2,
    "numberAvailable": 2,
    "numberReady": 2,
}


@pytest.mark.parametrize(
    ("field", "word"),
    [("currentNumberScheduled", "Current"), ("updatedNumberScheduled", "Updated"), ("numberAvailable", "Available")],
)
def test_a_daemon_set_needs_a_good_pod_on_every_node(field: str, word: str) -> None:
    assert workloads.daemon_set(obj("DaemonSet", status=DAEMONS), Around()).ready
    progress = workloads.daemon_set(obj("DaemonSet", status=DAEMONS | {field: 1}), Around())
    assert (progress.ready, progress.status) == (False, f"{word}: 1/2")


def test_a_daemon_set_without_nodes_is_ready_once_it_was_looked_at() -> None:
    nobody = dict.fromkeys(DAEMONS, 0) | {"observedGeneration": 1}
    assert workloads.daemon_set(obj("DaemonSet", status=nobody), Around()).ready
    assert not workloads.daemon_set(obj("DaemonSet", status={}), Around()).ready


def stateful(generation: int = 1, **status: Any) -> Object:
    base = {"observedGeneration": generation, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2}
    revisions = {"currentRevision": "r1", "updateRevision": "r1"}
    metadata = {"generation": generation}
    return obj("StatefulSet", metadata=metadata, spec={"replicas": 2}, status=base | revisions | status)


def test_a_stateful_set_needs_all_replicas_at_the_newest_revision() -> None:
    assert workloads.stateful_set(stateful(), Around()).ready
    starting = workloads.stateful_set(stateful(replicas=1, readyReplicas=1, currentReplicas=1), Around())
    assert starting.status == "[1/2] Waiting for StatefulSet to create Pods (1/2 Pods ready)"
    assert starting.problems == ["1 out of 2 replicas succeeded readiness checks"]
    rolling = workloads.stateful_set(stateful(2, updateRevision="r2", updatedReplicas=1, currentReplicas=1), Around())
    assert rolling.status == "[1/3] Waiting for StatefulSet update to roll out (1/2 Pods ready)"
    assert 'failed to advance from revision "r1" to revision "r2"' in rolling.problems[-1]
    last = workloads.stateful_set(stateful(2, updateRevision="r2", updatedReplicas=2), Around())
    assert last.status == "[2/3] Waiting for StatefulSet to update .status.currentRevision"


def test_a_stateful_set_updated_on_delete_needs_its_replicas_only() -> None:
    live = stateful(2, updateRevision="r2", currentReplicas=0)
    live["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert workloads.stateful_set(live, Around()).ready


# Jobs and pods.


def test_a_job_is_ready_when_complete() -> None:
    assert not jobs.job(obj("Job", status={}), Around()).ready
    running = jobs.job(obj("Job", status={"startTime": "t", "active": 1}), Around())
    assert running.status == 'Waiting for Job "a/x" to succeed (Active: 1, Succeeded: 0, Failed: 0)'
    assert jobs.job(obj("Job", status={"startTime": "t", "conditions": conditions(Complete="True")}), Around()).ready


@pytest.mark.parametrize("reason", ["BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "FailedIndexes"])
def test_a_failed_job_ends_the_wait_and_says_why_its_pods_failed(reason: str) -> None:
    failed = conditions(Failed=("True", reason, "it is over"))
    live = obj("Job", status={"startTime": "t", "conditions": failed})
    state = {"name": "c", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    pod = obj("Pod", "p", live, status={"phase": "Failed", "containerStatuses": [state]})
    progress = jobs.job(live, Around(pod))
    assert progress.failed
    assert progress.problems == [f"[{reason}] it is over", '[Pod a/p]: container "c" completed with exit code 3']


def pod(phase: str = "Running", **given: Any) -> Object:
    return obj("Pod", "p", status={"phase": phase, "conditions": conditions(**given)})


def test_a_pod_is_ready_when_scheduled_initialized_and_ready_or_done() -> None:
    ready = {"PodScheduled": "True", "Initialized": "True", "Ready": "True"}
    assert pods.pod(pod(**ready), Around()).ready
    assert pods.pod(pod("Succeeded", **ready | {"Ready": "False"}), Around()).ready
    for missing, word in (("PodScheduled", "scheduled"), ("Initialized", "initialized"), ("Ready", "ready")):
        progress = pods.pod(pod(**ready | {missing: "False"}), Around())
        assert (progress.ready, progress.status) == (False, f'Waiting for Pod "a/p" to be {word}')


def test_a_pod_that_failed_for_good_ends_the_wait() -> None:
    live = pod("Failed")
    live["status"]["reason"] = "Evicted"
    progress = pods.pod(live, Around())
    assert progress.failed and progress.problems == ["[Pod a/p]: Evicted"]


def test_the_reasons_of_waiting_and_failed_containers_are_shown_once() -> None:
    pull = "rpc error: code = Unknown desc = Error response from daemon: no such image: manifest unknown"
    waiting = {"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff", "message": pull}}}
    creating = {"name": "b", "state": {"waiting": {"reason": "ContainerCreating"}}}
    crashed = {
        "name": "c",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"finishedAt": "t", "reason": "OOMKilled", "exitCode": 137}},
    }
    live = obj("Pod", "p", status={"containerStatuses": [waiting, creating, crashed]})
    assert pods.all_problems([live, copy.deepcopy(live)]) == [
        "[Pod a/p]: [ImagePullBackOff] no such image",
        "[Pod a/p]: [CrashLoopBackOff] back-off",
        '[Pod a/p]: container "c" terminated at t (OOMKilled: exit code 137)',
    ]


# Services and volumes.


def service(**spec: Any) -> Object:
    return obj("Service", spec={"selector": {"a": "b"}, "clusterIP": "10.0.0.1", **spec}, status={})


def endpoints(*ready: bool) -> Object:
    return obj(
        "EndpointSlice",
        endpoints=[{"addresses": [f"10.1.0.{i}"], "conditions": {"ready": one}} for i, one in enumerate(ready)],
    )


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}, {"selector": {}}])
def test_services_that_need_no_pods_are_ready_at_once(spec: dict) -> None:
    assert services.service(service(**spec), Around()).ready


def test_a_service_waits_for_its_endpoints_to_settle_and_be_ready() -> None:
    live = service()
    assert not services.service(live, Around()).ready
    assert not services.service(live, Around(endpoints(True), stable=0)).ready
    assert services.service(live, Around(endpoints(True, True))).ready
    assert not services.service(live, Around(endpoints(True, False))).ready
    progress = services.service(live, Around(endpoints(False)))
    assert progress.status == "[1/3] Finding Pods to direct traffic to"
    assert "does not target any Pods" in progress.problems[0]


def test_a_load_balancer_needs_an_address() -> None:
    live = service(type="LoadBalancer")
    progress = services.service(live, Around(endpoints(True)))
    assert progress.status == "[2/3] Attempting to allocate IP address to Service"
    assert progress.problems == ["Service was not allocated an IP address; does your cloud provider support this?"]
    live["status"] = {"loadBalancer": {"ingress": [{"hostname": "h"}]}}
    assert services.service(live, Around(endpoints(True))).ready


def test_a_claim_is_ready_when_bound_or_when_binding_waits_for_a_pod() -> None:
    late = obj("StorageClass", "late", volumeBindingMode="WaitForFirstConsumer")
    pending = obj("PersistentVolumeClaim", spec={"storageClassName": "late"}, status={"phase": "Pending"})
    assert basics.persistent_volume_claim(pending, Around(late)).ready
    now = obj("StorageClass", "late", volumeBindingMode="Immediate")
    assert not basics.persistent_volume_claim(pending, Around(now)).ready
    bound = pending | {"status": {"phase": "Bound"}}
    assert basics.persistent_volume_claim(bound, Around(now)).ready
    missing = basics.persistent_volume_claim(pending, Around())
    assert 'getting storageclass "late": not found' in missing.problems


@pytest.mark.parametrize(
    ("check", "live", "ready"),
    [
        (basics.persistent_volume, obj("PersistentVolume", status={"phase": "Available"}), True),
        (basics.persistent_volume, obj("PersistentVolume", status={"phase": "Pending"}), False),
        (basics.resource_quota, obj("ResourceQuota", spec={"hard": {"a": 1}}, status={"hard": {"a": 1}}), True),
        (basics.resource_quota, obj("ResourceQuota", spec={"hard": {"a": 1}}, status={}), False),
        (basics.secret, obj("Secret", type="Opaque"), True),
        (basics.secret, obj("Secret", type="kubernetes.io/service-account-token"), False),
        (basics.secret, obj("Secret", type="kubernetes.io/service-account-token", data={"token": "x"}), True),
        (basics.namespace, obj("Namespace", status={"phase": "Active"}), True),
        (basics.namespace, obj("Namespace", status={"phase": "Terminating"}), False),
        (basics.definition, obj("CRD", status={"conditions": conditions(Established="True")}), True),
        (basics.definition, obj("CRD", status={}), False),
        (workloads.replication_controller, obj("RC", spec={"replicas": 1}, status={"observedGeneration": 1}), False),
    ],
)
def test_simple_kinds_are_ready_by_their_status(check: Any, live: Object, ready: bool) -> None:
    assert check(live, Around()).ready is ready


def test_a_definition_whose_names_are_taken_has_failed() -> None:
    taken = conditions(NamesAccepted=("False", "ListKindConflict", "already in use"))
    progress = basics.definition(obj("CRD", status={"conditions": taken}), Around())
    assert progress.failed and progress.problems == ["already in use"]


# Rules, annotations, times.


def annotated(version: str = "batch/v1", kind: str = "Job", **annotations: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "annotations": annotations}}


def test_a_kind_without_a_rule_is_ready_at_once() -> None:
    assert readiness.rule(annotated("v1", "ConfigMap")) is None
    assert readiness.rule(annotated("example.com/v1", "Job")) is None
    assert readiness.rule(annotated()) is not None


def test_skip_await_waits_for_nothing() -> None:
    assert readiness.rule(annotated(**{objects.SKIP_AWAIT: "true"})) is None
    assert readiness.rule(annotated(**{objects.SKIP_AWAIT: "false"})) is not None


def test_the_time_limit_comes_from_the_option_then_the_annotation_then_the_kind() -> None:
    inputs = annotated(**{objects.TIMEOUT_SECONDS: "30"})
    assert readiness.seconds(inputs, 5.0, 600) == 5
    assert readiness.seconds(inputs, 0.0, 600) == 30
    assert readiness.seconds(annotated(**{objects.TIMEOUT_SECONDS: "soon"}), 0.0, 600) == 600


def holds(expression: str, status: Any, **metadata: Any) -> Progress:
    return wait_for(expression)({"metadata": metadata, "status": status}, Around())


def test_wait_for_conditions_and_paths() -> None:
    status = {"phase": "Up", "n": 3, "flag": True, "conditions": conditions(Ready="True", Bad="False")}
    assert holds("condition=Ready", status).ready
    assert holds("condition=ready=true", status).ready
    assert holds("condition=Bad=False", status).ready
    assert not holds("condition=Bad", status).ready
    assert holds("jsonpath={.status.phase}=Up", status).ready
    assert holds("jsonpath={.status.n}=3", status).ready
    assert holds("jsonpath={.status.flag}=true", status).ready
    assert holds('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', status).ready
    assert holds("jsonpath={.status.phase}", status).ready
    assert not holds("jsonpath={.status.nothing}", status).ready
    assert not holds('["condition=Ready", "jsonpath={.status.phase}=Down"]', status).ready
    assert holds('["condition=Ready", "jsonpath={.status.phase}=Up"]', status).ready


def test_wait_for_does_not_believe_a_condition_about_an_older_generation() -> None:
    status = {"observedGeneration": 1, "phase": "Up", "conditions": conditions(Ready="True")}
    assert not holds("condition=Ready", status, generation=2).ready
    assert not holds("jsonpath={.status.phase}=Up", status, generation=2).ready


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("Ready", 'expected a "jsonpath=" or "condition=" prefix'),
        ("[]", "at least one condition"),
        ("jsonpath=.status.phase=Up", "should be wrapped in brackets"),
        ("jsonpath={.status.[}", "is not a JSONPath"),
    ],
)
def test_a_wait_for_that_cannot_be_understood_says_so(expression: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        wait_for(expression)
