"""Pods with accelerators: devices, memory, huge pages and an end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import machines
from .model import Parameters, Resource, View, Violation, independently, resource_rule
from .pods import (
    CRON_JOB,
    EFA,
    JOB,
    PODS,
    computes,
    containers,
    devices,
    is_accelerator,
    key,
    name,
    quantity,
    spec,
    wanted,
)


def _extended(container: View) -> list[str]:
    found: set[str] = set()
    for path in ("resources.limits", "resources.requests"):
        entries = container.get(path)
        if isinstance(entries, dict):
            found |= {entry for entry in entries if is_accelerator(entry) or entry == EFA}
    return sorted(found)


def _copy(workload: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    for container in containers(workload):
        for what in _extended(container):
            limit, request = (key(container, f"resources.{kind}", what) for kind in ("limits", "requests"))
            if limit is not None and request is not None and str(limit) != str(request):
                yield f"{container.where}.resources.requests.{what.replace('.', '%')}", limit


@resource_rule(
    id="gpu-limits-well-formed",
    title="Devices are asked for in whole numbers, in limits",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="give a whole number in limits; leave requests out, or give the same.",
    references=["Kubernetes device plugins"],
    remedy=_copy,
)
def limits_well_formed(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """The API server refuses the pod, or it waits for ever."""

    def one(container: View, what: str) -> Iterator[Violation]:
        limit, request = (key(container, f"resources.{kind}", what) for kind in ("limits", "requests"))
        number = quantity(limit)
        if limit is None:
            yield Violation(f"{name(container)} asks for {what} in requests only.", check="limits")
        elif number is None or number < 0 or number != int(number):
            yield Violation(f"{name(container)} asks for {limit} {what}.", check="whole")
        elif request is not None and quantity(request) != number:
            yield Violation(f"{name(container)} requests {request} and limits {limit} {what}.", check="equal")

    parts = (one(container, what) for container in containers(workload) for what in _extended(container))
    yield from independently(*parts)


@resource_rule(
    id="gpu-per-pod-cap",
    title="No container asks for more accelerators than a machine has",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="ask for at most a machine's accelerators, and use more pods.",
    references=["gatekeeper-library 737"],
    parameters={"max": 16},
)
def per_pod_cap(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """Such a pod waits for ever, while others wait behind it."""
    for container in containers(workload, starting=False):
        for what, amount in devices(container).items():
            if what == "nvidia.com/gpu" and (quantity(amount) or 0) > given["max"]:
                yield Violation(f"{name(container)} asks for {amount} {what}, more than {given['max']:g}.")


KEYS = {"nvidia": "nvidia.com/gpu", "aws.amazon.com": "aws.amazon.com/neuron"}


def _taint_of(workload: Resource) -> str:
    found = [what for container in containers(workload, starting=False) for what in devices(container)]
    return KEYS["aws.amazon.com"] if found and found[0].startswith("aws.amazon.com") else KEYS["nvidia"]


def _tolerates(workload: Resource) -> bool:
    taint = _taint_of(workload)
    return any(
        entry.get("key") == taint or (not entry.get("key") and entry.get("operator") == "Exists")
        for entry in spec(workload).views("tolerations")
    )


def _tolerate(workload: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if computes(workload) and not _tolerates(workload):
        toleration = {"key": _taint_of(workload), "operator": "Exists", "effect": "NoSchedule"}
        yield f"{spec(workload).where}.tolerations.-", toleration


@resource_rule(
    id="gpu-pod-placement",
    title="Accelerator pods go where accelerators are",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="tolerate the accelerator taint and select nodes by a label.",
    references=["gatekeeper-library 737"],
    remedy=_tolerate,
)
def pod_placement(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """Without the toleration it waits for ever; without a label it may start on the dearest machine."""
    if not computes(workload):
        return
    pod = spec(workload)
    if not _tolerates(workload):
        yield Violation("it does not tolerate the accelerator taint.", check="toleration")
    if not pod.has("nodeSelector") and not pod.has("affinity.nodeAffinity"):
        yield Violation("it selects no nodes.", check="selector")


@resource_rule(
    id="gpu-pod-cpu-memory",
    title="Accelerator pods say how much processor and memory they need",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="request cpu and memory, and limit memory to the request.",
    references=["NVIDIA aicr 860"],
)
def pod_cpu_memory(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """A loader that is killed for memory stops a machine that costs tens of dollars an hour."""
    for container in containers(workload, starting=False):
        if not devices(container):
            continue
        memory = key(container, "resources.requests", "memory")
        if key(container, "resources.requests", "cpu") is None:
            yield Violation(f"{name(container)} requests no cpu.", check="cpu")
        if memory is None:
            yield Violation(f"{name(container)} requests no memory.", check="memory")
        elif quantity(memory) != quantity(key(container, "resources.limits", "memory")):
            yield Violation(f"{name(container)} does not limit memory to its request.", check="equal")


@resource_rule(
    id="efa-pod-hugepages",
    title="EFA pods have huge pages",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="ask for hugepages-2Mi (5120Mi) and memory, and for at most the machine's EFA interfaces.",
    references=["AWS EKS user guide: EFA"],
    parameters={"max-mi": 10256, "without-pages": ("p6e-gb200", "p6e-gb300")},
)
def efa_hugepages(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """libfabric falls back to TCP without them. GB200 machines need none; a node has 5128 pages of 2 MiB."""
    selected = str(spec(workload).inputs.get("nodeSelector") or "") + str(spec(workload).inputs.get("affinity") or "")
    if any(family in selected for family in given["without-pages"]):
        return
    largest = max(known["efa"] for known in machines().values())
    total = 0.0
    for container in containers(workload, starting=False):
        amount = quantity(wanted(container, EFA))
        if not amount:
            continue
        pages = quantity(wanted(container, "hugepages-2Mi"))
        if not pages:
            yield Violation(f"{name(container)} asks for EFA without hugepages-2Mi.", check="hugepages")
        if wanted(container, "memory") is None:
            yield Violation(f"{name(container)} asks for EFA without memory.", check="memory")
        if amount > largest:
            yield Violation(
                f"{name(container)} asks for {amount:g} EFA, no machine has more than {largest}.", check="efa"
            )
        total += pages or 0
    if total > given["max-mi"] * 2**20:
        yield Violation(f"{total / 2**20:g} Mi of huge pages are more than {given['max-mi']:g}.", check="maximum")


@resource_rule(
    id="hugepages-well-formed",
    title="Huge pages are asked for as Kubernetes wants it",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="give hugepages-* the same request and limit, beside cpu or memory.",
    references=["Kubernetes huge pages"],
)
def hugepages_well_formed(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """The API server refuses the pod."""
    asked = False
    for container in containers(workload):
        kinds = {
            entry
            for path in ("resources.limits", "resources.requests")
            for entry in dict(container.get(path, {}))
            if entry.startswith("hugepages-")
        }
        for kind in sorted(kinds):
            asked = True
            limit, request = (key(container, f"resources.{path}", kind) for path in ("limits", "requests"))
            if limit is None or (request is not None and quantity(request) != quantity(limit)):
                yield Violation(f"{name(container)} has different requests and limits of {kind}.", check="equal")
        if kinds and wanted(container, "memory") is None and wanted(container, "cpu") is None:
            yield Violation(f"{name(container)} has huge pages without cpu or memory.", check="memory")
    for volume in spec(workload).views("volumes"):
        if str(volume.get("emptyDir.medium", "")).startswith("HugePages") and not asked:
            yield Violation("a volume of huge pages without a resource.", check="volume")


def _end(job: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if computes(job) and not job.has(f"{_job(job)}.ttlSecondsAfterFinished"):
        yield f"{_job(job)}.ttlSecondsAfterFinished", given["ttl-seconds"]


def _job(job: Resource) -> str:
    return "spec.jobTemplate.spec" if job.type == CRON_JOB else "spec"


@resource_rule(
    id="gpu-job-bounded",
    title="Accelerator jobs end",
    severity="medium",
    level="advisory",
    types=[JOB, CRON_JOB],
    fix="set activeDeadlineSeconds, ttlSecondsAfterFinished and backoffLimit.",
    references=["gatekeeper-library 737"],
    parameters={"max-retries": 6, "ttl-seconds": 86400},
    remedy=_end,
)
def job_bounded(job: Resource, given: Parameters) -> Iterator[Violation]:
    """A job that hangs holds its machines over the weekend."""
    if not computes(job):
        return
    where = job.view(_job(job))
    for path in ("activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        if not where.has(path):
            yield Violation(f"{path} is not set.", check=path)
    retries = where.number("backoffLimit", 6)
    if retries is not None and retries > given["max-retries"]:
        yield Violation(f"backoffLimit is {retries:g}, more than {given['max-retries']:g}.", check="backoffLimit")
