"""The node's own objects in the API: Node, its heartbeat, and its removal.

Pure parts (`DesiredNode` + machine -> Node object) and the calls that keep the API in step with them. Leaves out: which
nodes there should be (sandbox/kubernetes/nodegroups.py, or names given on the command line).
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.kubernetes.nodegroups import BENCH_POOL, POOL_LABEL, DesiredNode
from sandbox.node.api import Api, Object, Refused
from sandbox.node.launch import now
from sandbox.node.linux import boot_id
from sandbox.node.status import HOST_ADDRESS

LEASE_SECONDS = 40
HEARTBEAT_SECONDS = 10.0
"""The kubelet's figures for its lease."""
KEPT = ("cpu", "memory", "ephemeral-storage", "pods")
"""Resources a process node offers: no accelerators, EFA interfaces or huge pages, whatever the instance type has."""
DRIVER_LABEL = "dc/file-system"
"""By it the driver of the parallel file system finds its nodes."""
AGENT_LABEL = "sandbox.dc/process-node"
"""Which agent plays a node: two agents beside each other must not remove each other's nodes."""
GENERATION = "sandbox.dc/generation"
MACHINE = "sandbox.dc/machine"
NETWORK = "sandbox.dc/pod-network"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MAX_PODS = "110"


@dataclass(frozen=True)
class Machine:
    """The machine that plays the nodes."""

    cpus: int
    memory_mib: int
    disk_mib: int

    @classmethod
    def this(cls, state: Path) -> Machine:
        """This machine; the disk is what is free where the state folder lies."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        disk = os.statvfs(state)
        return cls(os.cpu_count() or 1, memory >> 20, disk.f_bavail * disk.f_frsize >> 20)

    @property
    def resources(self) -> dict[str, str]:
        """All of it, as Kubernetes quantities."""
        return {"cpu": str(self.cpus), "memory": f"{self.memory_mib}Mi", "ephemeral-storage": f"{self.disk_mib}Mi"}

    def __str__(self) -> str:
        return f"{self.cpus} CPUs, {self.memory_mib >> 10} GiB memory"


def named(name: str, machine: Machine) -> DesiredNode:
    """A node given by name on the command line, as large as the machine."""
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        POOL_LABEL: BENCH_POOL,
    }
    size = machine.resources | {"pods": MAX_PODS}
    taints = ({"key": POOL_LABEL, "value": BENCH_POOL, "effect": "NoSchedule"},)
    return DesiredNode(name, "", "", BENCH_POOL, "", "", architecture, labels, taints, size, size, "")


def without_devices(node: DesiredNode) -> DesiredNode:
    """The node without what this machine does not have.

    CPUs and memory stay those of the instance type, also where the machine has less: a job written for the instance
    type must find its place. Time is shared, so pods only get slower; memory is what pods really use, not what they
    ask for, and the machine's own is told in an annotation. Nor does it call for the driver of the file system: a
    folder stands in for that.
    """

    def kept(resources: dict[str, str]) -> dict[str, str]:
        return {name: resources[name] for name in KEPT if name in resources}

    labels = {name: value for name, value in node.labels.items() if name != DRIVER_LABEL}
    return replace(node, labels=labels, capacity=kept(node.capacity), allocatable=kept(node.allocatable))


def conditions(network_problem: str | None) -> list[Object]:
    """A healthy node's conditions. Shared networking is no fault of the node; it is told in the Ready message."""
    time = now()
    message = network_problem or "pods have networks of their own"
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    found = [
        {"type": "Ready", "status": "True", "reason": "ProcessNodeReady", "message": message},
        *({"type": kind, "status": "False", "reason": "NotMeasured", "message": "not measured"} for kind in pressures),
    ]
    return [one | {"lastHeartbeatTime": time, "lastTransitionTime": time} for one in found]


@dataclass(frozen=True)
class Player:
    """The agent, as its nodes show it."""

    name: str
    machine: Machine
    port: int
    """Of the kubelet endpoint."""
    network_problem: str | None


def node_object(node: DesiredNode, player: Player) -> Object:
    """The Node, as a kubelet would register it."""
    unknown = ("machineID", "systemUUID", "kubeProxyVersion")
    addresses = [{"type": "InternalIP", "address": HOST_ADDRESS}, {"type": "Hostname", "address": node.name}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": node.labels | {AGENT_LABEL: player.name},
            "annotations": {
                GENERATION: node.generation,
                MACHINE: str(player.machine),
                NETWORK: "shared" if player.network_problem else "private",
            },
        },
        "spec": {"taints": list(node.taints)} | ({"providerID": node.provider_id} if node.provider_id else {}),
        "status": {
            "capacity": node.capacity,
            "allocatable": node.allocatable,
            "conditions": conditions(player.network_problem),
            "addresses": addresses,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": player.port}},
            "nodeInfo": dict.fromkeys(unknown, "")
            | {
                "bootID": boot_id(),
                "kernelVersion": platform.release(),
                "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
                "operatingSystem": "linux",
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "containerRuntimeVersion": "process://1",
                "kubeletVersion": "process-node-1",
            },
        },
    }


class Registration:
    """One node's objects. Every method raises ApiError."""

    def __init__(self, api: Api, node: DesiredNode, player: Player) -> None:
        self.node = node
        self._api = api
        self._object = node_object(node, player)
        self._path, self._lease = _node_path(node.name), _lease_path(node.name)

    def register(self) -> None:
        """Create the node, or bring what is there up to date."""
        wanted = self._object
        try:
            self._api.create("/api/v1/nodes", wanted)
        except Refused as problem:
            if problem.status != 409:
                raise
            own = {"metadata": {key: wanted["metadata"][key] for key in ("labels", "annotations")}}
            self._api.patch(self._path, own | {"spec": {"taints": wanted["spec"]["taints"], "unschedulable": None}})
        self._api.patch(f"{self._path}/status", {"status": wanted["status"]})

    def heartbeat(self) -> None:
        """Renew the lease; register anew when somebody removed the node."""
        if self._api.find(self._path) is None:
            self.register()
        spec = {"holderIdentity": self.node.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now()}
        body: Object = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}
        try:
            self._api.patch(self._lease, {"spec": spec})
        except Refused as problem:
            if problem.status != 404:
                raise
            name = {"metadata": {"name": self.node.name, "namespace": "kube-node-lease"}}
            self._api.create(self._lease.rpartition("/")[0], body | name)


def registered(api: Api, player: Player) -> set[str]:
    """Names of this agent's nodes that the API has, also those from before it was restarted. Raises ApiError."""
    listed = api.list("/api/v1/nodes", labelSelector=f"{AGENT_LABEL}={player.name}")
    return {node["metadata"]["name"] for node in listed["items"]}


def close_down(api: Api, name: str) -> None:
    """Let no new pods in. Raises ApiError."""
    if api.find(_node_path(name)) is not None:
        api.patch(_node_path(name), {"spec": {"unschedulable": True}})


def remove(api: Api, name: str) -> None:
    """Raises ApiError."""
    api.delete(_node_path(name))
    api.delete(_lease_path(name))


def _node_path(name: str) -> str:
    return f"/api/v1/nodes/{name}"


def _lease_path(name: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"
