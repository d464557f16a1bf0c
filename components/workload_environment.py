"""Environment variables of a job by its accelerators, and how many processes a pod starts. Pure.

What the libraries set well by themselves is left alone: NCCL_PROTO, NCCL_BUFFSIZE, NCCL_MIN_CHANNELS (the OFI plugin
sets them by instance type), FI_PROVIDER for NCCL (plugins newer than 1.5 choose it), FI_EFA_USE_DEVICE_RDMA with NCCL
(libfabric 1.18 and newer), FI_EFA_FORK_SAFE (kernels from 5.15), RDMAV_* (aws-ofi-nccl, doc/efa-env-var.md;
awslabs/awsome-distributed-training, EFA cheat sheet).
"""

from __future__ import annotations

from components.placement import Placement

NVIDIA = {
    # An exclusion list: naming one interface breaks the bootstrap on machines whose primary one is called otherwise.
    "NCCL_SOCKET_IFNAME": "^lo,docker,veth",
    "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
    "TORCH_NCCL_TRACE_BUFFER_SIZE": "2000",
    "PYTORCH_ALLOC_CONF": "expandable_segments:True",
}
PCIE_FAMILIES = ("g5", "g6", "g6e", "gr6")
"""GPUs without NVLink: shared memory is twice as fast when CUDA copies (EFA cheat sheet)."""
NEURON_EFA = {"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1", "FI_EFA_FORK_SAFE": "1"}
"""Neuron documentation, "Setup EFA": unlike NCCL's plugin its runtime wants to be told."""


def variables(placement: Placement, pods_per_node: int, host: str) -> dict[str, str]:
    """For one job. `host` has `{index}` where the index of a pod stands: its name among the pods."""
    if placement.vendor == "nvidia":
        slow = {"NCCL_SHM_USE_CUDA_MEMCPY": "1"} if placement.instance.family in PCIE_FAMILIES else {}
        return NVIDIA | slow
    if placement.vendor == "aws":
        cores = processes(placement, pods_per_node)
        rdma = NEURON_EFA if placement.efa_interfaces else {}
        return rdma | {
            "NEURON_RT_NUM_CORES": str(cores),
            "NEURON_RT_ROOT_COMM_ID": f"{host.format(slice=0, index=0)}:62182",
            "MALLOC_ARENA_MAX": "64",
        }
    if placement.vendor == "google":
        return {}  # a matter of slices: `workload_slices`
    return {"OMP_NUM_THREADS": "1"}


def processes(placement: Placement, pods_per_node: int) -> int:
    """Processes that a pod starts: one an accelerator, one a NeuronCore; with JAX on TPUs one for all."""
    accelerator = placement.instance.accelerator
    if accelerator is None or placement.vendor == "google":
        return 1
    each = accelerator.neuron_cores or 1 if placement.vendor == "aws" else 1
    return max(accelerator.count // pods_per_node, 1) * each
