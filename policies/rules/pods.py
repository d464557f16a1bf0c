"""Pods as rules see them: the pod template of every kind of workload, its containers, what they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from .model import Reading, Resource, View, any_of, independently

POD = "kubernetes:core/v1:Pod"
CRON_JOB = "kubernetes:batch/v1:CronJob"
JOB = "kubernetes:batch/v1:Job"
DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
PODS: Final = (
    POD,
    "kubernetes:apps/v1:Deployment",
    DAEMON_SET,
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:ReplicaSet",
    "kubernetes:core/v1:ReplicationController",
    JOB,
    CRON_JOB,
)
DRIVERS: Final = (
    "kube-system/*device-plugin*",
    "kube-system/fsx-csi-*",
    "kube-system/ebs-csi-*",
    "kube-system/efs-csi-*",
    "kube-system/s3-csi-*",
    "kube-system/*dranet*",
    "kube-system/neuron-*",
    "kube-system/*nccl-*",
    "gpu-operator/*",
    "nvidia-*/*",
    "*/dcgm-exporter*",
)
"""Namespaces and names of daemons that drive hardware and cannot do so without rights on the node."""
EFA = "vpc.amazonaws.com/efa"
ACCELERATORS = ("nvidia.com/gpu", "nvidia.com/mig-", "aws.amazon.com/neuron", "amd.com/gpu", "google.com/tpu")
CLAIMED = re.compile(r"gpu|tpu|neuron|nvidia|accelerator|\bmig\b", re.IGNORECASE)
"""Names of resource claims that are for accelerators; other claims are for network cards and the like."""
_UNITS = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "m": 1e-3,
}


def template(workload: Resource) -> str:
    """Path of the object that holds the pod's metadata and spec."""
    if workload.type == POD:
        return ""
    return "spec.jobTemplate.spec.template." if workload.type == CRON_JOB else "spec.template."


def spec(workload: Resource) -> View:
    """The pod's spec."""
    return workload.view(f"{template(workload)}spec")


def metadata(workload: Resource) -> View:
    """The pod's metadata."""
    return workload.view(f"{template(workload)}metadata")


def containers(workload: Resource, *, starting: bool = True) -> Iterator[View]:
    """The containers, with those that run before them unless `starting` is false."""
    pod = spec(workload)
    yield from independently(pod.views("containers"), *([pod.views("initContainers")] if starting else []))


def name(container: Reading) -> str:
    """What a message calls a container."""
    return f"container {container.inputs.get('name', '?')}"


def exempt(workload: Resource, patterns: Sequence[str]) -> bool:
    """Whether a workload is a driver that is listed by namespace and name."""
    if workload.type != DAEMON_SET:
        return False
    where = f"{workload.get('metadata.namespace', 'default')}/{workload.get('metadata.name', workload.name)}"
    return any(fnmatchcase(where, pattern) for pattern in patterns)


def key(view: View, path: str, wanted: str) -> Any:
    """The entry of a map whose keys hold dots."""
    return view.entries(path).get(wanted)


def wanted(container: View, resource: str) -> Any:
    """The limit or, without one, the request of a container for a resource; None without either."""
    limit = key(container, "resources.limits", resource)
    return limit if limit is not None else key(container, "resources.requests", resource)


def quantity(value: Any) -> float | None:
    """A Kubernetes quantity as a number; None for what is none."""
    found = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?\d+)?)([A-Za-z]*)", str(value))
    if not found or (found[2] and found[2] not in _UNITS):
        return None
    try:
        return float(found[1]) * _UNITS.get(found[2], 1)
    except ValueError:
        return None


def is_accelerator(resource: str) -> bool:
    """Whether an extended resource is a GPU, a slice of one, a Neuron device or TPU chips."""
    return resource.startswith(ACCELERATORS)


def devices(container: View) -> dict[str, Any]:
    """The accelerators that a container asks for: resource to amount."""
    found: dict[str, Any] = {}
    for path in ("resources.requests", "resources.limits"):
        entries = container.entries(path)
        found |= {entry: entries[entry] for entry in entries if is_accelerator(entry)}
    return found


def computes(workload: Resource) -> bool:
    """Whether a workload uses accelerators."""
    pod = spec(workload)
    asked = (
        lambda: any_of(containers(workload, starting=False), lambda container: bool(devices(container))),
        lambda: pod.has("resourceClaims") and any_of(pod.views("resourceClaims"), _accelerator_claim),
    )
    return any_of(asked, lambda ask: ask())


def _accelerator_claim(claim: View) -> bool:
    names = ("resourceClaimTemplateName", "resourceClaimName", "name")
    return any_of(names, lambda path: bool(CLAIMED.search(str(claim.get(path, "")))))
