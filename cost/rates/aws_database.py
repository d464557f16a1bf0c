"""Databases: RDS and Aurora, ElastiCache, DynamoDB, OpenSearch, DAX.

The catalog holds the instance classes that its source's tests name; any other is a gap with its name. A reserved term
is a gap too.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from catalog import instances
from catalog.database_support import extended_support_year
from catalog.price import Ambiguous, Price
from cost.model import HOURS
from cost.rates.machines import reserved_hours
from cost.registry import rate
from cost.subject import Charge, Found, Gap, Subject, number
from plan import Resource

RDS, AURORA = "aws_db_instance", "aws_rds_cluster_instance"
MIN_IO1_IOPS, MIN_IO1_GB, DEFAULT_GB = Decimal(1000), Decimal(100), Decimal(20)
"""What a database with io1 storage has at least, and the storage of one that does not say (RDS User Guide)."""
GP3_IOPS, GP3_STRIPED_IOPS, GP3_STRIPED_GB = 3000, 12_000, 400
"""IOPS that gp3 storage includes: more from the size on at which RDS stripes it over volumes (RDS User Guide)."""
LONG_RETENTION = 7
"""Days that Performance Insights keeps free of charge."""
SAME = {"mariadb": "mysql", "aurora": "aurora-mysql"}
"""Engines that cost as much as another one."""
OWN_LICENCE = "bring-your-own-license"


@rate("aws:rds/instance:Instance")
def database(it: Subject) -> Iterator[Found]:
    engine, kind = it.text("engine", "mysql").lower(), it.text("instanceClass")
    zones = "Multi-AZ" if it.flag("multiAz") else "Single-AZ"
    item = f"Database instance (on-demand, {zones}, {kind})"
    yield from instance(it, item, _database_price(it, item, engine), RDS, engine=SAME.get(engine, engine))
    if engine.startswith("aurora"):
        yield Gap("Storage", "Aurora stores in a cluster, and there is none: use aws:rds/clusterInstance", "input")
    else:
        yield from _database_storage(it, multi=zones == "Multi-AZ")
    backups = "Additional backup storage"
    kept = it.value("backupRetentionPeriod", 0)
    price = by_engine(it, backups, "aurora-postgresql" if engine == "aurora-postgresql" else "mysql")
    price = None if engine in ("aurora", "aurora-mysql") else price
    yield from it.used(backups, "additional_backup_storage_gb", price, quiet=not kept)
    yield from insights(it, kind)
    aurora = engine.startswith("aurora")
    yield from cpu_credits(it, kind, it.aws(AURORA if aurora else RDS, "CPU credits"))
    yield from extended_support(it, engine, kind)


def instance(it: Subject, item: str, price: Price | None, service: str, engine: str = "") -> Iterator[Found]:
    if it.usage.text("reserved_instance_term"):
        reserved = item.replace("on-demand", "reserved")
        attributes = {"engine": engine} if engine else {}
        yield from reserved_hours(it, service, reserved, Decimal(1), hours=HOURS, **attributes)
    else:
        yield it.hours(item, price, what="instance")


def _database_price(it: Subject, item: str, engine: str) -> Price | None:
    """The price of an engine. MySQL and MariaDB cost the same; the catalog's rows without an engine are MySQL's."""
    if it.text("licenseModel") == OWN_LICENCE:
        return by_engine(it, item, "oracle-byol") if engine.startswith("oracle") else None
    same = SAME.get(engine, engine)
    plain = it.aws(RDS, item, engine="none") if same == "mysql" else None
    return by_engine(it, item, same) or plain


def extended_support(it: Subject, engine: str, kind: str) -> Iterator[Found]:
    """A major version past its standard support costs extra by the vCPU-hour, more from its third year."""
    name = {"aurora": "aurora-mysql", "mariadb": ""}.get(engine, engine)
    year = extended_support_year(name, it.text("engineVersion"), it.book.today)
    if year is not None:
        item, cpus = f"Extended support (year {year})", _cpus(it, kind)
        price = it.aws(RDS, item) if cpus else None
        yield it.hours(item, price, cpus or Decimal(1), what="vCPUs")


def by_engine(it: Subject, item: str, engine: str) -> Price | None:
    """The price whose condition names the engine; rows without a condition do not say whose they are."""
    try:
        found = it.aws(RDS, item, engine=engine)
        other = it.aws(RDS, item, engine="none")
    except Ambiguous:
        return None
    return found if other is None else None


def _database_storage(it: Subject, *, multi: bool) -> Iterator[Found]:
    kind = it.text("storageType").lower() or ("io1" if it.has("iops") else "gp2")
    size, iops = it.amount("allocatedStorage", DEFAULT_GB), it.amount("iops")
    names = {"gp2": "general purpose SSD, gp2", "gp3": "general purpose SSD, gp3", "standard": "magnetic"}
    item = f"Storage ({names.get(kind, f'provisioned IOPS SSD, {kind}')})"
    if kind == "io1":
        size, iops = max(size, MIN_IO1_GB), max(iops, MIN_IO1_IOPS)
    yield it.fixed(item, size, _storage_price(it, kind, item, multi=multi), unit="GB")
    if kind in ("io1", "io2"):
        price = None if multi or kind == "io2" else it.aws(RDS, "Provisioned IOPS")
        yield it.fixed("Provisioned IOPS", iops, price, unit="IOPS")
    baseline = GP3_IOPS if size < GP3_STRIPED_GB else GP3_STRIPED_IOPS
    if kind == "gp3" and iops > baseline:
        price = it.aws(RDS, "Provisioned GP3 IOPS", multi_az=multi)
        yield it.fixed(f"Provisioned GP3 IOPS (above {baseline:,})", iops - baseline, price, unit="IOPS")
    if kind == "standard":
        price = it.aws(RDS, "I/O requests")
        yield from it.used("I/O requests", "monthly_standard_io_requests", price, per=1_000_000)


def _storage_price(it: Subject, kind: str, item: str, *, multi: bool) -> Price | None:
    if kind == "gp3":
        return it.aws(RDS, item, multi_az=multi)
    if kind == "gp2":
        return it.aws(RDS, item, multi_az=True) if multi else it.aws(RDS, item, engine="sqlserver-ee")
    return None if multi else it.aws(RDS, item)


def insights(it: Subject, kind: str, service: str = RDS) -> Iterator[Found]:
    key = "monthly_additional_performance_insights_requests"
    it.usage.given(key)
    if not it.flag("performanceInsightsEnabled"):
        return
    if it.value("performanceInsightsRetentionPeriod", 7) > LONG_RETENTION:
        item = f"Performance Insights Long Term Retention ({kind})"
        cpus = _cpus(it, kind)
        yield it.fixed(
            item, cpus or Decimal(0), it.aws(service, item) or it.aws(RDS, item) if cpus else None, unit="vCPU-month"
        )
    item = "Performance Insights API"
    yield from it.used(item, key, it.aws(RDS, item), per=1000)


def _cpus(it: Subject, kind: str) -> Decimal | None:
    given = it.usage.given("vcpu_count")
    known = instances.get(kind.removeprefix("db."))
    return given.base if given else Decimal(known.vcpus) if known else None


def cpu_credits(it: Subject, kind: str, price: Price | None) -> Iterator[Found]:
    used, cpus = it.usage.given("monthly_cpu_credit_hrs"), _cpus(it, kind)
    if used is None or cpus is None or not kind.startswith(("db.t3", "db.t4g")):
        return
    price = price if kind.startswith("db.t3") else None
    yield from it.metered("CPU credits", used.times(cpus), price, "monthly_cpu_credit_hrs", unit="vCPU-hours")


@rate("aws:elasticache/cluster:Cluster")
def cache_cluster(it: Subject) -> Iterator[Found]:
    if it.has("replicationGroupId"):
        return
    yield from _cache(it, it.amount("numCacheNodes", 1), it.text("engine", "redis"), autoscaling=False)


@rate("aws:elasticache/replicationGroup:ReplicationGroup")
def replication_group(it: Subject) -> Iterator[Found]:
    groups, replicas = it.amount("numNodeGroups"), it.amount("replicasPerNodeGroup")
    scaled = False
    for target in it.book.targets(it.resource, f"replication-group/{it.resource.inputs.get('replicationGroupId')}"):
        capacity = scaled_capacity(it, target)
        dimension = target.inputs.get("scalableDimension")
        if dimension == "elasticache:replication-group:NodeGroups":
            groups, scaled = capacity, True
        elif dimension == "elasticache:replication-group:Replicas":
            replicas, scaled = capacity, True
    nodes = groups * replicas + groups if groups else it.amount("numCacheClusters", 1)
    yield from _cache(it, nodes, it.text("engine", "redis"), autoscaling=scaled)


def scaled_capacity(it: Subject, target: Resource) -> Decimal:
    """Capacity under auto-scaling: the usage of the target, else its minimum."""
    given = it.book.usage.of(target).given("capacity")
    return given.base if given else number(target.inputs.get("minCapacity") or 0, "minCapacity")


def _cache(it: Subject, nodes: Decimal, engine: str, *, autoscaling: bool) -> Iterator[Found]:
    kind = it.text("nodeType")
    item = f"ElastiCache (on-demand, {kind}{', autoscaling' if autoscaling else ''})"
    price = it.aws("aws_elasticache_replication_group", f"ElastiCache (on-demand, {kind})")
    if it.usage.text("reserved_instance_term"):
        reserved = f"ElastiCache (reserved, {kind})"
        yield from reserved_hours(it, "aws_elasticache_cluster", reserved, nodes)
    else:
        yield it.hours(item, price if engine in ("redis", "memcached") else None, nodes, what="nodes")
    kept = it.amount("snapshotRetentionLimit")
    it.usage.given("snapshot_storage_size_gb")
    if engine == "redis" and kept > 1:
        price = it.aws("aws_elasticache_cluster", "Backup storage")
        yield from it.used("Backup storage", "snapshot_storage_size_gb", price, times=kept - 1, unit="GB")


@rate("aws:dynamodb/table:Table")
def table(it: Subject) -> Iterator[Found]:
    service = "aws_dynamodb_table"
    provisioned = it.text("billingMode", "PROVISIONED") == "PROVISIONED"
    if provisioned:
        for letter, way in (("W", "write"), ("R", "read")):
            yield _capacity(it, letter, way)
    else:
        for letter, way in (("W", "write"), ("R", "read")):
            item = f"{way.title()} request unit ({letter}RU)"
            yield from it.used(item, f"monthly_{way}_request_units", it.aws(service, item))
    yield from it.used("Data storage", "storage_gb", it.aws(service, "Data storage"), unit="GB")
    kept = "Point-In-Time Recovery (PITR) backup storage"
    if it.flag("pointInTimeRecovery.enabled"):
        yield from it.used(kept, "pitr_backup_storage_gb", it.aws(service, kept), unit="GB")
    for item, key in (
        ("On-demand backup storage", "on_demand_backup_storage_gb"),
        ("Table data restored", "monthly_data_restored_gb"),
        ("Streams read request unit (sRRU)", "monthly_streams_read_request_units"),
    ):
        yield from it.used(item, key, it.aws(service, item), quiet=True)
    for replica in it.entries("replicas"):
        yield from _replica(it.placed(str(replica.get("regionName"))), provisioned=provisioned)


def _replica(it: Subject, *, provisioned: bool) -> Iterator[Found]:
    """Writes are made again in each replica, at the price of its region."""
    service, label = "aws_dynamodb_table", f"Global table ({it.region}) > "
    if provisioned:
        item = "Replicated write capacity unit (rWCU)"
        yield it.fixed(f"{label}{item}", it.amount("writeCapacity"), it.aws(service, item), unit="rWCU")
    else:
        item = "Replicated write request unit (rWRU)"
        price = it.aws(service, item)
        yield from it.used(f"{label}{item}", "monthly_write_request_units", price, per=730, quiet=True)


def _capacity(it: Subject, letter: str, way: str) -> Found:
    """Capacity units by the month; under auto-scaling those of the target's minimum."""
    units, scaled = it.amount(f"{way}Capacity"), False
    dimension = f"dynamodb:table:{way.title()}CapacityUnits"
    for target in it.book.targets(it.resource, f"table/{it.resource.inputs.get('name')}"):
        if target.inputs.get("scalableDimension") == dimension:
            units, scaled = scaled_capacity(it, target), True
    plain = f"{way.title()} capacity unit ({letter}CU)"
    exact = f"{way.title()} capacity unit ({letter}CU, autoscaling)"
    found = it.fixed(exact if scaled else plain, units, it.aws("aws_dynamodb_table", exact), unit=f"{letter}CU")
    return found if isinstance(found, Charge) or units else it.gap(plain)


@rate("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain")
def search_domain(it: Subject) -> Iterator[Found]:
    """Size of the volume is counted once, its throughput on each node, as its source does; AWS has one on each node."""
    service = "aws_opensearch_domain" if "opensearch" in it.resource.type else "aws_elasticsearch_domain"
    default = "m4.large.elasticsearch"
    kind, count = it.text("clusterConfig.instanceType", default), it.amount("clusterConfig.instanceCount", 1)
    item = f"Instance (on-demand, {kind})"
    yield it.hours(item, it.aws(service, item), count, what="instances")
    if it.flag("ebsOptions.ebsEnabled"):
        volume = it.text("ebsOptions.volumeType", "gp2")
        size = it.amount("ebsOptions.volumeSize", 8)
        price = it.aws("aws_elasticsearch_domain", f"Storage ({volume})")
        yield it.fixed(f"Storage ({volume})", size, price, unit="GB")
        if volume == "io1":
            item = "Storage IOPS (io1)"
            yield it.fixed(item, max(it.amount("ebsOptions.iops", 1), Decimal(1)), it.aws(service, item), unit="IOPS")
        if volume == "gp3" and _paid_throughput(it.amount("ebsOptions.throughput"), size):
            extra = _paid_throughput(it.amount("ebsOptions.throughput"), size) * count  # each node has a volume
            yield it.fixed(
                "Throughput (gp3)", extra, it.aws("aws_elasticsearch_domain", "Throughput (gp3)"), unit="Mbps"
            )
    if it.flag("clusterConfig.dedicatedMasterEnabled"):
        item = f"Dedicated master (on-demand, {it.text('clusterConfig.dedicatedMasterType', default)})"
        masters = it.amount("clusterConfig.dedicatedMasterCount", 3)
        yield it.hours(item, it.aws(service, item), masters, what="masters")
    if it.flag("clusterConfig.warmEnabled") and it.amount("clusterConfig.warmCount"):
        item = f"UltraWarm instance (on-demand, {it.text('clusterConfig.warmType')})"
        yield it.hours(item, it.aws(service, item), it.amount("clusterConfig.warmCount"), what="instances")


def _paid_throughput(throughput: Decimal, size: Decimal) -> Decimal:
    """125 MiB/s are included up to 170 GB, then 250 for each 3 TB begun, up to 1,000."""
    free = Decimal(125)
    if size > 170:
        free = min(Decimal(1000), (size / 3000).to_integral_value(ROUND_CEILING) * 250)
    return max(throughput - free, Decimal(0))


@rate("aws:opensearch/serverlessCollection:ServerlessCollection")
def collection(it: Subject) -> Iterator[Found]:
    """Four capacity units at least: two for indexing, two for search."""
    service = "aws_opensearchserverless_collection"
    given = it.usage.given("ocu_count")
    units = given.base if given else Decimal(4)
    yield it.hours("OpenSearch Compute Units", it.aws(service, "OpenSearch Compute Units"), units, what="units")
    yield from it.used("Managed storage", "monthly_storage_gb", it.aws(service, "Managed storage"))
