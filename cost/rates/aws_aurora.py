"""Aurora: instances, and the cluster's storage, requests, backups and backtracking."""

from __future__ import annotations

from collections.abc import Iterator

from cost.meters import MILLION
from cost.model import HOURS
from cost.rates.aws_database import AURORA, by_engine, cpu_credits, extended_support, insights, instance
from cost.registry import rate
from cost.subject import Found, Subject

CLUSTER = "aws:rds/cluster:Cluster"
SERVICE = "aws_rds_cluster"
SECONDS = HOURS * 3600


@rate("aws:rds/clusterInstance:ClusterInstance")
def aurora_instance(it: Subject) -> Iterator[Found]:
    """PostgreSQL and MySQL cost the same. An I/O-optimized cluster pays more for its instances."""
    cluster = it.referred("clusterIdentifier", CLUSTER)
    optimized = bool(cluster and cluster.inputs.get("storageType") == "aurora-iopt1")
    kind = it.text("instanceClass")
    suffix = ", I/O-optimized" if optimized else ""
    if kind == "db.serverless":
        item = "Aurora serverless v2" + (" (I/O-optimized)" if optimized else "")
        yield from it.used(item, "capacity_units_per_hr", it.aws(AURORA, item), times=HOURS, unit="ACU-hours")
        yield from _serverless_insights(it)
        return
    item = f"Database instance (on-demand, {kind}{suffix})"
    price = it.aws(AURORA, item)
    if price is None and not optimized:
        price = by_engine(it, f"Database instance (on-demand, Single-AZ, {kind})", "aurora-postgresql")
    yield from instance(it, item, price, AURORA)
    yield from cpu_credits(it, kind, it.aws(AURORA, "CPU credits"))
    yield from insights(it, kind, AURORA)
    yield from extended_support(it, _engine(it), kind)


def _engine(it: Subject) -> str:
    return it.text("engine", "aurora").lower()


def _serverless_insights(it: Subject) -> Iterator[Found]:
    """Long retention by the capacity units; without them in the usage there is nothing to count."""
    key = "monthly_additional_performance_insights_requests"
    it.usage.given(key)
    if not it.flag("performanceInsightsEnabled"):
        return
    if it.value("performanceInsightsRetentionPeriod", 7) > 7:
        item = "Performance Insights Long Term Retention (serverless)"
        yield from it.used(item, "capacity_units_per_hr", it.aws(AURORA, item), unit="ACUs")
    item = "Performance Insights API"
    yield from it.used(item, key, it.aws("aws_db_instance", item), per=1000)


@rate(CLUSTER)
def aurora_cluster(it: Subject) -> Iterator[Found]:
    """Storage, requests and backups of a cluster; instances are resources of their own."""
    if not it.text("engine", "aurora").startswith("aurora") and it.has("dbClusterInstanceClass"):
        yield it.gap(f"Database cluster ({it.text('dbClusterInstanceClass')})")
        return
    serverless = it.text("engineMode") == "serverless"
    if serverless:
        item = "Aurora serverless"
        yield from it.used(item, "capacity_units_per_hr", it.aws(SERVICE, item), times=HOURS, unit="ACU-hours")
    else:
        it.usage.given("capacity_units_per_hr")
    yield from _storage(it)
    kept = it.amount("backupRetentionPeriod", 1)
    if kept > 1:
        price = it.aws(SERVICE, "Backup storage")
        yield from it.used("Backup storage", "backup_snapshot_size_gb", price, times=kept - 1, unit="GB")
    if not serverless and "postgresql" not in it.text("engine", "aurora"):
        yield from _backtrack(it)
    item = "Snapshot export"
    yield from it.used(item, "snapshot_export_size_gb", it.aws(SERVICE, item), quiet=True)


def _storage(it: Subject) -> Iterator[Found]:
    optimized = it.text("storageType") == "aurora-iopt1"
    item = "Storage (I/O-optimized)" if optimized else "Storage"
    yield from it.used(item, "storage_gb", it.aws(SERVICE, item), unit="GB")
    reads, writes = it.usage.given("read_requests_per_sec"), it.usage.given("write_requests_per_sec")
    item, key = "I/O requests", "read_requests_per_sec and write_requests_per_sec"
    if optimized:
        return
    counted = it.usage.given("monthly_io_requests")
    if counted is not None:
        yield from it.metered(item, counted, it.aws(SERVICE, item), "monthly_io_requests", per=MILLION)
        return
    if reads is None or writes is None:
        yield it.depends(item, key)
        return
    yield from it.metered(item, reads.plus(writes).times(SECONDS), it.aws(SERVICE, item), key, per=MILLION)


def _backtrack(it: Subject) -> Iterator[Found]:
    """Changed records of the window that are kept, each hour of the month."""
    keys = ("average_statements_per_hr", "change_records_per_statement", "backtrack_window_hrs")
    given = [it.usage.given(key) for key in keys]
    statements, records, window = given
    if statements is None or records is None or window is None:
        return
    item = "Backtrack"
    amount = statements.times(records.base * window.base * HOURS)
    yield from it.metered(item, amount, it.aws(SERVICE, item), ", ".join(keys), per=MILLION)
