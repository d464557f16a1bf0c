"""What a node of an EC2 instance type offers to pods: capacity and, after what the kubelet keeps back, allocatable.

Machine figures come from the catalog; how much a kubelet keeps back is the formula of the EKS AMIs (nodeadm). Memory
capacity is the nominal size: the few percent that the hypervisor takes differ by type and are not published.
"""

from __future__ import annotations

import math

from catalog.instance import Instance

EFA_RESOURCE = "vpc.amazonaws.com/efa"
HUGE_PAGES = "hugepages-2Mi"
EFA_HUGE_PAGES_MIB = 5128 * 2
"""Pages of 2 MiB that the EFA driver reserves at boot where an EFA interface is attached.
https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html (read 2026-11)"""
DEFAULT_DISK_GIB = 20
"""Root volume of a managed node group that names none. https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html"""
EVICTION_MIB, SYSTEM_DISK_GIB = 100, 1
MIB_PER_GIB = 1024


def max_pods(vcpus: int) -> int:
    """Pods per node: 110 below 30 vCPUs, else 250, the limits that EKS recommends with prefix delegation.

    https://docs.aws.amazon.com/eks/latest/best-practices/prefix-mode-linux.html. Without it the limit depends on the
    addresses per interface, which the catalog does not hold.
    """
    return 110 if vcpus < 30 else 250


def reserved_cpu_millis(vcpus: int) -> float:
    """CPU that the kubelet keeps: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest.

    https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go.
    """
    parts = (10.0,) * 6  # of the first core, in thousandths
    return sum(parts) + 10 * min(1, max(0, vcpus - 1)) + 5 * min(2, max(0, vcpus - 2)) + 2.5 * max(0, vcpus - 4)


def reserved_memory_mib(vcpus: int) -> int:
    """Memory that the kubelet keeps: 255 MiB and 11 MiB per pod it may run (nodeadm), and what triggers eviction."""
    return 255 + 11 * max_pods(vcpus) + EVICTION_MIB


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
