"""Where a workload may run and what it may ask for: a pool as seen from a pod. Pure.

A pod that takes a whole share of a node cannot run beside a stranger, and one that asks for all fabric interfaces
cannot fall back to TCP: where they are missing it stays pending.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog import limits
from catalog.instance import Instance

POOL_LABEL = "dc/pool"
EFA_RESOURCE = "vpc.amazonaws.com/efa"
HUGEPAGES_RESOURCE = "hugepages-2Mi"
HUGEPAGES_POD_MIB = 5120
"""What AWS's own NCCL jobs ask for, about half of what the EFA driver sets aside (catalog limit efa-hugepages-2mi)."""
PAGE_MIB = 2
CPU_SHARE, MEMORY_SHARE = 0.85, 0.8
"""What is left to workloads after kubelet, system daemons and daemon sets; checked against EKS's reservation formula
(awslabs/amazon-eks-ami, nodeadm: 255 MiB + 11 MiB per pod; 60 to 80 millicores and more on large nodes)."""


@dataclass(frozen=True)
class Taint:
    """A taint that keeps strangers off a node."""

    key: str
    value: str


@dataclass(frozen=True)
class Placement:
    """A pool of equal nodes."""

    pool: str
    instance: Instance
    nodes: int
    """Nodes wanted now."""
    efa_interfaces: int = 0
    taint: Taint | None = None
    mounts_file_system: bool = False

    @property
    def vendor(self) -> str | None:
        """Vendor of the accelerators; None without any."""
        return self.instance.accelerator.vendor if self.instance.accelerator else None

    @property
    def selector(self) -> dict[str, str]:
        return {POOL_LABEL: self.pool}

    @property
    def tolerations(self) -> list[dict[str, str]]:
        if self.taint is None:
            return []
        return [{"key": self.taint.key, "operator": "Equal", "value": self.taint.value, "effect": "NoSchedule"}]

    def share(self, pods_per_node: int = 1) -> dict[str, str]:
        """Resources of one pod when `pods_per_node` share a node evenly. Requests equal limits.

        Raises ValueError when devices cannot be divided evenly.
        """
        devices = self._devices()
        for resource, count in devices.items():
            if count % pods_per_node:
                raise ValueError(f"{count} {resource} cannot be divided among {pods_per_node} pods")
        reserved = (limits["efa-hugepages-2mi"].maximum or 0) * PAGE_MIB if self.hugepages else 0
        memory_mib = int((self.instance.memory_gib * 1024 - reserved) * MEMORY_SHARE / pods_per_node)
        share = {
            "cpu": f"{int(self.instance.vcpus * 1000 * CPU_SHARE / pods_per_node)}m",
            "memory": f"{memory_mib}Mi",
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
