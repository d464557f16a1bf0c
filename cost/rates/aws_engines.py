"""Database engines beside RDS: DocumentDB, Neptune, migration, in-memory stores, proxies, snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.meters import MILLION, Meter, metered
from cost.registry import rate
from cost.subject import Found, Subject

BURSTABLE = ("db.t3", "db.t4g")
FREE_GB = {"c4": 100, "r4": 100, "r5": 100, "t2": 50, "t3": 50}
"""Storage that a replication instance includes, by family (AWS DMS pricing)."""
DMS_GB = 50


@rate("aws:docdb/clusterInstance:ClusterInstance")
def document_instance(it: Subject) -> Iterator[Found]:
    """Storage and requests of the cluster are usage of its instances, as in infracost's files."""
    service, kind = "aws_docdb_cluster_instance", it.text("instanceClass")
    item = f"Database instance (on-demand, {kind})"
    yield it.hours(item, it.aws(service, item), what="instance")
    yield from metered(
        it,
        lambda name: it.aws(service, name),
        Meter("Storage", "data_storage_gb", asked=True),
        Meter("I/O requests", "monthly_io_requests", MILLION, asked=True),
    )
    if kind.startswith(BURSTABLE):
        yield from it.used("CPU credits", "monthly_cpu_credit_hrs", it.aws(service, "CPU credits"), quiet=True)


@rate("aws:docdb/cluster:Cluster")
def document_cluster(it: Subject) -> Iterator[Found]:
    service = "aws_docdb_cluster_instance"  # where the catalog keeps what a cluster stores and reads
    yield from metered(
        it,
        lambda name: it.aws(service, name),
        Meter("Storage", "storage_gb"),
        Meter("I/O requests", "monthly_io_requests", MILLION),
    )
    item, kept = "Backup storage", it.amount("backupRetentionPeriod", 1)
    yield from it.used(item, "backup_storage_gb", it.aws("aws_docdb_cluster", item), quiet=kept <= 1)


@rate("aws:docdb/clusterSnapshot:ClusterSnapshot")
def document_snapshot(it: Subject) -> Iterator[Found]:
    item = "Backup storage"
    yield from it.used(item, "backup_storage_gb", it.aws("aws_docdb_cluster", item))


@rate("aws:neptune/cluster:Cluster")
def graph_cluster(it: Subject) -> Iterator[Found]:
    """I/O-optimized clusters pay more for storage and instances and nothing for requests."""
    service, optimized = "aws_neptune_cluster", it.text("storageType") == "iopt1"
    storage = "Storage (I/O-optimized)" if optimized else "Storage"
    yield from it.used(storage, "storage_gb", it.aws(service, storage))
    if not optimized:
        item = "I/O requests"
        yield from it.used(item, "monthly_io_requests", it.aws(service, item), per=MILLION)
    item, kept = "Backup storage", it.amount("backupRetentionPeriod", 1)
    if kept > 1:
        yield from it.used(item, "backup_storage_gb", it.aws(service, item))


@rate("aws:neptune/clusterInstance:ClusterInstance")
def graph_instance(it: Subject) -> Iterator[Found]:
    service, kind = "aws_neptune_cluster_instance", it.text("instanceClass")
    cluster = it.referred("clusterIdentifier", "aws:neptune/cluster:Cluster")
    own = it.text("storageType") or (it.other(cluster).text("storageType") if cluster else "")
    item = f"Database instance (on-demand, {kind})"
    yield it.hours(item, it.aws(service, item, storage_type=own or "standard"), what="instance")
    if kind.startswith(BURSTABLE):
        yield from it.used("CPU credits", "monthly_cpu_credit_hrs", it.aws(service, "CPU credits"), quiet=True)


@rate("aws:neptune/clusterSnapshot:ClusterSnapshot")
def graph_snapshot(it: Subject) -> Iterator[Found]:
    """Kept beyond the backups of its cluster: only where the cluster keeps more than one day."""
    item = "Backup storage"
    yield from it.used(item, "backup_storage_gb", it.aws("aws_neptune_cluster_snapshot", item))


@rate("aws:dms/replicationInstance:ReplicationInstance")
def replication(it: Subject) -> Iterator[Found]:
    service, multi = "aws_dms_replication_instance", it.flag("multiAz")
    kind = it.text("replicationInstanceClass").removeprefix("dms.")
    item = f"Instance ({kind})"
    yield it.hours(item, it.aws(service, item, multi_az=multi), what="instance")
    extra = it.amount("allocatedStorage", DMS_GB) - FREE_GB.get(kind.partition(".")[0], 0)
    if extra > 0:
        item = "Storage (general purpose SSD, gp2)"
        yield it.fixed(item, extra, it.aws(service, item, multi_az=multi), unit="GB")


@rate("aws:dax/cluster:Cluster")
def accelerator(it: Subject) -> Iterator[Found]:
    item = f"Node ({it.text('nodeType')})"
    yield it.hours(item, it.aws("aws_dax_cluster", item), it.amount("replicationFactor", 1), what="nodes")


@rate("aws:memorydb/cluster:Cluster")
def memory_cluster(it: Subject) -> Iterator[Found]:
    """One shard with one replica unless the cluster says otherwise."""
    item = f"Node ({it.text('nodeType')})"
    nodes = it.amount("numShards", 1) * (it.amount("numReplicasPerShard", 1) + 1)
    yield it.hours(item, it.aws("aws_memorydb_cluster", item), nodes, what="nodes")


@rate("aws:elasticache/serverlessCache:ServerlessCache")
def serverless_cache(it: Subject) -> Iterator[Found]:
    service = "aws_elasticache_serverless_cache"
    item = "Cached data"
    yield from it.used(item, "monthly_data_storage_gb_hours", it.aws(service, item))
    yield from it.used("ECPU", "monthly_ecpu", None, per=MILLION, quiet=True)
    yield from it.used("Snapshot storage", "monthly_snapshot_gb", it.aws("aws_elasticache_cluster", "Backup storage"),
                       quiet=True)  # fmt: skip


@rate("aws:rds/proxy:Proxy")
def proxy(it: Subject) -> Iterator[Found]:
    """By the vCPUs of the databases behind it."""
    price, item = it.aws("aws_db_proxy", "Proxy vCPU"), "Proxy vCPU"
    hours, cpus = it.usage.given("monthly_proxy_vcpu_hours"), it.usage.given("target_vcpu_count")
    if hours is None and cpus is None:
        yield it.depends(item, "target_vcpu_count")
    elif hours is not None:
        yield from it.metered(item, hours, price, "monthly_proxy_vcpu_hours")
    elif cpus is not None:
        yield from it.metered(item, cpus.times(Decimal(730)), price, "target_vcpu_count")


@rate("aws:rds/snapshot:Snapshot")
def database_snapshot(it: Subject) -> Iterator[Found]:
    item = "Snapshot storage"
    yield from it.used(item, "monthly_snapshot_gb", it.aws("aws_db_snapshot", item))
