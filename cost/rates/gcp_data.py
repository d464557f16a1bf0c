"""Google's data services: BigQuery, Pub/Sub, Bigtable, Spanner, Firestore, AlloyDB, Memorystore, Dataflow, Dataproc."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.meters import Meter, metered
from cost.registry import rate
from cost.subject import Found, Subject

REPLICAS = 3
"""Read-write replicas of a regional Spanner instance (Spanner documentation, "Replication")."""
ALLOY_GB = 8
"""Memory for each vCPU of an AlloyDB machine."""
NODES = {
    "REDIS_SHARED_CORE_NANO": "shared core nano",
    "REDIS_STANDARD_SMALL": "standard small",
    "REDIS_HIGHMEM_MEDIUM": "highmem medium",
    "REDIS_HIGHMEM_XLARGE": "highmem xlarge",
}
NODE_GB = {
    "shared core nano": Decimal("1.4"),
    "standard small": Decimal("6.5"),
    "highmem medium": Decimal(13),
    "highmem xlarge": Decimal(58),
}
"""Capacity of a node (Memorystore for Redis Cluster documentation)."""


@rate("gcp:bigquery/dataset:Dataset")
def dataset(it: Subject) -> Iterator[Found]:
    item = "Queries (on-demand)"
    key = "monthly_query_tb" if it.usage.raw("monthly_query_tb") is not None else "monthly_queries_tb"
    yield from it.used(item, key, it.gcp("google_bigquery_dataset", item, _home(it)))


def _home(it: Subject) -> str | None:
    """Multi-regions cost as the first region of the table does."""
    return "us-central1" if (it.region or "").lower() in ("us", "eu") else it.region


@rate("gcp:bigquery/table:Table")
def table(it: Subject) -> Iterator[Found]:
    """A table is where its dataset is."""
    owner = it.referred("datasetId", "gcp:bigquery/dataset:Dataset")
    at = it.placed(it.book.region(owner)) if owner else it
    yield from metered(
        at,
        lambda item: at.gcp("google_bigquery_table", item, _home(at)),
        Meter("Active storage", "monthly_active_storage_gb", asked=True),
        Meter("Long-term storage", "monthly_long_term_storage_gb"),
        Meter("Streaming inserts", "monthly_streaming_inserts_mb"),
        Meter("Storage write API", "monthly_storage_write_api_gb"),
        Meter("Storage read API", "monthly_storage_read_api_tb"),
    )


@rate("gcp:bigquery/reservation:Reservation")
def reservation(it: Subject) -> Iterator[Found]:
    yield it.hours("Slots", it.gcp("google_bigquery_reservation", "Slots"), it.amount("slotCapacity"), what="slots")


@rate("gcp:pubsub/topic:Topic")
def topic(it: Subject) -> Iterator[Found]:
    item = "Message ingestion data"
    key = "monthly_throughput_tb" if it.usage.raw("monthly_throughput_tb") is not None else "monthly_message_data_tb"
    yield from it.used(item, key, it.gcp("google_pubsub_topic", item, "us-central1"))


@rate("gcp:pubsub/subscription:Subscription")
def subscription(it: Subject) -> Iterator[Found]:
    yield from metered(
        it,
        lambda item: it.gcp("google_pubsub_subscription", item, "us-central1"),
        Meter("Message delivery data", "monthly_message_data_tb", asked=True),
        Meter("Retained acknowledged message storage", "storage_gb"),
        Meter("Snapshot message backlog storage", "snapshot_storage_gb"),
    )


@rate("gcp:bigtable/instance:Instance")
def bigtable(it: Subject) -> Iterator[Found]:
    """Nodes of each cluster; one that scales by itself is counted at its minimum."""
    service, clusters = "google_bigtable_instance", it.entries("clusters")
    nodes, kinds = Decimal(0), set()
    for cluster in clusters:
        scaling = cluster.get("autoscalingConfig") or {}
        nodes += Decimal(str(cluster.get("numNodes") or scaling.get("minNodes") or 1))
        kinds.add(str(cluster.get("storageType") or "SSD"))
    given = it.usage.given("num_nodes")
    count = given.base if given else nodes or Decimal(1)
    yield it.hours("Nodes", it.gcp(service, "Nodes"), count, what="nodes")
    item = f"Storage ({next(iter(kinds)) if len(kinds) == 1 else 'SSD'})"
    key = "monthly_storage_gb" if it.usage.raw("monthly_storage_gb") is not None else "storage_gb"
    yield from it.used(item, key, it.gcp(service, item))


@rate("gcp:spanner/instance:Instance")
def spanner(it: Subject) -> Iterator[Found]:
    """1,000 processing units are a node; a regional configuration keeps three replicas."""
    service = "google_spanner_instance"
    regional = it.text("config").rpartition("/")[2].startswith("regional-") or not it.has("config")
    units = it.amount("processingUnits") or it.amount("numNodes", 1) * 1000
    price = it.gcp(service, "Compute capacity") if regional else None
    yield it.hours("Compute capacity", price, units / 1000 * REPLICAS, what="node replicas")
    price = it.gcp(service, "Storage") if regional else None
    yield from it.used("Storage", "monthly_storage_gb", price, times=REPLICAS)


@rate("gcp:firestore/database:Database")
def firestore(it: Subject) -> Iterator[Found]:
    yield from metered(
        it,
        lambda item: it.gcp("google_firestore_database", item),
        Meter("Document reads", "monthly_reads", 100_000, asked=True),
        Meter("Document writes", "monthly_writes", 100_000, asked=True),
        Meter("Document deletes", "monthly_deletes", 100_000),
        Meter("Stored data", "storage_gb", asked=True),
    )


@rate("gcp:alloydb/cluster:Cluster")
def alloy_cluster(it: Subject) -> Iterator[Found]:
    yield from metered(
        it,
        lambda item: it.gcp("google_alloydb_cluster", item),
        Meter("Storage", "monthly_storage_gb", asked=True),
        Meter("Backup storage", "monthly_backup_storage_gb"),
    )


@rate("gcp:alloydb/instance:Instance")
def alloy_instance(it: Subject) -> Iterator[Found]:
    """A read pool has so many nodes; a primary one, or two where it is regional."""
    service, cpus = "google_alloydb_instance", it.amount("machineConfig.cpuCount", 2)
    nodes = it.amount("readPoolConfig.nodeCount", 1)
    item = "Instance vCPUs"
    yield it.hours(item, it.gcp(service, item), cpus * nodes, what="vCPUs")
    item = "Instance memory"
    price = it.gcp(service, item)
    yield it.fixed(item, cpus * ALLOY_GB * nodes * 730, price, unit="GB-hours", steps=(f"{ALLOY_GB} GB a vCPU",))


@rate("gcp:memcache/instance:Instance")
def memcache(it: Subject) -> Iterator[Found]:
    service, nodes = "google_memcache_instance", it.amount("nodeCount", 1)
    cpus, memory = it.amount("nodeConfig.cpuCount", 1), it.amount("nodeConfig.memorySizeMb", 1024) / 1024
    yield it.hours("Node vCPUs", it.gcp(service, "Node vCPUs"), nodes * cpus, what="vCPUs")
    yield it.fixed("Node memory", nodes * memory * 730, it.gcp(service, "Node memory"), unit="GB-hours")


@rate("gcp:redis/cluster:Cluster")
def redis_cluster(it: Subject) -> Iterator[Found]:
    """A primary and its replicas for each shard. Persistence counts the capacity of all nodes."""
    service = "google_redis_cluster"
    kind = NODES.get(it.text("nodeType", "REDIS_HIGHMEM_MEDIUM"), it.text("nodeType"))
    nodes = it.amount("shardCount", 1) * (it.amount("replicaCount") + 1)
    item = f"Cluster node ({kind})"
    yield it.hours(item, it.gcp(service, item), nodes, what="nodes")
    if it.text("persistenceConfig.mode").upper() == "AOF":
        item, size = "AOF persistence", NODE_GB.get(kind)
        price = it.gcp(service, item) if size else None
        yield it.fixed(item, nodes * (size or 0) * 730, price, unit="GB-hours")
    if it.has("automatedBackupConfig"):
        yield from it.used("Backups", "backup_storage_gb", it.gcp(service, "Backups"))
    else:
        it.usage.given("backup_storage_gb")


@rate("gcp:memorystore/instance:Instance")
def memorystore(it: Subject) -> Iterator[Found]:
    """Valkey nodes: the catalog has no price of them."""
    nodes = it.amount("shardCount", 1) * (it.amount("replicaCount") + 1)
    kind = it.text("nodeType", "HIGHMEM_MEDIUM")
    yield it.gap(f"{nodes.normalize():f} Valkey nodes ({kind})", "the catalog has no price of Memorystore for Valkey")


@rate("gcp:dataflow/job:Job", "gcp:dataflow/flexTemplateJob:FlexTemplateJob")
def dataflow(it: Subject) -> Iterator[Found]:
    """Batch workers; streaming ones cost otherwise."""
    yield from metered(
        it,
        lambda item: it.gcp("google_dataflow_job", item),
        Meter("Worker vCPU", "monthly_vcpu_hours", asked=True),
        Meter("Worker memory", "monthly_memory_gib_hours", asked=True),
    )


@rate("gcp:dataproc/cluster:Cluster")
def dataproc(it: Subject) -> Iterator[Found]:
    """The fee on top of each vCPU. Machines are made by Dataproc, outside the plan."""
    item = "Service charge"
    yield from it.used(item, "monthly_vcpu_hours", it.gcp("google_dataproc_cluster", item))
    if it.has("clusterConfig"):
        yield it.gap("Machines", "Dataproc makes them, outside the plan", "input")


@rate("gcp:dataproc/metastoreService:MetastoreService")
def metastore(it: Subject) -> Iterator[Found]:
    item = f"Metastore service ({it.text('tier', 'DEVELOPER')})"
    yield it.hours(item, it.gcp("google_dataproc_metastore_service", item), what="service")
