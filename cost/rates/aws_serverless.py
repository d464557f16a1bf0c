"""Services billed by what runs or passes: functions, workflows, queues, topics, containers, builds, events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from catalog.price import Price
from cost.model import Amount
from cost.registry import rate
from cost.subject import Found, Gap, Subject
from cost.tiers import Tier, metered

MILLION, BILLION = 1_000_000, 1_000_000_000
TASK = "aws:ecs/taskDefinition:TaskDefinition"
DURATION = (Tier("first 6B", 6 * BILLION), Tier("next 9B", 9 * BILLION), Tier("over 15B", None))
DURATION_ARM = (
    Tier("first 7.5B", 7_500_000_000),
    Tier("next 11.25B", 11_250_000_000),
    Tier("over 18.75B", None),
)
EXPRESS = (Tier("first 1K", 3_600_000), Tier("next 4K", 14_400_000), Tier("over 5K", None))
"""In GB-seconds: the first 1,000 GB-hours, the next 4,000, the rest."""
FIRST_MILLION_FREE = (Tier.free(MILLION), Tier("over 1M", None))
INCLUDED_MB = 512
FREE_NOTIFICATIONS = (
    ("HTTP/HTTPS notifications (over 100k)", "http_subscriptions", 100_000, 100_000),
    ("Email/Email-JSON notifications (over 1k)", "email_subscriptions", 1_000, 100_000),
    ("Kinesis Firehose notifications", "kinesis_subscriptions", 0, MILLION),
    ("Mobile Push notifications", "mobile_push_subscriptions", 0, MILLION),
    ("MacOS notifications", "macos_subscriptions", 0, MILLION),
    ("SMS notifications (over 100)", "sms_subscriptions", 100, 100),
)
"""Dimension, usage key with the number of subscriptions, free notifications a month, and the unit of the price."""


def _up(value: Decimal, step: int) -> Decimal:
    return (value / step).to_integral_value(ROUND_CEILING) * step


@rate("aws:lambda/function:Function")
def function(it: Subject) -> Iterator[Found]:
    service, key = "aws_lambda_function", "monthly_requests"
    requests, assumed = it.usage.get(key)
    yield from it.used("Requests", key, it.aws(service, "Requests"), per=MILLION)
    given = it.usage.given("request_duration_ms")
    if requests is None:
        yield it.depends("Duration", "monthly_requests and request_duration_ms")
        return
    milliseconds = given.base if given else Decimal(1)
    memory = it.amount("memorySize", 128)
    seconds = requests.times(memory / 1024 * _up(milliseconds, 1) / 1000)
    arm = it.first("architectures") == "arm64"
    yield from _durations(it, seconds, arm=arm)
    extra = it.amount("ephemeralStorage.size", INCLUDED_MB) - INCLUDED_MB
    if extra > 0:
        amount = seconds.times(extra / 1024)
        yield from it.metered("Ephemeral storage", amount, it.aws(service, "Ephemeral storage"), key, assumed=assumed)


def _durations(it: Subject, seconds: Amount, *, arm: bool) -> Iterator[Found]:
    service, key = "aws_lambda_function", "request_duration_ms"
    if not arm:
        yield from metered(it, "Duration", seconds, key, service, DURATION)
        return
    yield from metered(it, "Duration", seconds, key, service, DURATION_ARM, handler="exports.test")


@rate("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
def provisioned_concurrency(it: Subject) -> Iterator[Found]:
    """Concurrency by GB-seconds whether used or not; requests to it and their duration beside."""
    service, memory = "aws_lambda_provisioned_concurrency_config", it.usage.given("memory_mb")
    owner = it.referred("functionName", "aws:lambda/function:Function")
    size = memory.base if memory else it.other(owner).amount("memorySize", 128) if owner else Decimal(128)
    chip = it.usage.text("architecture", "x86_64")
    yield from it.used("Requests", "monthly_requests", it.aws(service, "Requests"), per=MILLION)
    hours = it.usage.given("monthly_duration_hrs")
    if hours is None:
        yield it.depends("Provisioned Concurrency", "monthly_duration_hrs")
    else:
        kept = hours.times(it.amount("provisionedConcurrentExecutions", 1) * size / 1024 * 3600)
        price = it.aws(service, "Provisioned Concurrency", architecture=chip)
        yield from it.metered("Provisioned Concurrency", kept, price, "monthly_duration_hrs")
    requests, each = it.usage.given("monthly_requests"), it.usage.given("request_duration_ms")
    if requests and each:
        seconds = requests.times(each.base / 1000 * size / 1024)
        price = it.aws(service, "Duration", architecture=chip)
        yield from it.metered("Duration", seconds, price, "request_duration_ms")


@rate("aws:sfn/stateMachine:StateMachine")
def state_machine(it: Subject) -> Iterator[Found]:
    service = "aws_sfn_state_machine"
    if it.text("type", "STANDARD").upper() == "STANDARD":
        yield from it.used("Transitions", "monthly_transitions", it.aws(service, "Transitions"), per=1000)
        return
    requests, _ = it.usage.get("monthly_requests")
    yield from it.used("Requests", "monthly_requests", it.aws(service, "Requests"), per=MILLION)
    duration, memory = it.usage.given("workflow_duration_ms"), it.usage.given("memory_mb")
    if requests is None or duration is None or memory is None:
        yield it.depends("Duration", "monthly_requests, workflow_duration_ms and memory_mb")
        return
    each = _up(duration.base, 100) / 1000 * _up(max(memory.base, Decimal(64)), 64) / 1024
    yield from metered(it, "Duration", requests.times(each), "workflow_duration_ms", service, EXPRESS, per=3600)


@rate("aws:sqs/queue:Queue")
def queue(it: Subject) -> Iterator[Found]:
    """A message counts once for each 64 KB begun."""
    size = it.usage.given("request_size_kb") or it.usage.given("request_size")
    times = _up(size.base, 64) / 64 if size else Decimal(1)
    price = it.aws("aws_sqs_queue", "Requests", fifo_queue=it.flag("fifoQueue"))
    yield from it.used("Requests", "monthly_requests", price, per=MILLION, times=times)


@rate("aws:sns/topic:Topic")
def topic(it: Subject) -> Iterator[Found]:
    """A publication counts once for each 64 KB begun; the first million a month is free."""
    if it.flag("fifoTopic"):
        yield from _fifo_topic(it)
        return
    service, key = "aws_sns_topic", "monthly_requests"
    size = it.usage.given("request_size_kb")
    times = _up(size.base, 64) / 64 if size else Decimal(1)
    requests, _ = it.usage.get(key)
    if requests is None:
        yield it.depends("API requests", key)
        return
    requests = requests.times(times)
    yield from metered(it, "API requests", requests, key, service, FIRST_MILLION_FREE, per=MILLION)
    for item, subscriptions, free, per in FREE_NOTIFICATIONS:
        count = it.usage.given(subscriptions)
        if count is None:
            continue
        sent = requests.times(count.base)
        paid = Amount(*(max(value - free, Decimal(0)) for value in sent))
        price = it.aws(service, item)
        if item.startswith("SMS"):
            price = _text_message(it, per)
        yield from it.metered(item, paid, price, subscriptions, per=per)


def _text_message(it: Subject, per: int) -> Price | None:
    """What text messages cost depends on the country and carrier: only the usage file can tell."""
    own = it.usage.given("sms_notification_price")
    if own is None:
        return None
    day = it.book.today.isoformat()
    return Price(own.base * per, f"{per} notifications", day, it.usage.origin, "given in the usage file")


def _fifo_topic(it: Subject) -> Iterator[Found]:
    service, key = "aws_sns_topic", "monthly_requests"
    requests, assumed = it.usage.get(key)
    if requests is None:
        yield it.depends("FIFO Publish API requests", key)
        return
    count = sum(1 for _ in it.referrers("aws:sns/topicSubscription:TopicSubscription"))
    size = it.usage.given("request_size_kb")
    charges = [
        ("FIFO Publish API requests", requests, MILLION),
        ("FIFO notifications", requests.times(Decimal(count)), MILLION),
    ]
    if size:
        payload = requests.times(size.base / MILLION)
        charges += [
            ("FIFO Publish API payload", payload, 1),
            ("FIFO notification payload", payload.times(Decimal(count)), 1),
        ]
    for item, amount, per in charges:
        yield from it.metered(item, amount, it.aws(service, item), key, per=per, assumed=assumed)


@rate("aws:sns/topicSubscription:TopicSubscription")
def subscription(it: Subject) -> Iterator[Found]:
    """Notifications by the topic's usage; the key of the subscription is the older one, for HTTP."""
    size = it.usage.given("request_size_kb")
    times = _up(size.base, 64) / 64 if size else Decimal(1)
    if it.text("protocol").lower() in ("http", "https"):
        item = "HTTP notifications"
        price = it.aws("aws_sns_topic_subscription", item)
        yield from it.used(item, "monthly_requests", price, per=MILLION, times=times, quiet=True)


@rate("aws:cloudwatch/eventRule:EventRule")
def event_rule(it: Subject) -> Iterator[Found]:
    """Custom events are those of the bus: the key here is for rules on the default bus, which no plan creates."""
    price = it.aws("aws_cloudwatch_event_bus", "Custom events published")
    yield from it.used("Custom events published", "monthly_custom_events", price, per=MILLION, quiet=True)


@rate("aws:ecs/service:Service")
def container_service(it: Subject) -> Iterator[Found]:
    """Fargate tasks by their size; on EC2 the machines are priced instead."""
    names = _capacity_providers(it)
    if it.text("launchType", "EC2") != "FARGATE" and "FARGATE" not in names:
        if "FARGATE_SPOT" in names:
            yield it.gap("Fargate Spot")
        return
    task = it.referred("taskDefinition", TASK)
    for placed in it.referrers("aws:ecs/taskSet:TaskSet"):
        task = task or it.other(placed).referred("taskDefinition", TASK)
    if task is None:
        yield Gap("Tasks", "its task definition is not in the plan", "input")
        return
    at, count = it.other(task), it.amount("desiredCount")
    for item, unit, size in (
        ("Per GB per hour", "GB", _quantity(at.text("memory"), 1024)),
        ("Per vCPU per hour", "CPU", _quantity(at.text("cpu"), 1024)),
    ):
        yield it.fixed(
            item, size * count, it.aws("aws_ecs_service", item), unit=unit, steps=(f"{size} x {count} tasks",)
        )


def _capacity_providers(it: Subject) -> set[str]:
    """Where the tasks of a service run: by its own strategy, else by the default of its cluster.

    A cluster without a default strategy that has Fargate alone can run them nowhere else.
    """
    own = {str(entry.get("capacityProvider")) for entry in it.entries("capacityProviderStrategies")}
    cluster = it.referred("cluster", "aws:ecs/cluster:Cluster")
    if own or it.has("launchType") or cluster is None:
        return own
    found: set[str] = set()
    for provided in it.other(cluster).referrers("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders"):
        at = it.other(provided)
        found |= {str(entry.get("capacityProvider")) for entry in at.entries("defaultCapacityProviderStrategies")}
        offered = set(map(str, at.value("capacityProviders") or []))
        if not found and offered <= {"FARGATE", "FARGATE_SPOT"}:
            found = offered
    return found


def _quantity(text: str, unit: int) -> Decimal:
    """ "2 GB", "1 vCPU" and "2048" (of 1/1024) in whole units."""
    digits = re.match(r"\s*([\d.]+)\s*([A-Za-z]*)", text)
    if digits is None:
        return Decimal(0)
    value = Decimal(digits[1])
    return value if digits[2] else value / unit


@rate("aws:codebuild/project:Project")
def build_project(it: Subject) -> Iterator[Found]:
    size = it.text("environment.computeType").removeprefix("BUILD_").lower().replace("_", ".", 1)
    kind = it.text("environment.type", "LINUX_CONTAINER")
    system = {"WINDOWS_SERVER_2019_CONTAINER": "Windows", "WINDOWS_CONTAINER": "Windows"}.get(kind, "Linux")
    item = f"{system} ({size})"
    known = kind in ("LINUX_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER")
    key = "monthly_build_minutes" if it.usage.given("monthly_build_minutes") else "monthly_build_mins"
    yield from it.used(item, key, it.aws("aws_codebuild_project", item) if known else None)


@rate("aws:cloudwatch/eventBus:EventBus")
def event_bus(it: Subject) -> Iterator[Found]:
    for item, key, per in (
        ("Custom events published", "monthly_custom_events", MILLION),
        ("Third-party events published", "monthly_third_party_events", MILLION),
        ("Archive processing", "monthly_archive_processing_gb", 1),
        ("Archive storage", "archive_storage_gb", 1),
        ("Schema discovery", "monthly_schema_discovery_events", MILLION),
    ):
        quiet = key != "monthly_custom_events"
        yield from it.used(item, key, it.aws("aws_cloudwatch_event_bus", item), per=per, quiet=quiet)
