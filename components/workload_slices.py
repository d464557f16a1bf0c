"""A job over TPU slices: how its pods know their place in a slice, and how a JobSet spans several. Pure.

Within a slice the runtime counts hosts by TPU_WORKER_ID and finds them by TPU_WORKER_HOSTNAMES; GKE gives the same to
pods of Indexed Jobs that ask for chips (GKE documentation, "Deploy TPU workloads"). Over several slices every slice is
a Job of its own in a JobSet, on hosts of one node pool, and libtpu's transport between slices (megascale) is told who
counts them (GKE documentation, "Deploy TPU Multislices"; jobset.sigs.k8s.io, "TPU Multislice Training").
"""

from __future__ import annotations

from typing import Any

from components.placement import NODE_POOL_LABEL, Placement

JOB_INDEX_ANNOTATION = "jobset.sigs.k8s.io/job-index"
SLICE_ID, WORKER_ID = "MEGASCALE_SLICE_ID", "TPU_WORKER_ID"
MEGASCALE_PORT = 8080


def spanned(placement: Placement, ranks: int, pods_per_node: int, launcher: str) -> int:
    """Slices that a job spans: one, unless it is a JobSet with pods for more."""
    slices = placement.slices
    if slices is None or slices.hosts == 1 or launcher != "jobset":
        return 1
    return max(ranks // (slices.hosts * pods_per_node), 1)


def variables(placement: Placement, host: str, slices: int) -> dict[str, str]:
    """For the pods of one job. `host` has `{slice}` and `{index}` where those of a pod stand."""
    hosts = placement.slices.hosts if placement.slices else placement.nodes
    if hosts == 1:
        return {"TPU_WORKER_HOSTNAMES": "localhost", WORKER_ID: "0", "JAX_PLATFORMS": "tpu"}
    own = f"$({SLICE_ID})" if slices > 1 else "0"
    names = ",".join(host.format(slice=own, index=index) for index in range(hosts))
    found = {"TPU_WORKER_HOSTNAMES": names, "JAX_PLATFORMS": "tpu"}
    if slices > 1:
        first = host.format(slice=0, index=0)
        found |= {
            "MEGASCALE_NUM_SLICES": str(slices),
            "MEGASCALE_COORDINATOR_ADDRESS": first,
            "MEGASCALE_PORT": str(MEGASCALE_PORT),
        }
    return found


def first_fields(slices: int) -> list[dict[str, Any]]:
    """What must be told before the variables, which refer to it: the slice of a pod."""
    if slices == 1:
        return []
    path = f"metadata.annotations['{JOB_INDEX_ANNOTATION}']"
    return [{"name": SLICE_ID, "valueFrom": {"fieldRef": {"fieldPath": path}}}]


def together(placement: Placement, labels: dict[str, str], launcher: str) -> dict[str, Any]:
    """Affinity that keeps the pods of a plain Job within one of several slices; a JobSet says it by an annotation."""
    slices = placement.slices
    if slices is None or slices.hosts == 1 or slices.count == 1 or launcher == "jobset":
        return {}
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": NODE_POOL_LABEL}
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def exclusive_topology(placement: Placement) -> str | None:
    """Label within which each Job of a JobSet stays alone: the node pool that is its slice."""
    return NODE_POOL_LABEL if placement.slices and placement.slices.hosts > 1 else None
