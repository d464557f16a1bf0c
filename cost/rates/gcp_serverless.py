"""What runs on demand at Google: Cloud Run, functions, schedules, task queues, workflows, API gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from catalog.price import Price
from cost.meters import MILLION, beyond
from cost.model import HOURS
from cost.registry import rate
from cost.subject import Found, Subject

RUN = "google_cloud_run_v2_service"
SECONDS = HOURS * 3600
ANYWHERE = "us-central1"
"""Where the catalog keeps prices that hold in every region."""
TIER_ONE = frozenset({
    "asia-east1", "asia-northeast1", "asia-northeast2", "europe-north1", "europe-southwest1", "europe-west1",
    "europe-west4", "europe-west8", "europe-west9", "me-west1", "us-central1", "us-east1", "us-east4", "us-east5",
    "us-south1", "us-west1",
})  # fmt: skip
"""Regions of Cloud Run's lower prices (cloud.google.com/run/pricing)."""
TIER_TWO_HOME = "europe-west3"
"""Where the catalog keeps the prices of the other regions."""
FREE_CALLS = 2 * MILLION
GHZ = {128: Decimal("0.2"), 256: Decimal("0.4"), 512: Decimal("0.8"), 1024: Decimal("1.4"), 2048: Decimal("2.4"),
       4096: Decimal("4.8"), 8192: Decimal("4.8")}  # fmt: skip
"""Clock that a first-generation function has with so much memory (Cloud Functions pricing)."""


@rate("gcp:cloudrunv2/service:Service")
def run_service(it: Subject) -> Iterator[Found]:
    """CPU while requests run, or all the time where the service is not throttled between them."""
    container = _first(it.value("template.containers") or [])
    limits = (container.get("resources") or {}).get("limits") or {}
    idle = (container.get("resources") or {}).get("cpuIdle")
    least = it.amount("template.scaling.minInstanceCount")
    yield from _run(it, limits, throttled=idle is not False, least=least)


@rate("gcp:cloudrun/service:Service")
def run_first(it: Subject) -> Iterator[Found]:
    container = _first(it.value("template.spec.containers") or [])
    limits = (container.get("resources") or {}).get("limits") or {}
    notes = {**(it.value("metadata.annotations") or {}), **(it.value("template.metadata.annotations") or {})}
    throttled = str(notes.get("run.googleapis.com/cpu-throttling", "true")).lower() == "true"
    least = Decimal(str(notes.get("autoscaling.knative.dev/minScale") or 0))
    yield from _run(it, limits, throttled=throttled, least=least)


def _first(entries: Any) -> Mapping[str, Any]:
    found = entries[0] if isinstance(entries, list) and entries else entries
    return found if isinstance(found, Mapping) else {}


def _cpu(text: Any) -> Decimal:
    value = str(text or "1")
    return Decimal(value[:-1]) / 1000 if value.endswith("m") else Decimal(value)


def _memory(text: Any) -> Decimal:
    """GiB of a Kubernetes quantity."""
    value = str(text or "512Mi")
    for suffix, size in (("Gi", 1), ("Mi", 1024), ("Ki", 1024 * 1024), ("G", Decimal("1.073741824"))):
        if value.endswith(suffix):
            return Decimal(value.removesuffix(suffix)) / size
    return Decimal(value) / 1024**3


def _price(it: Subject, item: str, *, throttled: bool) -> tuple[str, Price | None]:
    if it.region in TIER_ONE:
        return item, it.gcp(RUN, item, ANYWHERE, throttled=throttled)
    name = f"{item} (tier 2)"
    return name, it.gcp(RUN, name, TIER_TWO_HOME, throttled=throttled)


def _run(it: Subject, limits: Mapping[str, Any], *, throttled: bool, least: Decimal) -> Iterator[Found]:
    cpu, memory = _cpu(limits.get("cpu")), _memory(limits.get("memory"))
    if it.usage.raw("monthly_cpu_seconds") is not None or it.usage.raw("monthly_vcpu_seconds") is not None:
        key = "monthly_cpu_seconds" if it.usage.raw("monthly_cpu_seconds") is not None else "monthly_vcpu_seconds"
        for item, name, unit in (("CPU allocation time", key, "vCPU-seconds"),
                                 ("Memory allocation time", "monthly_memory_gib_seconds", "GiB-seconds")):  # fmt: skip
            label, price = _price(it, item, throttled=throttled)
            yield from it.used(label, name, price, unit=unit)
        return
    if not throttled:
        given = it.usage.given("instance_hrs")
        if not least and given is None:
            yield it.depends("CPU and memory allocation time", "instance_hrs")
        seconds = given.base * 3600 * max(least, Decimal(1)) if given else SECONDS * least
        for item, size, unit in (("CPU allocation time", cpu, "vCPU-seconds"),
                                 ("Memory allocation time", memory, "GiB-seconds")):  # fmt: skip
            label, price = _price(it, item, throttled=False)
            if seconds:
                yield it.fixed(label, seconds * size, price, unit=unit, steps=(f"{seconds} s x {size}",))
        return
    requests, each = it.usage.given("monthly_requests"), it.usage.given("average_request_duration_ms")
    together = it.usage.given("concurrent_requests_per_instance")
    if requests is None or each is None or together is None:
        keys = "monthly_requests, average_request_duration_ms and concurrent_requests_per_instance"
        yield it.depends("CPU and memory allocation time", keys)
    else:
        used = requests.times(each.base / 1000 / together.base)
        for item, size, unit in (("CPU allocation time", cpu, "vCPU-seconds"),
                                 ("Memory allocation time", memory, "GiB-seconds")):  # fmt: skip
            label, price = _price(it, item, throttled=True)
            yield from it.metered(label, used.times(size), price, "monthly_requests", unit=unit)
    item = "Number of requests"
    yield from it.used(item, "monthly_requests", it.gcp(RUN, item, ANYWHERE), quiet=True)


@rate("gcp:cloudrunv2/job:Job")
def run_job(it: Subject) -> Iterator[Found]:
    container = _first(it.value("template.template.containers") or [])
    limits = (container.get("resources") or {}).get("limits") or {}
    runs, minutes = it.usage.given("monthly_job_executions"), it.usage.given("average_task_execution_mins")
    if runs is None or minutes is None:
        yield it.depends("CPU and memory allocation time", "monthly_job_executions, average_task_execution_mins")
        return
    used = runs.times(minutes.base * 60 * it.amount("template.taskCount", 1))
    for item, size, unit in (("CPU allocation time", _cpu(limits.get("cpu")), "vCPU-seconds"),
                             ("Memory allocation time", _memory(limits.get("memory")), "GiB-seconds")):  # fmt: skip
        label, price = _price(it, item, throttled=False)
        yield from it.metered(label, used.times(size), price, "monthly_job_executions", unit=unit)


@rate("gcp:cloudfunctions/function:Function")
def function(it: Subject) -> Iterator[Found]:
    """First generation: the clock follows the memory, time is counted in steps of 100 ms."""
    service, memory = "google_cloudfunctions_function", it.amount("availableMemoryMb", 256)
    calls, each = it.usage.given("monthly_function_invocations"), it.usage.given("request_duration_ms")
    if calls is None:
        yield from _second(it)
        return
    milliseconds = (each.base / 100).to_integral_value(ROUND_CEILING) * 100 if each else Decimal(100)
    seconds = calls.times(milliseconds / 1000)
    clock = GHZ.get(int(memory))
    price = it.gcp(service, "CPU") if clock else None
    yield from it.metered("CPU", seconds.times(clock or Decimal(1)), price, "request_duration_ms", unit="GHz-seconds")
    yield from it.metered("Memory", seconds.times(memory / 1024), it.gcp(service, "Memory"), "request_duration_ms")
    yield from it.metered("Invocations", calls, it.gcp(service, "Invocations"), "monthly_function_invocations")
    item = "Outbound data transfer"
    yield from it.used(item, "monthly_outbound_data_gb", it.gcp(service, item), quiet=True)


@rate("gcp:cloudfunctionsv2/function:Function")
def second_generation(it: Subject) -> Iterator[Found]:
    """Calls; what a function computes is paid as Cloud Run."""
    service, key = "google_cloudfunctions_function", "monthly_invocations"
    yield from it.used("Invocations", key, it.gcp(service, "Invocations", ANYWHERE))
    yield from it.used("Memory", "monthly_gb_seconds", it.gcp(service, "Memory"), quiet=True)


def _second(it: Subject) -> Iterator[Found]:
    """Calls above the free two million, as files that count whole months give them."""
    service, key = "google_cloudfunctions_function", "monthly_invocations"
    if it.usage.raw(key) is None:
        yield it.depends("CPU, memory and invocations", "monthly_function_invocations and request_duration_ms")
        return
    yield from beyond(it, "Invocations", key, FREE_CALLS, it.gcp(service, "Invocations", ANYWHERE))
    yield from it.used("Memory", "monthly_gb_seconds", it.gcp(service, "Memory"), quiet=True)


@rate("gcp:cloudscheduler/job:Job")
def scheduled(it: Subject) -> Iterator[Found]:
    """Three jobs of an account are free; which, is not in a plan."""
    yield it.fixed("Job", 1, it.gcp("google_cloud_scheduler_job", "Job", ANYWHERE), unit="months")


@rate("gcp:cloudtasks/queue:Queue")
def tasks(it: Subject) -> Iterator[Found]:
    price = it.gcp("google_cloud_tasks_queue", "Operations", ANYWHERE)
    yield from it.used("Operations", "monthly_operations", price, per=MILLION)


@rate("gcp:workflows/workflow:Workflow")
def workflow(it: Subject) -> Iterator[Found]:
    price = it.gcp("google_workflows_workflow", "Internal steps", ANYWHERE)
    yield from it.used("Internal steps", "monthly_steps", price, per=1000)


@rate("gcp:apigateway/api:Api")
def api(it: Subject) -> Iterator[Found]:
    item = "API calls (over 2M)"
    yield from beyond(
        it, item, "monthly_calls", FREE_CALLS, it.gcp("google_api_gateway_api", item, ANYWHERE), per=MILLION
    )
