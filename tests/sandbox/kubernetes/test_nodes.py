from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from catalog import instances
from sandbox import processes
from sandbox.settings import Settings
from tests.sandbox.emulated import Cluster, eventually

Nodes = Callable[[str], list[dict[str, Any]]]
pytestmark = pytest.mark.sandbox


def ready(nodes: list[dict[str, Any]]) -> list[str]:
    return sorted(
        node["metadata"]["name"]
        for node in nodes
        for condition in node["status"].get("conditions") or []
        if (condition["type"], condition["status"]) == ("Ready", "True")
    )


def taints(node: dict[str, Any]) -> list[dict[str, Any]]:
    return node["spec"].get("taints") or []


def job(name: str, pods: int, requests: dict[str, str], **annotations: str) -> dict[str, Any]:
    template = {
        "metadata": {"annotations": annotations},
        "spec": {
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "image": "none", "resources": {"limits": requests}}],
        },
    }
    spec = {"completions": pods, "parallelism": pods, "completionMode": "Indexed", "backoffLimit": 0}
    return {"metadata": {"name": name}, "spec": {**spec, "template": template}}


def pods(core: Any, namespace: str, name: str) -> list[Any]:
    return core.list_namespaced_pod(namespace, label_selector=f"job-name={name}").items


def test_a_node_group_brings_ready_nodes_and_takes_them_away(cluster: Cluster, group_nodes: Nodes) -> None:
    group = cluster.group("plain", 2, labels={"team": "research"}, taints=[{"key": "spare", "effect": "NO_SCHEDULE"}])
    eventually(lambda: ready(group_nodes(group)) == [f"{group}-0", f"{group}-1"])
    # The controller manager takes its own not-ready taint away a moment later.
    eventually(lambda: taints(group_nodes(group)[0]) == [{"key": "spare", "effect": "NoSchedule"}])
    node = group_nodes(group)[0]
    assert node["metadata"]["labels"]["team"] == "research"
    assert node["status"]["capacity"]["cpu"] == str(instances["m7i.large"].vcpus)
    cluster.eks.delete_nodegroup(clusterName=cluster.name, nodegroupName=group)
    eventually(lambda: group_nodes(group) == [])


def test_the_pool_of_the_process_node_gets_no_simulated_nodes(cluster: Cluster, core: Any, group_nodes: Nodes) -> None:
    bench = cluster.group("bench", 1, labels={"dc/pool": "bench"})
    other = cluster.group("other", 1)
    eventually(lambda: ready(group_nodes(other)))
    assert not [node for node in group_nodes(bench) if "sandbox.dc/node" in node["metadata"]["labels"]]


def test_scaling_a_group_adds_and_removes_nodes_with_their_pods(
    cluster: Cluster, core: Any, group_nodes: Nodes, namespace: str
) -> None:
    group = cluster.group("scaled", 3)
    eventually(lambda: len(ready(group_nodes(group))) == 3)
    batch: Any = client.BatchV1Api(core.api_client)
    spread = job("spread", 3, {"cpu": "1200m"}, **{"sandbox.dc/run-for": "1h"})
    spread["spec"]["template"]["spec"]["nodeSelector"] = {"eks.amazonaws.com/nodegroup": group}
    batch.create_namespaced_job(namespace, spread)
    eventually(lambda: {pod.status.phase for pod in pods(core, namespace, "spread")} == {"Running"})
    cluster.eks.update_nodegroup_config(
        clusterName=cluster.name, nodegroupName=group, scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 1}
    )
    eventually(lambda: ready(group_nodes(group)) == [f"{group}-0"])
    eventually(lambda: {p.spec.node_name for p in pods(core, namespace, "spread")} <= {f"{group}-0", None})
    cluster.eks.update_nodegroup_config(
        clusterName=cluster.name, nodegroupName=group, scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 2}
    )
    eventually(lambda: ready(group_nodes(group)) == [f"{group}-0", f"{group}-1"])


def test_changed_labels_and_taints_reach_living_nodes(cluster: Cluster, group_nodes: Nodes) -> None:
    group = cluster.group("labels", 1, labels={"old": "1", "kept": "1"})
    eventually(lambda: ready(group_nodes(group)))
    before = group_nodes(group)[0]["metadata"]["uid"]
    cluster.eks.update_nodegroup_config(
        clusterName=cluster.name,
        nodegroupName=group,
        labels={"addOrUpdateLabels": {"new": "2"}, "removeLabels": ["old"]},
        taints={"addOrUpdateTaints": [{"key": "busy", "effect": "NO_SCHEDULE"}]},
    )
    eventually(lambda: group_nodes(group)[0]["metadata"]["labels"].get("new") == "2")
    node = group_nodes(group)[0]
    assert node["metadata"]["uid"] == before
    assert node["metadata"]["labels"]["kept"] == "1"
    assert "old" not in node["metadata"]["labels"]
    assert "kubernetes.io/hostname" in node["metadata"]["labels"]
    eventually(lambda: taints(group_nodes(group)[0]) == [{"key": "busy", "effect": "NoSchedule"}])


def test_a_node_that_someone_deleted_comes_back(cluster: Cluster, core: Any, group_nodes: Nodes) -> None:
    group = cluster.group("deleted", 1)
    eventually(lambda: ready(group_nodes(group)))
    before = group_nodes(group)[0]["metadata"]["uid"]
    core.delete_node(f"{group}-0")
    eventually(lambda: ready(group_nodes(group)) and group_nodes(group)[0]["metadata"]["uid"] != before)


def test_a_job_that_fills_four_nodes_leaves_a_fifth_pod_pending_with_the_reason(
    cluster: Cluster, core: Any, group_nodes: Nodes, namespace: str
) -> None:
    group = cluster.efa_group("h100", 4)
    eventually(lambda: len(ready(group_nodes(group))) == 4)
    batch: Any = client.BatchV1Api(core.api_client)
    whole_node = {"nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "32"}
    batch.create_namespaced_job(namespace, job("nccl", 5, whole_node, **{"sandbox.dc/run-for": "1h"}))

    def running() -> list[str]:
        return sorted(pod.spec.node_name for pod in pods(core, namespace, "nccl") if pod.status.phase == "Running")

    eventually(lambda: running() == [f"{group}-{index}" for index in range(4)])

    def reasons() -> list[str]:
        """Of each pod that waits: what the scheduler says, or nothing yet."""
        waiting = [pod.status.conditions or [] for pod in pods(core, namespace, "nccl") if not pod.spec.node_name]
        return [next((one.message for one in each if one.reason == "Unschedulable"), "") for each in waiting]

    (text,) = eventually(lambda: [reason for reason in reasons() if reason])
    assert "Insufficient nvidia.com/gpu" in text
    assert "Insufficient vpc.amazonaws.com/efa" in text


def test_jobs_on_simulated_nodes_end_and_can_be_told_to_fail(
    cluster: Cluster, core: Any, group_nodes: Nodes, namespace: str
) -> None:
    group = cluster.group("ends", 1)
    eventually(lambda: ready(group_nodes(group)))
    batch: Any = client.BatchV1Api(core.api_client)
    good = job("good", 2, {"cpu": "100m"})
    bad = job("bad", 1, {"cpu": "100m"}, **{"sandbox.dc/exit-code": "7"})
    for one in (good, bad):  # not on a node of another test that is about to go
        one["spec"]["template"]["spec"]["nodeSelector"] = {"eks.amazonaws.com/nodegroup": group}
        batch.create_namespaced_job(namespace, one)
    eventually(lambda: batch.read_namespaced_job("good", namespace).status.succeeded == 2)
    eventually(lambda: batch.read_namespaced_job("bad", namespace).status.failed == 1)
    [pod] = pods(core, namespace, "bad")
    assert pod.status.container_statuses[0].state.terminated.exit_code == 7
    assert "no program ran" in core.read_namespaced_pod_log(pod.metadata.name, namespace)


def test_the_nodes_follow_after_the_api_server_and_their_daemon_were_killed(
    cloud: Settings, cluster: Cluster, group_nodes: Nodes
) -> None:
    kept = cluster.group("kept", 1)
    eventually(lambda: ready(group_nodes(kept)))
    before = group_nodes(kept)[0]["metadata"]["uid"]
    doomed = [pid for pid, name in processes.ours(cloud).items() if name in ("apiserver", "nodes")]
    for pid in doomed:
        processes.kill(pid)
    later = cluster.group("later", 1)
    eventually(lambda: ready(group_nodes(later)))
    assert group_nodes(kept)[0]["metadata"]["uid"] == before
