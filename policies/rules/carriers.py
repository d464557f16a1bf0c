"""Workloads inside other resources: the jobs of a JobSet, the pods of a PyTorchJob, a Ray cluster, a leader-worker set.

Rules know pods and jobs. What carries some is seen as those, each with the name, labels and address of its carrier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .model import UNKNOWN, Resource
from .pods import JOB, POD

JOB_SET = "kubernetes:jobset.x-k8s.io/v1alpha2:JobSet"
REPLICAS: Final = {
    "PyTorchJob": "pytorchReplicaSpecs",
    "TFJob": "tfReplicaSpecs",
    "XGBoostJob": "xgbReplicaSpecs",
    "PaddleJob": "paddleReplicaSpecs",
    "JAXJob": "jaxReplicaSpecs",
    "MPIJob": "mpiReplicaSpecs",
}
PATHS: Final[dict[str, tuple[str, ...]]] = {
    JOB_SET: ("spec.replicatedJobs.*.template",),
    **{f"kubernetes:kubeflow.org/v1:{kind}": (f"spec.{key}.*.template",) for kind, key in REPLICAS.items()},
    "kubernetes:kubeflow.org/v2beta1:MPIJob": ("spec.mpiReplicaSpecs.*.template",),
    "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": (
        "spec.leaderWorkerTemplate.leaderTemplate",
        "spec.leaderWorkerTemplate.workerTemplate",
    ),
    "kubernetes:ray.io/v1:RayCluster": ("spec.headGroupSpec.template", "spec.workerGroupSpecs.*.template"),
    "kubernetes:ray.io/v1:RayJob": (
        "spec.rayClusterSpec.headGroupSpec.template",
        "spec.rayClusterSpec.workerGroupSpecs.*.template",
        "spec.submitterPodTemplate",
    ),
    "kubernetes:ray.io/v1:RayService": (
        "spec.rayClusterConfig.headGroupSpec.template",
        "spec.rayClusterConfig.workerGroupSpecs.*.template",
    ),
}
"""Where templates of pods (of jobs, for a JobSet) lie in a carrier; `*` is every entry of a list or a map."""


def carried(resource: Resource) -> Iterator[Resource]:
    """The workloads in a resource; none for one that carries none. One that is unknown is one of unknown spec."""
    for path in PATHS.get(resource.type, ()):
        for template in _at(resource.inputs, path.split(".")):
            yield Resource(
                type=JOB if resource.type == JOB_SET else POD,
                name=resource.name,
                urn=resource.urn,
                inputs=_workload(resource, template),
                provider=resource.provider,
                parent=resource.parent,
                protect=resource.protect,
                refers=resource.refers,
                dependencies=resource.dependencies,
            )


def _at(value: Any, keys: list[str]) -> Iterator[Any]:
    if value is UNKNOWN or not keys:
        if value is not None:
            yield value
    elif keys[0] == "*":
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        for item in items:
            yield from _at(item, keys[1:])
    elif isinstance(value, Mapping):
        yield from _at(value.get(keys[0]), keys[1:])


def _workload(carrier: Resource, template: Any) -> dict[str, Any]:
    """A template as a pod or job under the metadata of its carrier."""
    outer = carrier.inputs.get("metadata")
    if template is UNKNOWN:
        return {"metadata": outer, "spec": UNKNOWN}
    inner = template.get("metadata")
    metadata = UNKNOWN if outer is UNKNOWN or inner is UNKNOWN else _merged(outer, inner)
    spec = template.get("spec")
    ends = carrier.inputs["spec"].get("ttlSecondsAfterFinished") if carrier.type == JOB_SET else None
    if isinstance(spec, Mapping) and ends is not None:
        spec = {"ttlSecondsAfterFinished": ends, **spec}  # the set is removed with its jobs
    return {"metadata": metadata, "spec": spec}


def _merged(outer: Any, inner: Any) -> dict[str, Any]:
    """Name and namespace of the carrier; labels and annotations of both."""
    outer, inner = (found if isinstance(found, Mapping) else {} for found in (outer, inner))
    found = {**inner, **outer}
    for key in ("labels", "annotations"):
        parts = (outer.get(key), inner.get(key))
        if any(part is UNKNOWN for part in parts):
            found[key] = UNKNOWN
        elif any(parts):
            found[key] = {**(parts[0] or {}), **(parts[1] or {})}
    return found
