"""Accelerators among many: quotas, queues, slices and shared memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .model import (
    CannotTell,
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    all_of,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)
from .pods import PODS, computes, containers, devices, is_accelerator, metadata, quantity, spec
from .reading import holds_unknown

NAMESPACE = "kubernetes:core/v1:Namespace"
QUOTA = "kubernetes:core/v1:ResourceQuota"
CLAIMS = ("kubernetes:resource.k8s.io/v1:ResourceClaimTemplate", "kubernetes:resource.k8s.io/v1:ResourceClaim")
PROFILES = (
    "1g.10gb",
    "1g.18gb",
    "1g.20gb",
    "1g.23gb",
    "2g.20gb",
    "2g.35gb",
    "3g.40gb",
    "3g.71gb",
    "4g.40gb",
    "4g.71gb",
    "7g.80gb",
    "7g.141gb",
    "all-balanced",
)
SLICE = "nvidia.com/mig-"
MIG = re.compile(r"\b\d+g\.\d+gb\b")


@resource_rule(
    id="mig-profile-allowed",
    title="GPUs are cut into agreed slices",
    severity="medium",
    level="advisory",
    types=[*CLAIMS, *PODS],
    fix="use a profile of the parameter profiles.",
    references=["pulumi examples aws-ts-eks-gpu-dra"],
    parameters={"profiles": PROFILES},
)
def mig_profile_allowed(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """A slice of another size leaves a remainder that nobody can use."""
    if resource.type in CLAIMS:
        yield from _unlisted(MIG.findall(str(resource.get("spec", ""))), given)
        if holds_unknown(resource.get("spec")):
            raise CannotTell("spec", "holds a value that is known only after creation")
        return

    def one(container: View) -> Iterator[Violation]:
        paths = ("resources.limits", "resources.requests")
        asked = [entry for path in paths for entry in container.entries(path) if entry.startswith(SLICE)]
        yield from _unlisted([entry.removeprefix(SLICE) for entry in asked], given)

    yield from each(containers(resource), one)


def _unlisted(profiles: Iterable[str], given: Parameters) -> Iterator[Violation]:
    for profile in sorted(set(profiles) - {str(entry) for entry in given["profiles"]}):
        yield Violation(f"MIG profile {profile} is not in the list.")


def _gpus(container: View) -> float:
    """Devices whose processes speak through shared memory: all but TPU chips."""
    asked = devices(container).items()
    return sum(quantity(amount) or 0 for what, amount in asked if not what.startswith("google.com/"))


def _shares(workload: Resource) -> bool:
    def several(container: View) -> bool:
        return _gpus(container) > 1

    def memory(name: Any) -> bool:
        return any_of(
            spec(workload).views("volumes"),
            lambda volume: (
                volume.get("emptyDir.medium") == "Memory"
                and volume.has("emptyDir.sizeLimit")
                and volume.get("name") == name
            ),
        )

    def mounts(container: View) -> bool:
        return any_of(
            container.views("volumeMounts"),
            lambda mount: mount.get("mountPath") == "/dev/shm" and memory(mount.get("name")),  # noqa: S108 - its own path
        )

    return all_of(containers(workload, starting=False), lambda entry: not several(entry) or mounts(entry))


def _share(workload: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if _shares(workload):
        return
    pod = spec(workload)
    volume = {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": given["size"]}}
    yield f"{pod.where}.volumes.-", volume
    for container in containers(workload, starting=False):
        if _gpus(container) > 1:
            mount = {"name": "shared-memory", "mountPath": "/dev/shm"}  # noqa: S108
            yield f"{container.where}.volumeMounts.-", mount


@resource_rule(
    id="gpu-pod-shared-memory",
    title="Several GPUs in a pod have shared memory",
    severity="low",
    level="advisory",
    types=[*PODS],
    fix="mount an emptyDir of medium Memory with a sizeLimit at /dev/shm.",
    references=["gatekeeper-library 737"],
    parameters={"size": "64Gi"},
    remedy=_share,
)
def pod_shared_memory(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """NCCL and data loaders share memory between processes; the default is 64 MiB."""
    if not _shares(workload):
        yield Violation("no memory volume with a limit at /dev/shm.")


@resource_rule(
    id="gpu-queue-and-priority",
    title="Accelerator work is queued",
    severity="low",
    level="advisory",
    types=[*PODS],
    fix="set the label kueue.x-k8s.io/queue-name and priorityClassName.",
    references=["Kueue"],
    parameters={"label": "kueue.x-k8s.io/queue-name"},
)
def queue_and_priority(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """Without a queue two half-started jobs wait for each other's machines."""
    if not computes(workload):
        return

    def queue() -> Iterator[Violation]:
        places = (lambda: workload.entries("metadata.labels"), lambda: metadata(workload).entries("labels"))
        if not any_of(places, lambda labels: given["label"] in labels()):
            yield Violation(f"the label {given['label']} is missing.", check="queue")

    def priority() -> Iterator[Violation]:
        if not spec(workload).has("priorityClassName"):
            yield Violation("priorityClassName is not set.", check="priority")

    yield from independently(queue(), priority())


@relation_rule(
    id="gpu-namespace-quota",
    title="Namespaces with accelerator work have a quota",
    severity="medium",
    level="advisory",
    types=[NAMESPACE],
    fix="add a ResourceQuota with requests.nvidia.com/gpu (or the device's name) under hard.",
    references=["CIS EKS 4.5.1", "NIST 800-53 SC-6"],
)
def namespace_quota(namespace: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """One team takes all machines by a typing error."""
    label = namespace.get("metadata.name", namespace.name)

    def inside(resource: Resource) -> bool:
        return namespace in resource.referred("metadata", NAMESPACE) or resource.get("metadata.namespace") == label

    def limits(quota: Resource) -> bool:
        return inside(quota) and any(
            is_accelerator(entry.removeprefix("requests.")) or ".deviceclass.resource.k8s.io/" in entry
            for entry in quota.entries("spec.hard")
        )

    if any_of(stack.of(*PODS), lambda workload: inside(workload) and computes(workload)) and not any_of(
        stack.of(QUOTA), limits
    ):
        yield Violation("it runs accelerator work and no quota limits it.")
