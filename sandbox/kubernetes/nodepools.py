"""The nodes that recorded GKE node pools ask for: names, labels, taints, resources.

One TPU node pool of several hosts is one slice: all its nodes carry the slice's topology and share the pool's label, so
the real scheduler can keep a job in it. What a node offers is its machine type's size in the catalog less what GKE
keeps back. Pools whose machine the catalog does not know in full get no nodes, and `Inventory.unknown` says why.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog import gcp_machines, tpus
from catalog.gcp_machine import GcpMachine
from sandbox.gcp.store import Recorded, Store
from sandbox.kubernetes.capacity import MIB_PER_GIB, limit, reserved_cpu_millis
from sandbox.kubernetes.nodegroups import ARCHITECTURES, POOL_LABEL, TAINT_EFFECTS, DesiredNode, Inventory
from sandbox.settings import Settings

NODE_POOL, POLICY = "gcp:container/nodePool:NodePool", "gcp:compute/resourcePolicy:ResourcePolicy"
NODE_POOL_LABEL = "cloud.google.com/gke-nodepool"
TPU, GPU = "google.com/tpu", "nvidia.com/gpu"
DEFAULT_DISK_GB, DEFAULT_PODS = limit("gke-node-disk"), limit("gke-max-pods")
EVICTION_MIB, LOCAL_SSD_GB = limit("gke-kubelet-eviction-memory"), limit("gce-local-ssd")
MEMORY_STEPS = ((4, 0.25), (8, 0.20), (16, 0.10), (128, 0.06), (math.inf, 0.02))
"""GiB up to which GKE keeps this part back for itself.
https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes#memory_and_cpu_reservations"""


def add(result: Inventory, settings: Settings, store: Store | None = None) -> None:
    """Add the nodes of every recorded pool to an inventory."""
    store = store or _store(settings)
    for entry in store.of_type(NODE_POOL):
        inputs, name = entry.inputs, str(entry.inputs["name"])
        machine_type = str((inputs.get("nodeConfig") or {}).get("machineType") or "e2-medium")
        if machine_type not in gcp_machines:
            result.unknown[name] = f"the catalog has no Google machine type {machine_type}"
            continue
        machine = gcp_machines[machine_type]
        if machine.vcpus is None or machine.memory_gib is None:
            result.unknown[name] = f"the catalog does not know the size of {machine_type}"
            continue
        for index, zone in enumerate(_places(entry)):
            result.nodes.append(_node(entry, machine, index, zone, topology(store, inputs, machine_type)))


@dataclass(frozen=True)
class Pool:
    """What people want to know of a recorded pool. `label` is its name in the stack file."""

    name: str
    cluster: str
    location: str
    label: str | None


def pools(settings: Settings) -> list[Pool]:
    """Every recorded pool, oldest first."""
    return [
        Pool(
            str(entry.inputs["name"]),
            str(entry.inputs["cluster"]).rpartition("/")[2],
            str(entry.state.get("location") or ""),
            ((entry.inputs.get("nodeConfig") or {}).get("labels") or {}).get(POOL_LABEL),
        )
        for entry in _store(settings).of_type(NODE_POOL)
    ]


@functools.cache
def _store(settings: Settings) -> Store:
    """One for a process: it remembers what it has read."""
    return Store.of(settings)


def _places(entry: Recorded) -> list[str]:
    """The zone of every node: so many in each zone of the pool, or in all together where autoscaling counts so."""
    inputs = entry.inputs
    location = str(entry.state.get("location") or "")
    zones = list(inputs.get("nodeLocations") or []) or [location if location.count("-") == 2 else f"{location}-a"]
    scaling = inputs.get("autoscaling") or {}
    each = inputs.get("nodeCount", inputs.get("initialNodeCount"))
    if each is None:
        total = scaling.get("totalMinNodeCount")
        if total is not None:
            return [zones[index % len(zones)] for index in range(int(total))]
        each = scaling.get("minNodeCount", 0)
    return [zone for zone in sorted(zones) for _ in range(int(each))]


def topology(store: Store, inputs: Mapping[str, Any], machine_type: str) -> str | None:
    """The topology of a TPU pool: its own, its workload policy's, or that of the machine alone. None without TPUs."""
    if machine_type not in tpus:
        return None
    placement = inputs.get("placementPolicy") or {}
    if placement.get("tpuTopology"):
        return str(placement["tpuTopology"])
    named = str(placement.get("policyName") or "").rpartition("/")[2]
    for policy in store.of_type(POLICY):
        if named and policy.id.rpartition("/")[2] == named:
            return (policy.inputs.get("workloadPolicy") or {}).get("acceleratorTopology")
    return next(iter(tpus[machine_type].single_host), None)


def reserved_memory_mib(memory_gib: float) -> float:
    """Memory that GKE keeps: a part that shrinks with the size, and what triggers eviction."""
    kept, below = 0.0, 0.0
    for end, part in MEMORY_STEPS:
        kept += part * max(0.0, min(memory_gib, end) - below)
        below = end
    return kept * MIB_PER_GIB + EVICTION_MIB


def _node(entry: Recorded, machine: GcpMachine, index: int, zone: str, shape: str | None) -> DesiredNode:
    inputs, config = entry.inputs, entry.inputs.get("nodeConfig") or {}
    cluster = str(inputs["cluster"]).rpartition("/")[2]
    pool = str(inputs["name"])
    name = f"gke-{cluster}-{pool}"[:48].rstrip("-") + f"-{_digest(entry.id)[:8]}-{index}"
    architecture = ARCHITECTURES[machine.arch]
    taints = [_taint(one) for one in config.get("taints") or []]
    if machine.accelerator and all(taint["key"] != machine.accelerator.resource_name for taint in taints):
        taints.append({"key": machine.accelerator.resource_name, "value": "present", "effect": "NoSchedule"})
    offered = _capacity(machine, config, inputs)
    return DesiredNode(
        name=name,
        cluster=cluster,
        group=pool,
        pool=(config.get("labels") or {}).get(POOL_LABEL),
        instance_type=machine.name,
        provider_id=f"gce://{entry.state.get('project')}/{zone}/{name}",
        architecture=architecture,
        labels={
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture,
            "node.kubernetes.io/instance-type": machine.name,
            "topology.kubernetes.io/region": zone.rpartition("-")[0],
            "topology.kubernetes.io/zone": zone,
            "cloud.google.com/machine-family": machine.name.partition("-")[0],
            NODE_POOL_LABEL: pool,
            **_accelerator_labels(machine, config, shape),
            **(config.get("labels") or {}),
        },
        taints=tuple(taints),
        capacity=offered,
        allocatable=_allocatable(machine, offered),
        generation=_digest(entry.id, entry.created, machine.name, inputs.get("placementPolicy"), config.get("spot")),
    )


def _accelerator_labels(machine: GcpMachine, config: Mapping[str, Any], shape: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    if machine.name in tpus:
        found["cloud.google.com/gke-tpu-accelerator"] = tpus[machine.name].accelerator_label
        if shape:
            found["cloud.google.com/gke-tpu-topology"] = shape
    elif machine.accelerator:
        given = next((one["type"] for one in config.get("guestAccelerators") or []), machine.gke_accelerator)
        found |= {"cloud.google.com/gke-accelerator": given} if given else {}
    if machine.accelerator:
        found["cloud.google.com/gke-accelerator-count"] = str(machine.accelerator.count)
    for key, label in (("spot", "gke-spot"), ("flexStart", "gke-flex-start")):
        found |= {f"cloud.google.com/{label}": "true"} if config.get(key) else {}
    return found


def _capacity(machine: GcpMachine, config: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, str]:
    assert machine.memory_gib is not None  # the caller looked
    ssds = (config.get("ephemeralStorageLocalSsdConfig") or {}).get("localSsdCount") or 0
    disk = ssds * LOCAL_SSD_GB or config.get("diskSizeGb") or DEFAULT_DISK_GB
    found = {
        "cpu": f"{round((machine.vcpus or 0) * 1000)}m",
        "memory": f"{round(machine.memory_gib * MIB_PER_GIB)}Mi",
        "ephemeral-storage": f"{math.floor(disk * 1000**3 / 1024**3)}Gi",
        "pods": str(inputs.get("maxPodsPerNode") or DEFAULT_PODS),
    }
    return found | ({machine.accelerator.resource_name: str(machine.accelerator.count)} if machine.accelerator else {})


def _allocatable(machine: GcpMachine, offered: dict[str, str]) -> dict[str, str]:
    memory = (machine.memory_gib or 0) * MIB_PER_GIB - reserved_memory_mib(machine.memory_gib or 0)
    vcpus = math.ceil(machine.vcpus or 0)
    disk = int(offered["ephemeral-storage"].removesuffix("Gi"))
    return offered | {
        "cpu": f"{math.floor((machine.vcpus or 0) * 1000 - reserved_cpu_millis(vcpus))}m",
        "memory": f"{max(0, math.floor(memory))}Mi",
        # A tenth for eviction; for the system half of the disk, 6 GiB and 35 % of it, or 100 GiB: the least of them.
        "ephemeral-storage": f"{max(0, math.floor(disk * 0.9 - min(disk * 0.5, 6 + disk * 0.35, 100)))}Gi",
    }


def _taint(taint: Mapping[str, str]) -> dict[str, str]:
    effect = TAINT_EFFECTS[taint["effect"]]
    return {"key": taint["key"], "effect": effect} | ({"value": taint["value"]} if taint.get("value") else {})


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
