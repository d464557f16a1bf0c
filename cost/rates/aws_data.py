"""Data services of which the catalog knows a part or nothing: Glue, Amazon MQ, Kinesis, Kafka, SageMaker endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Subject


@rate("aws:glue/job:Job", "aws:glue/crawler:Crawler")
def glue(it: Subject) -> Iterator[Found]:
    yield from it.used("Duration", "monthly_hours", None)


@rate("aws:mq/broker:Broker")
def broker(it: Subject) -> Iterator[Found]:
    """Storage is EFS for ActiveMQ unless the broker says EBS."""
    engine, kind = it.text("engineType"), it.text("hostInstanceType")
    yield it.gap(f"Instance usage ({engine}, {kind}, {it.text('deploymentMode', 'SINGLE_INSTANCE').lower()})")
    storage = it.text("storageType", "efs" if engine.lower() == "activemq" else "ebs").upper()
    name = {"activemq": "ActiveMQ", "rabbitmq": "RabbitMQ"}.get(engine.lower(), engine)
    item = f"Storage ({name}, {storage})"
    yield from it.used(item, "storage_size_gb", it.aws("aws_mq_broker", item), unit="GB")


@rate("aws:kinesis/stream:Stream")
def stream(it: Subject) -> Iterator[Found]:
    mode = it.text("streamModeDetails.streamMode", "PROVISIONED")
    if mode == "PROVISIONED":
        yield it.gap(f"{it.amount('shardCount', 1)} shards")
    else:
        yield from it.used("Data in", "monthly_on_demand_data_in_gb", None)


@rate("aws:msk/cluster:Cluster")
def kafka(it: Subject) -> Iterator[Found]:
    brokers = it.amount("numberOfBrokerNodes", 1)
    yield it.gap(f"{brokers} brokers ({it.text('brokerNodeGroupInfo.instanceType')})")
    yield it.gap("Storage")


@rate("aws:sagemaker/endpoint:Endpoint")
def endpoint(it: Subject) -> Iterator[Found]:
    """Machines are those of the endpoint's configuration."""
    configuration = it.referred("endpointConfigName", "aws:sagemaker/endpointConfiguration:EndpointConfiguration")
    if configuration is None:
        yield it.gap("Endpoint instances", "its configuration is not in the plan", "input")
        return
    for variant in it.other(configuration).entries("productionVariants"):
        kind = variant.get("instanceType")
        item = f"Endpoint instance hours ({kind})"
        count = variant.get("initialInstanceCount") or 1
        yield it.hours(item, it.aws("aws_sagemaker_endpoint", item), int(count), what="instances")
