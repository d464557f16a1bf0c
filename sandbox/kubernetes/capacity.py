"""What a node of an EC2 instance type offers to pods: capacity and, after what the kubelet keeps back, allocatable.

Machine figures come from the catalog; how much a kubelet keeps back is the formula of the EKS AMIs (nodeadm). Memory
capacity is the nominal size: the few percent that the hypervisor takes differ by type and are not published.
"""

from __future__ import annotations

import math

from catalog import limits
from catalog.instance import Instance

EFA_RESOURCE = "vpc.amazonaws.com/efa"
HUGE_PAGES = "hugepages-2Mi"
PAGE_MIB, MIB_PER_GIB = 2, 1024
SYSTEM_DISK_GIB = 1
"""What the kubelet keeps of the disk beside its share for eviction."""


def limit(name: str) -> int:
    """A limit of the catalog that is one number."""
    found = limits[name].maximum
    assert found is not None, name
    return int(found)


EFA_HUGE_PAGES_MIB = limit("efa-hugepages-2mi") * PAGE_MIB
DEFAULT_DISK_GIB = limit("eks-node-disk")


def max_pods(vcpus: int) -> int:
    """Pods per node: what EKS recommends with prefix delegation (catalog limits eks-max-pods).

    Without it the limit depends on the addresses per interface, which the catalog does not hold.
    """
    return limit("eks-max-pods-small") if vcpus <= limit("eks-small-node") else limit("eks-max-pods")


def reserved_cpu_millis(vcpus: int) -> float:
    """CPU that the kubelet keeps: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest.

    https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go.
    """
    parts = (10.0,) * 6  # of the first core, in thousandths
    return sum(parts) + 10 * min(1, max(0, vcpus - 1)) + 5 * min(2, max(0, vcpus - 2)) + 2.5 * max(0, vcpus - 4)


def reserved_memory_mib(vcpus: int) -> int:
    """Memory that the kubelet keeps: a base a part for each pod it may run, and what triggers eviction."""
    kept = limit("eks-kubelet-memory") + limit("eks-kubelet-memory-per-pod") * max_pods(vcpus)
    return kept + limit("eks-kubelet-eviction-memory")


def capacity(instance: Instance, efa_interfaces: int, disk_gib: float) -> dict[str, str]:
    """Kubernetes quantities by resource name. `efa_interfaces` is what the launch template attaches."""
    found = {
        "cpu": str(instance.vcpus),
        "memory": f"{round(instance.memory_gib * MIB_PER_GIB)}Mi",
        "ephemeral-storage": f"{math.floor(disk_gib)}Gi",
        "pods": str(max_pods(instance.vcpus)),
    }
    return found | _devices(instance, efa_interfaces)


def allocatable(instance: Instance, efa_interfaces: int, disk_gib: float) -> dict[str, str]:
    """What pods may request of `capacity`."""
    pages = EFA_HUGE_PAGES_MIB if efa_interfaces else 0
    memory = round(instance.memory_gib * MIB_PER_GIB) - reserved_memory_mib(instance.vcpus) - pages
    found = {
        "cpu": f"{math.floor(instance.vcpus * 1000 - reserved_cpu_millis(instance.vcpus))}m",
        "memory": f"{max(0, memory)}Mi",
        # The kubelet evicts when less than a tenth of the disk is free.
        "ephemeral-storage": f"{max(0, math.floor(disk_gib * 0.9) - SYSTEM_DISK_GIB)}Gi",
        "pods": str(max_pods(instance.vcpus)),
    }
    return found | _devices(instance, efa_interfaces)


def _devices(instance: Instance, efa_interfaces: int) -> dict[str, str]:
    """Extended resources, as the device plugins would report them, and huge pages."""
    found: dict[str, str] = {}
    if instance.accelerator:
        found[instance.accelerator.resource_name] = str(instance.accelerator.count)
    if efa_interfaces:
        found[EFA_RESOURCE] = str(efa_interfaces)
        found[HUGE_PAGES] = f"{EFA_HUGE_PAGES_MIB}Mi"
    return found
