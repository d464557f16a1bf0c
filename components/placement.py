"""Where a workload may run and what it may ask for: a pool as seen from a pod. Pure.

A pod that takes a whole share of a node cannot run beside a stranger, and one that asks for all fabric interfaces
cannot fall back to TCP: where they are missing it stays pending.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from catalog import limits
from catalog.gcp_machine import GcpMachine
from catalog.instance import Instance

POOL_LABEL = "dc/pool"
FILE_SYSTEM_LABEL = "dc/file-system"
"""Nodes whose pods can mount the parallel file system; its driver finds them by it."""
TPU_ACCELERATOR_LABEL, TPU_TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-accelerator", "cloud.google.com/gke-tpu-topology"
"""By these GKE finds the slices that a pod asks for (GKE documentation, "Deploy TPU workloads")."""
NODE_POOL_LABEL = "cloud.google.com/gke-nodepool"
"""Same for all hosts of a slice, different between slices."""
EFA_RESOURCE = "vpc.amazonaws.com/efa"
HUGEPAGES_RESOURCE = "hugepages-2Mi"
HUGEPAGES_POD_MIB = 5120
"""What AWS's own NCCL jobs ask for, about half of what the EFA driver sets aside (catalog limit efa-hugepages-2mi)."""
PAGE_MIB = 2
CPU_SHARE, MEMORY_SHARE = 0.85, 0.8
"""What is left to workloads after kubelet, system daemons and daemon sets; checked against EKS's reservation formula
(awslabs/amazon-eks-ami, nodeadm: 255 MiB + 11 MiB per pod; 60 to 80 millicores and more on large nodes)."""

UNKNOWN_CPU, UNKNOWN_MEMORY = "4", "16384Mi"
"""Asked for on machines whose size is not known (TPU v4 hosts): little enough for any; their chips keep others off."""


@dataclass(frozen=True)
class Taint:
    """A taint that keeps strangers off a node."""

    key: str
    value: str


@dataclass(frozen=True)
class Slices:
    """TPU slices of a pool: hosts whose chips are wired to each other. One slice is one node pool of GKE."""

    accelerator: str
    """Value of the node label cloud.google.com/gke-tpu-accelerator."""
    topology: str
    """Value of the node label cloud.google.com/gke-tpu-topology: 4x4."""
    hosts: int
    """Nodes of one slice."""
    count: int = 1
    """Slices of the pool."""

    @property
    def labels(self) -> dict[str, str]:
        return {TPU_ACCELERATOR_LABEL: self.accelerator, TPU_TOPOLOGY_LABEL: self.topology}


@dataclass(frozen=True)
class HostFolder:
    """A folder of the node that a pod needs: libraries that a daemon put there."""

    name: str
    path: str
    mount: str | None
    """Where the job's container sees it; None: only a sidecar does."""
    writable: bool = False


@dataclass(frozen=True)
class Placement:
    """A pool of equal nodes."""

    pool: str
    instance: Instance | GcpMachine
    nodes: int
    """Nodes wanted now."""
    efa_interfaces: int = 0
    taint: Taint | None = None
    mounts_file_system: bool = False
    file_system_over_efa: bool = False
    """Whether its nodes can reach the file system through EFA: their type can, and it stands in their zone."""
    slices: Slices | None = None
    """None: the accelerators are no TPUs."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """What a pod must carry to get the node's GPU networks."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables by which a pod finds the fabric's libraries."""
    setup: str = ""
    """Line of bash that sets further variables before a pod's program starts; the image then needs bash."""
    host_folders: tuple[HostFolder, ...] = ()
    """Folders that a pod mounts; its namespace must then allow them (`pod_security`)."""
    sidecars: tuple[Mapping[str, Any], ...] = ()
    """Containers that must run beside the job's, such as the receiver of a GPU network; they end with it."""

    @property
    def vendor(self) -> str | None:
        """Vendor of the accelerators; None without any."""
        return self.instance.accelerator.vendor if self.instance.accelerator else None

    @property
    def selector(self) -> dict[str, str]:
        return {POOL_LABEL: self.pool} | (self.slices.labels if self.slices else {})

    @property
    def pod_security(self) -> Literal["restricted", "privileged"]:
        """Pod security level that a namespace of this pool's pods needs: only `privileged` lets folders of the node in
        (Kubernetes documentation, "Pod Security Standards")."""
        return "privileged" if self.host_folders else "restricted"

    @property
    def tolerations(self) -> list[dict[str, str]]:
        if self.taint is None:
            return []
        return [{"key": self.taint.key, "operator": "Equal", "value": self.taint.value, "effect": "NoSchedule"}]

    def pods_per_node(self, pods: int) -> int:
        """How many of so many pods stand on one node when they are spread evenly."""
        return math.ceil(pods / max(self.nodes, 1))

    def share(self, pods_per_node: int = 1) -> dict[str, str]:
        """Resources of one pod when `pods_per_node` share a node evenly. Requests equal limits.

        Raises ValueError when devices cannot be divided evenly.
        """
        devices = self._devices()
        for resource, count in devices.items():
            if count % pods_per_node:
                raise ValueError(f"{count} {resource} cannot be divided among {pods_per_node} pods")
        reserved = (limits["efa-hugepages-2mi"].maximum or 0) * PAGE_MIB if self.hugepages else 0
        vcpus, memory_gib = self.instance.vcpus, self.instance.memory_gib
        share = {
            "cpu": UNKNOWN_CPU if vcpus is None else f"{int(vcpus * 1000 * CPU_SHARE / pods_per_node)}m",
            "memory": UNKNOWN_MEMORY
            if memory_gib is None
            else f"{int((memory_gib * 1024 - reserved) * MEMORY_SHARE / pods_per_node)}Mi",
        }
        if self.hugepages:
            share[HUGEPAGES_RESOURCE] = f"{HUGEPAGES_POD_MIB // pods_per_node}Mi"
        return share | {resource: str(count // pods_per_node) for resource, count in devices.items()}

    @property
    def hugepages(self) -> bool:
        """Whether fabric memory comes from 2 MiB pages; AWS's own jobs for Grace nodes (arm64) ask for none."""
        return self.efa_interfaces > 0 and self.instance.arch == "x86_64"

    def _devices(self) -> dict[str, int]:
        accelerator = self.instance.accelerator
        devices = {accelerator.resource_name: accelerator.count} if accelerator else {}
        return devices | ({EFA_RESOURCE: self.efa_interfaces} if self.efa_interfaces else {})
