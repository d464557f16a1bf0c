"""Pods with accelerators: devices, memory, huge pages and an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .facts import machines
from .model import Parameters, Resource, View, Violation, any_of, each, independently, resource_rule
from .pods import (
    CRON_JOB,
    EFA,
    JOB,
    PODS,
    computes,
    containers,
    is_accelerator,
    key,
    name,
    quantity,
    spec,
    wanted,
)


def _extended(container: View) -> list[str]:
    return _asked(container, lambda entry: is_accelerator(entry) or entry == EFA)


def _asked(container: View, meant: Callable[[str], bool]) -> list[str]:
    """The resources that a container asks for in limits or requests."""
    paths = ("resources.limits", "resources.requests")
    return sorted({entry for path in paths for entry in container.entries(path) if meant(entry)})


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

    def one(container: View) -> Iterator[Violation]:
        yield from each(_extended(container), lambda what: judge(container, what))

    def judge(container: View, what: str) -> Iterator[Violation]:
        limit, request = (key(container, f"resources.{kind}", what) for kind in ("limits", "requests"))
        number = quantity(limit)
        if limit is None:
            yield Violation(f"{name(container)} asks for {what} in requests only.", check="limits")
        elif number is None or number < 0 or number != int(number):
            yield Violation(f"{name(container)} asks for {limit} {what}.", check="whole")
        elif request is not None and quantity(request) != number:
            yield Violation(f"{name(container)} requests {request} and limits {limit} {what}.", check="equal")

    yield from each(containers(workload), one)


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

    def one(container: View) -> Iterator[Violation]:
        amount = wanted(container, "nvidia.com/gpu")
        if (quantity(amount) or 0) > given["max"]:
            yield Violation(f"{name(container)} asks for {amount} nvidia.com/gpu, more than {given['max']:g}.")

    yield from each(containers(workload, starting=False), one)


KEYS = {"nvidia.com": "nvidia.com/gpu", "aws.amazon.com": "aws.amazon.com/neuron", "amd.com": "amd.com/gpu"}
"""Taint of the nodes with a vendor's devices. GKE itself adds the toleration of its TPU nodes."""


def _taint_of(workload: Resource, given: Parameters) -> str | None:
    """The taint that a workload must tolerate; None where its vendor's nodes need no toleration."""
    vendors: list[str] = []

    def asks(container: View) -> bool:
        paths = ("resources.limits", "resources.requests")
        vendors.extend(
            entry.partition("/")[0] for path in paths for entry in container.entries(path) if is_accelerator(entry)
        )
        return bool(vendors)

    any_of(containers(workload, starting=False), asks)
    return given["keys"].get(vendors[0] if vendors else "nvidia.com")


def _tolerates(workload: Resource, given: Parameters) -> bool:
    taint = _taint_of(workload, given)
    if taint is None:
        return True
    return any_of(
        spec(workload).views("tolerations"),
        lambda entry: entry.get("key") == taint or (not entry.get("key") and entry.get("operator") == "Exists"),
    )


def _tolerate(workload: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if computes(workload) and not _tolerates(workload, given):
        toleration = {"key": _taint_of(workload, given), "operator": "Exists", "effect": "NoSchedule"}
        yield f"{spec(workload).where}.tolerations.-", toleration


@resource_rule(
    id="gpu-pod-placement",
    title="Accelerator pods go where accelerators are",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="tolerate the accelerator taint and select nodes by a label.",
    references=["gatekeeper-library 737"],
    parameters={"keys": KEYS},
    remedy=_tolerate,
)
def pod_placement(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """Without the toleration it waits for ever; without a label it may start on the dearest machine."""
    if not computes(workload):
        return
    pod = spec(workload)

    def toleration() -> Iterator[Violation]:
        if not _tolerates(workload, given):
            yield Violation("it does not tolerate the accelerator taint.", check="toleration")

    def selector() -> Iterator[Violation]:
        if not pod.has("nodeSelector") and not pod.has("affinity.nodeAffinity"):
            yield Violation("it selects no nodes.", check="selector")

    yield from independently(toleration(), selector())


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

    def one(container: View) -> Iterator[Violation]:
        if _asked(container, is_accelerator):
            yield from independently(cpu(container), memory(container))

    def cpu(container: View) -> Iterator[Violation]:
        if key(container, "resources.requests", "cpu") is None:
            yield Violation(f"{name(container)} requests no cpu.", check="cpu")

    def memory(container: View) -> Iterator[Violation]:
        asked = key(container, "resources.requests", "memory")
        if asked is None:
            yield Violation(f"{name(container)} requests no memory.", check="memory")
        elif quantity(asked) != quantity(key(container, "resources.limits", "memory")):
            yield Violation(f"{name(container)} does not limit memory to its request.", check="equal")

    yield from each(containers(workload, starting=False), one)


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
    largest = max(known["efa"] or 0 for known in machines().values())
    asked: list[float] = []

    def one(container: View) -> Iterator[Violation]:
        amount = quantity(wanted(container, EFA))
        if not amount:
            return
        if amount > largest:
            message = f"{name(container)} asks for {amount:g} EFA, no machine has more than {largest}."
            yield Violation(message, check="efa")
        yield from independently(pages(container), memory(container))

    def pages(container: View) -> Iterator[Violation]:
        found = quantity(wanted(container, "hugepages-2Mi"))
        asked.append(found or 0)
        if not found:
            yield Violation(f"{name(container)} asks for EFA without hugepages-2Mi.", check="hugepages")

    def memory(container: View) -> Iterator[Violation]:
        if wanted(container, "memory") is None:
            yield Violation(f"{name(container)} asks for EFA without memory.", check="memory")

    def total() -> Iterator[Violation]:
        if sum(asked) > given["max-mi"] * 2**20:
            message = f"{sum(asked) / 2**20:g} Mi of huge pages are more than {given['max-mi']:g}."
            yield Violation(message, check="maximum")

    yield from independently(each(containers(workload, starting=False), one), total())


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

    def one(container: View) -> Iterator[Violation]:
        kinds = _asked(container, lambda entry: entry.startswith("hugepages-"))
        yield from independently(each(kinds, lambda kind: equal(container, kind)), beside(container, kinds))

    def equal(container: View, kind: str) -> Iterator[Violation]:
        limit, request = (key(container, f"resources.{path}", kind) for path in ("limits", "requests"))
        if limit is None or (request is not None and quantity(request) != quantity(limit)):
            yield Violation(f"{name(container)} has different requests and limits of {kind}.", check="equal")

    def beside(container: View, kinds: list[str]) -> Iterator[Violation]:
        if kinds and wanted(container, "memory") is None and wanted(container, "cpu") is None:
            yield Violation(f"{name(container)} has huge pages without cpu or memory.", check="memory")

    def mounted(volume: View) -> Iterator[Violation]:
        if str(volume.get("emptyDir.medium", "")).startswith("HugePages") and not any_of(
            containers(workload), lambda entry: bool(_asked(entry, lambda what: what.startswith("hugepages-")))
        ):
            yield Violation("a volume of huge pages without a resource.", check="volume")

    yield from independently(each(containers(workload), one), each(spec(workload).views("volumes"), mounted))


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
