"""Keys, logs, metrics, notifications, parameters and the other services that operate the rest."""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

FIRST_MILLION_FREE = (Tier.free(1_000_000), Tier("over 1M", None))


@rate("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
def kms_key(it: Subject) -> Iterator[Found]:
    """A key costs by the month; each of its first two rotations adds as much again, which is not counted here."""
    yield it.fixed("Customer master key", 1, it.aws("aws_kms_key", "Customer master key"), unit="months")
    yield from it.used("Requests", "monthly_requests", it.aws("aws_kms_key", "Requests"), per=10_000)


@rate("aws:cloudwatch/logGroup:LogGroup")
def log_group(it: Subject) -> Iterator[Found]:
    for item, key in (
        ("Data ingested", "monthly_data_ingested_gb"),
        ("Archival Storage", "storage_gb"),
        ("Insights queries data scanned", "monthly_data_scanned_gb"),
    ):
        price = it.aws("aws_cloudwatch_log_group", item)
        yield from it.used(item, key, price, unit="GB", quiet=key == "monthly_data_scanned_gb")


@rate("aws:sns/topic:Topic")
def topic(it: Subject) -> Iterator[Found]:
    yield from tiered(it, "API requests", "monthly_requests", "aws_sns_topic", FIRST_MILLION_FREE, per=1_000_000)
