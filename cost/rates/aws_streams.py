"""Streams and brokers: Kinesis, Data Firehose, Managed Flink, Managed Kafka, Amazon MQ."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.book import TARGET
from cost.meters import Meter, metered
from cost.rates.aws_database import scaled_capacity
from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

ON_DEMAND = (
    Meter("Data ingested", "monthly_on_demand_data_in_gb", asked=True),
    Meter("Data retrieval", "monthly_on_demand_data_out_gb"),
    Meter("Enhanced Fan Out (EFO) Data retrieval", "monthly_on_demand_efo_data_out_gb"),
    Meter("Extended retention (24H to 7D)", "monthly_on_demand_extended_retention_gb"),
    Meter("Long term retention (7D+)", "monthly_on_demand_long_term_retention_gb"),
)
PROVISIONED = (
    Meter("Put request unit", "monthly_provisioned_put_units", asked=True),
    Meter("Extended retention (24H to 7D)", "monthly_provisioned_extended_retention_gb"),
    Meter("Long term retention (7D+)", "monthly_provisioned_long_term_retention_gb"),
    Meter("Extended retention retrieval (7D+)", "monthly_provisioned_long_term_retrieval_gb"),
    Meter("Enhanced Fan Out (EFO) Data retrieval", "monthly_provisioned_efo_data_out_gb"),
    Meter("Enhanced Fan Out (EFO)", "monthly_provisioned_efo_consumer_hours"),
)
BY_MODE = frozenset({
    "Enhanced Fan Out (EFO) Data retrieval",
    "Extended retention (24H to 7D)",
    "Long term retention (7D+)",
})  # fmt: skip
FIREHOSE = (Tier("first 500TB", 512_000), Tier("next 1.5PB", 1_536_000), Tier("next 3PB", None))
KPU_GB = 50
"""Running storage that each processing unit of an Apache Flink application has (Managed Flink pricing)."""
RABBIT_NODES = 3
"""Brokers of a RabbitMQ cluster."""


@rate("aws:kinesis/stream:Stream")
def stream(it: Subject) -> Iterator[Found]:
    service, mode = "aws_kinesis_stream", it.text("streamModeDetails.streamMode", "PROVISIONED")
    shards = it.amount("shardCount", 1) if mode == "PROVISIONED" else Decimal(1)
    yield it.hours(mode, it.aws(service, mode), shards, what="shards" if mode == "PROVISIONED" else "stream")
    meters = PROVISIONED if mode == "PROVISIONED" else ON_DEMAND
    for meter in meters:
        attributes = {"mode": mode} if meter.item in BY_MODE else {}
        yield from metered(it, lambda item, given=attributes: it.aws(service, item, **given), meter)


@rate("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
def firehose(it: Subject) -> Iterator[Found]:
    """Conversion and delivery into a VPC count the ingested data again; delivery runs in each subnet."""
    service, key = "aws_kinesis_firehose_delivery_stream", "monthly_data_ingested_gb"
    yield from tiered(it, "Data ingested", key, service, FIREHOSE)
    conversion = "extendedS3Configuration.dataFormatConversionConfiguration"
    if it.has(conversion) and str(it.value(f"{conversion}.enabled", True)).lower() == "true":
        yield from it.used("Format conversion", key, it.aws(service, "Format conversion"), quiet=True)
    for name in ("elasticsearchConfiguration", "opensearchConfiguration"):
        if it.has(f"{name}.vpcConfig"):
            yield from it.used("VPC data", key, it.aws(service, "VPC data"), quiet=True)
            subnets = it.value(f"{name}.vpcConfig.subnetIds") or []
            item = "VPC AZ delivery"
            yield it.hours(item, it.aws(service, item), len(subnets) or 1, what="zones")


@rate("aws:kinesis/analyticsApplication:AnalyticsApplication")
def analytics(it: Subject) -> Iterator[Found]:
    item = "Processing (stream)"
    price = it.aws("aws_kinesis_analytics_application", item)
    yield from it.used(item, "kinesis_processing_units", price, unit="KPU")


@rate("aws:kinesisanalyticsv2/application:Application")
def flink(it: Subject) -> Iterator[Found]:
    """Units are quoted by the month. An application of Flink has one more unit, 50 GB for each unit, and backups."""
    service, key = "aws_kinesisanalyticsv2_application", "kinesis_processing_units"
    item = "Processing (stream)"
    yield from it.used(item, key, it.aws(service, item), unit="KPU")
    if it.text("runtimeEnvironment").lower().startswith("flink"):
        item = "Processing (orchestration)"
        yield it.fixed(item, 1, it.aws(service, item), unit="KPU")
        price = it.aws(service, "Running storage")
        yield from it.used("Running storage", key, price, times=KPU_GB, unit="GB", quiet=True)
        yield from it.used("Backup", "durable_application_backup_gb", it.aws(service, "Backup"), quiet=True)


@rate("aws:kinesisanalyticsv2/applicationSnapshot:ApplicationSnapshot")
def flink_snapshot(it: Subject) -> Iterator[Found]:
    price = it.aws("aws_kinesisanalyticsv2_application_snapshot", "Backup")
    yield from it.used("Backup", "durable_application_backup_gb", price)


@rate("aws:msk/cluster:Cluster")
def kafka(it: Subject) -> Iterator[Found]:
    """Storage of each broker; under auto-scaling that of the scaling target's usage or minimum."""
    service = "aws_msk_cluster"
    brokers, kind = it.amount("numberOfBrokerNodes", 1), it.text("brokerNodeGroupInfo.instanceType")
    item = f"Instance ({kind})"
    yield it.hours(item, it.aws(service, item), brokers, what="brokers")
    size = it.amount("brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize", 1000)
    name = "Storage"
    for target in it.referrers(TARGET):
        size, name = scaled_capacity(it, target), "Storage (autoscaling)"
    steps = (f"{size} GB x {brokers} brokers",)
    yield it.fixed(name, size * brokers, it.aws(service, name), unit="GB", steps=steps)


@rate("aws:msk/serverlessCluster:ServerlessCluster")
def kafka_serverless(it: Subject) -> Iterator[Found]:
    service, key = "aws_msk_serverless_cluster", "partition_count"
    yield it.hours("Cluster", it.aws(service, "Cluster"), what="cluster")
    yield from it.used("Partitions", key, it.aws(service, "Partitions"), times=730, unit="partition-hours")
    for item, used in (("Storage", "monthly_storage_gb"), ("Data in", "monthly_data_in_gb"),
                       ("Data out", "monthly_data_out_gb")):  # fmt: skip
        yield from it.used(item, used, it.aws(service, item), quiet=True)


@rate("aws:mq/broker:Broker")
def broker(it: Subject) -> Iterator[Found]:
    """Storage is EFS for ActiveMQ unless the broker says EBS; a RabbitMQ cluster keeps three copies."""
    service, mode = "aws_mq_broker", it.text("deploymentMode", "SINGLE_INSTANCE").lower()
    engine = {"activemq": "ActiveMQ", "rabbitmq": "RabbitMQ"}.get(it.text("engineType").lower(), it.text("engineType"))
    item = f"Instance usage ({engine}, {it.text('hostInstanceType')}, {mode})"
    yield it.hours(item, it.aws(service, item), what="broker")
    storage = it.text("storageType", "efs" if engine == "ActiveMQ" else "ebs").upper()
    item, copies = f"Storage ({engine}, {storage})", RABBIT_NODES if mode == "cluster_multi_az" else 1
    yield from it.used(item, "storage_size_gb", it.aws(service, item), times=copies, unit="GB")
