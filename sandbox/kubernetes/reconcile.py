"""From what should be to what is: create, correct and remove the simulated Node objects.

A node is replaced (removed with its pods and made anew) when its cloud would replace the machine; labels, taints and
resources of a living node are corrected in place, as EKS does for changed labels and taints of a group.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from sandbox.kubernetes.connection import TIMEOUT
from sandbox.kubernetes.nodegroups import DesiredNode, Inventory
from sandbox.kubernetes.stages import SIMULATED_LABEL, SIMULATED_SELECTOR, SIMULATED_VALUE

GENERATION = "sandbox.dc/generation"
CONTENT = "sandbox.dc/content"
CLUSTER_LABEL = "sandbox.dc/cluster"
GROUP_LABELS = ("eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool")
WORKERS = 8


class Reconciler:
    """Makes the cluster's simulated nodes equal to those of an inventory."""

    def __init__(self, api: client.ApiClient, log: Callable[[str], None]) -> None:
        self._core: Any = client.CoreV1Api(api)  # its types want model objects; it takes plain data as well
        self._log = log

    def run(self, inventory: Inventory, wanted: Iterable[DesiredNode]) -> int:
        """One round; returns how many nodes it touched. Raises what the Kubernetes client raises, when it is down."""
        desired = {node.name: node for node in wanted}
        present = {node["metadata"]["name"]: node for node in self._nodes()}
        gone = [name for name, node in present.items() if name not in desired and _group(node) not in inventory.unknown]
        stale = [
            name for name, node in present.items() if name in desired and _differs(node, desired[name], GENERATION)
        ]
        self._each(self._remove, [*gone, *stale])
        missing = [node for name, node in desired.items() if name not in present or name in stale]
        self._each(self._create, missing)
        changed = [
            (present[name], node)
            for name, node in desired.items()
            if name in present and name not in stale and _differs(present[name], node, CONTENT)
        ]
        self._each(self._correct, changed)
        return len(gone) + len(missing) + len(changed)

    def _nodes(self) -> list[dict[str, Any]]:
        answer = self._core.list_node(
            label_selector=SIMULATED_SELECTOR, _preload_content=False, _request_timeout=TIMEOUT
        )
        return json.loads(answer.data)["items"]

    def _each(self, act: Callable[[Any], None], items: list[Any]) -> None:
        """A new group of a hundred nodes should not take a hundred round trips one after the other."""
        if items:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(act, items))

    def _create(self, node: DesiredNode) -> None:
        try:
            self._core.create_node(body(node), _request_timeout=TIMEOUT)
            self._log(f"node {node.name}: made ({node.instance_type}, group {node.group})")
        except ApiException as problem:
            if problem.status != 409:
                raise
            # Not listed as ours, so someone else's node has this name: leave it.
            self._log(f"node {node.name}: a node of this name exists and is not simulated; left alone")

    def _remove(self, name: str) -> None:
        """No new pods, then no pods, then no node: a pod left behind would be counted as running for ever."""
        _unless_gone(lambda: self._core.patch_node(name, {"spec": {"unschedulable": True}}, _request_timeout=TIMEOUT))
        pods = self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}", _request_timeout=TIMEOUT)
        for pod in pods.items:
            _unless_gone(
                lambda pod=pod: self._core.delete_namespaced_pod(
                    pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0, _request_timeout=TIMEOUT
                )
            )
        _unless_gone(lambda: self._core.delete_node(name, _request_timeout=TIMEOUT))
        self._log(f"node {name}: removed with {len(pods.items)} pods")

    def _correct(self, pair: tuple[dict[str, Any], DesiredNode]) -> None:
        present, node = pair
        wanted = body(node)
        have = present["metadata"].get("labels") or {}
        # Labels that Kubernetes' own controllers add stay; the group's old ones are known from the annotation.
        old = json.loads(present["metadata"]["annotations"].get(CONTENT, "{}")).get("labels", [])
        labels = {key: None for key in old if key in have and key not in wanted["metadata"]["labels"]}
        taints = [t for t in present["spec"].get("taints") or [] if t["key"].startswith("node.kubernetes.io/")]
        patch = {
            "metadata": {
                "labels": {**labels, **wanted["metadata"]["labels"]},
                "annotations": wanted["metadata"]["annotations"],
            },
            "spec": {"taints": taints + wanted["spec"]["taints"]},
        }
        _unless_gone(lambda: self._core.patch_node(node.name, patch, _request_timeout=TIMEOUT))
        status = {"capacity": wanted["status"]["capacity"], "allocatable": wanted["status"]["allocatable"]}
        _unless_gone(lambda: self._core.patch_node_status(node.name, {"status": status}, _request_timeout=TIMEOUT))
        self._log(f"node {node.name}: corrected to its group's labels, taints and resources")


def body(node: DesiredNode) -> dict[str, Any]:
    """The Node object, as its kubelet would register it: with status in the same request."""
    labels = {**node.labels, SIMULATED_LABEL: SIMULATED_VALUE, CLUSTER_LABEL: node.cluster}
    taints = list(node.taints)
    content = json.dumps({"hash": _hash([labels, taints, node.capacity, node.allocatable]), "labels": sorted(labels)})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": labels,
            "annotations": {GENERATION: node.generation, CONTENT: content},
        },
        "spec": {"providerID": node.provider_id, "taints": taints},
        "status": {
            "capacity": node.capacity,
            "allocatable": node.allocatable,
            "nodeInfo": {
                "architecture": node.architecture,
                "operatingSystem": "linux",
                **dict.fromkeys(
                    ("bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion",
                     "machineID", "osImage", "systemUUID"), "",
                ),
            },
        },
    }  # fmt: skip


def _differs(present: dict[str, Any], node: DesiredNode, annotation: str) -> bool:
    have = present["metadata"].get("annotations") or {}
    return have.get(annotation) != body(node)["metadata"]["annotations"][annotation]


def _group(present: dict[str, Any]) -> str:
    labels = present["metadata"].get("labels") or {}
    return next((labels[name] for name in GROUP_LABELS if name in labels), "")


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _unless_gone(act: Callable[[], object]) -> None:
    try:
        act()
    except ApiException as problem:
        if problem.status != 404:
            raise
