"""Promises about quantities of services, one line a kind: what its inputs and its usage make it cost a month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from terminal import InvalidInput
from tests.cost.plans import plan, resource

DAY = date(2026, 11, 22)
Case = tuple[str, dict[str, Any], dict[str, Any], str]

AWS: list[Case] = [
    ("aws:kinesis/stream:Stream", {"shardCount": 4}, {}, "4 * 730 * 0.015"),
    ("aws:kinesis/stream:Stream", {"streamModeDetails": {"streamMode": "ON_DEMAND"}},
     {"monthly_on_demand_data_in_gb": 10, "monthly_on_demand_efo_data_out_gb": 2}, "730 * 0.04 + 10 * 0.1 + 2 * 0.05"),
    ("aws:msk/cluster:Cluster",
     {"numberOfBrokerNodes": 3, "brokerNodeGroupInfo": {"instanceType": "kafka.m5.large",
      "storageInfo": {"ebsStorageInfo": {"volumeSize": 100}}}}, {}, "3 * 730 * 0.21 + 300 * 0.1"),
    ("aws:msk/serverlessCluster:ServerlessCluster", {}, {"partition_count": 10}, "730 * 0.75 + 7300 * 0.0015"),
    ("aws:mq/broker:Broker",
     {"engineType": "RabbitMQ", "hostInstanceType": "mq.m5.xlarge", "deploymentMode": "CLUSTER_MULTI_AZ"},
     {"storage_size_gb": 10}, "730 * 1.728 + 30 * 0.1"),
    ("aws:glue/job:Job", {"numberOfWorkers": 5, "workerType": "G.2X"}, {"monthly_hours": 3}, "10 * 3 * 0.44"),
    ("aws:glue/job:Job", {}, {"monthly_hours": 1}, "10 * 0.44"),
    ("aws:redshift/cluster:Cluster", {"nodeType": "ra3.4xlarge", "numberOfNodes": 2},
     {"managed_storage_gb": 0, "backup_storage_gb": 60000}, "1460 * 3.26 + 51200 * 0.023 + 8800 * 0.022"),
    ("aws:docdb/clusterInstance:ClusterInstance", {"instanceClass": "db.t3.medium"},
     {"data_storage_gb": 100, "monthly_io_requests": 2000000}, "730 * 0.078 + 100 * 0.1 + 2 * 0.2"),
    ("aws:dms/replicationInstance:ReplicationInstance",
     {"replicationInstanceClass": "dms.t2.micro", "multiAz": True, "allocatedStorage": 70}, {},
     "730 * 0.036 + 20 * 0.23"),
    ("aws:apigateway/restApi:RestApi", {}, {"monthly_requests": 400_000_000}, "333 * 3.5 + 67 * 2.8"),
    ("aws:apigatewayv2/api:Api", {"protocolType": "HTTP"},
     {"monthly_requests": 100_000_000, "request_size_kb": 700}, "200 * 1"),
    ("aws:apigateway/stage:Stage", {"cacheClusterEnabled": True, "cacheClusterSize": "0.5"}, {}, "730 * 0.02"),
    ("aws:cloudfront/distribution:Distribution", {},
     {"monthly_data_transfer_to_internet_gb": {"us": 11240, "japan": 10}, "monthly_https_requests": {"us": 10000},
      "monthly_invalidation_requests": 1200}, "10240 * 0.085 + 1000 * 0.08 + 10 * 0.114 + 0.01 + 200 * 0.005"),
    ("aws:route53/healthCheck:HealthCheck", {"type": "HTTPS_STR_MATCH", "measureLatency": True},
     {"endpoint_type": "non_aws"}, "0.75 + 3 * 2"),
    ("aws:ec2clientvpn/networkAssociation:NetworkAssociation", {}, {}, "730 * 0.1"),
    ("aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig", {"provisionedConcurrentExecutions": 10},
     {"architecture": "arm64", "memory_mb": 1024, "monthly_duration_hrs": 100, "monthly_requests": 0},
     "10 * 360000 * 0.000003333"),
    ("aws:cloudhsmv2/hsm:Hsm", {}, {"monthly_hrs": 100}, "160"),
    ("aws:ssm/activation:Activation", {}, {"instance_tier": "standard", "instances": 5}, "0"),
    ("aws:ssm/activation:Activation", {}, {"instances": 10}, "7300 * 0.00695"),
    ("aws:ec2/dedicatedHost:DedicatedHost", {"instanceFamily": "c5"}, {}, "730 * 3.366"),
    ("aws:ec2/dedicatedHost:DedicatedHost", {"instanceFamily": "m5"},
     {"reserved_instance_term": "1_year", "reserved_instance_payment_option": "no_upfront"}, "730 * 3.193"),
    ("aws:ec2/instance:Instance", {"instanceType": "t3.medium"},
     {"reserved_instance_type": "convertible", "reserved_instance_term": "3_year",
      "reserved_instance_payment_option": "no_upfront"}, "730 * 0.0206 + 8 * 0.1"),
    ("aws:ec2/instance:Instance", {"instanceType": "r3.xlarge", "ebsOptimized": True}, {},
     "730 * 0.333 + 730 * 0.02 + 8 * 0.1"),
    ("aws:ec2/instance:Instance", {"instanceType": "t3.medium"}, {"operating_system": "windows"},
     "730 * 0.06 + 8 * 0.1"),
    ("aws:rds/instance:Instance", {"engine": "postgres", "engineVersion": "12.5", "instanceClass": "db.t3.large"}, {},
     "730 * 0.145 + 20 * 0.115 + 1460 * 0.1"),
    ("aws:rds/instance:Instance",
     {"engine": "mysql", "instanceClass": "db.t4g.small", "storageType": "gp3", "allocatedStorage": 400,
      "iops": 14000, "multiAz": True}, {}, "730 * 0.065 + 400 * 0.23 + 2000 * 0.04"),
    ("aws:rds/clusterInstance:ClusterInstance", {"instanceClass": "db.serverless", "engine": "aurora-postgresql"},
     {"capacity_units_per_hr": 2}, "1460 * 0.12"),
    ("aws:rds/cluster:Cluster", {"engine": "aurora-mysql", "backupRetentionPeriod": 5},
     {"storage_gb": 100, "read_requests_per_sec": 1, "write_requests_per_sec": 1, "backup_snapshot_size_gb": 10},
     "10 + 5.256 * 0.2 + 40 * 0.021"),
    ("aws:elasticache/cluster:Cluster", {"engine": "redis", "nodeType": "cache.m6g.12xlarge"},
     {"reserved_instance_term": "1_year", "reserved_instance_payment_option": "no_upfront"}, "730 * 2.428"),
    ("aws:elasticbeanstalk/environment:Environment",
     {"region": "eu-west-1", "settings": [{"name": "InstanceTypes", "value": "t3.small, t3.large"},
      {"name": "MinSize", "value": "2"}, {"name": "LoadBalancerType", "value": "classic"},
      {"name": "StreamLogs", "value": "true"}]},
     {"elb": {"monthly_data_processed_gb": 100}, "cloudwatch": {"monthly_data_ingested_gb": 10, "storage_gb": 0}},
     "1460 * 0.0228 + 16 * 0.11 + 730 * 0.028 + 100 * 0.008 + 10 * 0.57"),
    ("aws:cognito/userPool:UserPool", {}, {"monthly_active_users": 12000}, "2000 * 0.015"),
    ("aws:mwaa/environment:Environment", {"environmentClass": "mw1.large"}, {"additional_workers": 2.5},
     "730 * 0.99 + 1825 * 0.22"),
    ("aws:lightsail/instance:Instance", {"bundleId": "xlarge_2_0"}, {}, "730 * 0.1129"),
    ("aws:ec2/instance:Instance", {"instanceType": "t2.medium"}, {}, "730 * 0.0464 + 0.8"),
    ("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "network"}, {"processed_bytes_gb": 1000},
     "730 * 0.0225 + 1000 * 0.006"),
    ("aws:cloudfront/distribution:Distribution", {"viewerCertificate": {"sslSupportMethod": "vip"}}, {}, "600"),
    ("aws:globalaccelerator/endpointGroup:EndpointGroup", {"endpointGroupRegion": "us-west-1"},
     {"monthly_inbound_data_transfer_gb": {"europe": 2000}, "monthly_outbound_data_transfer_gb":
      {"europe": 5000, "asia_pacific": 1000}}, "5000 * 0.015 + 1000 * 0.035"),
    ("aws:sns/topic:Topic", {}, {"monthly_requests": 1000, "sms_subscriptions": 1, "sms_notification_price": 0.00987},
     "900 * 0.00987"),
    ("aws:kms/replicaExternalKey:ReplicaExternalKey", {}, {"monthly_requests": 10000}, "1 + 0.03"),
    ("aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace", {"name": "a.b", "vpc": "vpc-1"}, {}, "0.5"),
    ("aws:acmpca/certificate:Certificate", {}, {}, "0.75"),
    ("aws:dynamodb/table:Table", {"billingMode": "PAY_PER_REQUEST"},
     {"monthly_write_request_units": 1_000_000, "monthly_read_request_units": 5_000_000, "storage_gb": 10},
     "0.625 + 5 * 0.125 + 10 * 0.25"),
    ("aws:dynamodb/table:Table", {"readCapacity": 10, "writeCapacity": 10}, {},
     "10 * 730 * 0.00065 + 10 * 730 * 0.00013"),
    ("aws:amplify/app:App", {},
     {"monthly_build_minutes": 500, "monthly_storage_gb": 5, "monthly_data_transfer_gb": 15},
     "500 * 0.01 + 5 * 0.023 + 15 * 0.15"),
    ("aws:rds/instance:Instance", {"engine": "postgres", "instanceClass": "db.t3.medium", "storageType": "gp3",
      "allocatedStorage": 100}, {}, "730 * 0.072 + 100 * 0.115"),
    ("aws:globalaccelerator/accelerator:Accelerator", {}, {"monthly_data_transfer_gb": 100},
     "730 * 0.025 + 100 * 0.015"),
    ("aws:route53/zone:Zone", {}, {"monthly_queries": 1_000_000}, "0.5 + 0.4"),
    ("aws:cloudwatch/logGroup:LogGroup", {}, {"monthly_data_ingested_gb": 10, "monthly_data_stored_gb": 50},
     "10 * 0.5 + 50 * 0.03"),
    ("aws:backup/vault:Vault", {"region": "us-west-1"},
     {"monthly_backup_storage_gb": 500, "source_resource_type": "RDS"}, "500 * 0.095"),
    ("aws:ebs/snapshot:Snapshot", {}, {"monthly_snapshot_gb": 100}, "100 * 0.05"),
    ("aws:route53/resolverEndpoint:ResolverEndpoint", {"ipAddresses": [{}, {}]}, {}, "1460 * 0.125"),
    ("aws:fsx/lustreFileSystem:LustreFileSystem", {"storageCapacity": 1200, "perUnitStorageThroughput": 125}, {},
     "1200 * 0.145"),
    ("aws:rds/instance:Instance",
     {"engine": "oracle-se1", "instanceClass": "db.t3.large", "licenseModel": "bring-your-own-license"}, {},
     "730 * 0.136 + 20 * 0.115"),
    ("aws:neptune/clusterInstance:ClusterInstance", {"instanceClass": "db.t3.medium", "region": "eu-west-2"}, {},
     "730 * 0.112"),
    ("aws:kinesis/stream:Stream", {"shardCount": 4, "region": "us-east-2"}, {}, "4 * 730 * 0.015"),
]  # fmt: skip
GOOGLE: list[Case] = [
    ("gcp:sql/databaseInstance:DatabaseInstance",
     {"databaseVersion": "POSTGRES_15", "settings": {"tier": "db-custom-2-7680", "diskSize": 100,
      "availabilityType": "REGIONAL"}}, {}, "1460 * 0.0826 + 7.5 * 10.22 + 100 * 0.34 + 7.3"),
    ("gcp:sql/databaseInstance:DatabaseInstance",
     {"databaseVersion": "MYSQL_8_0", "settings": {"tier": "db-f1-micro", "ipConfiguration": {"ipv4Enabled": False}}},
     {"backup_storage_gb": 10}, "730 * 0.0105 + 10 * 0.17 + 0.8"),
    ("gcp:sql/databaseInstance:DatabaseInstance",
     {"databaseVersion": "POSTGRES_15", "settings": {"tier": "db-lightweight-4",
      "ipConfiguration": {"ipv4Enabled": False}}}, {}, "4 * 730 * 0.0413 + 3.75 * 5.11 + 1.7"),
    ("gcp:cloudrunv2/service:Service",
     {"location": "europe-west3", "template": {"scaling": {"minInstanceCount": 1}, "containers": [{"resources":
      {"cpuIdle": False, "limits": {"cpu": "2", "memory": "1Gi"}}}]}}, {},
     "2628000 * 2 * 0.0000216 + 2628000 * 0.0000024"),
    ("gcp:bigquery/table:Table", {}, {"monthly_active_storage_gb": 10, "monthly_storage_read_api_tb": 2}, "0.23 + 2.2"),
    ("gcp:pubsub/topic:Topic", {}, {"monthly_message_data_tb": 0.5}, "20"),
    ("gcp:cloudrunv2/service:Service",
     {"location": "europe-west3",
      "template": {"containers": [{"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}]}},
     {"monthly_requests": 500000, "average_request_duration_ms": 3600, "concurrent_requests_per_instance": 1},
     "1800000 * 2 * 0.0000336 + 1800000 * 0.0000035 + 0.2"),
    ("gcp:cloudfunctions/function:Function", {"availableMemoryMb": 256},
     {"monthly_function_invocations": 10_000_000, "request_duration_ms": 250},
     "3000000 * 0.4 * 0.00001 + 3000000 * 0.25 * 0.0000025 + 4"),
    ("gcp:compute/haVpnGateway:HaVpnGateway", {}, {"monthly_egress_data_transfer_gb": {"asia": 50}}, "4"),
    ("gcp:compute/externalVpnGateway:ExternalVpnGateway", {},
     {"monthly_egress_data_transfer_gb": {"worldwide": 11264}}, "1024 * 0.12 + 9216 * 0.11 + 1024 * 0.08"),
    ("gcp:dns/managedZone:ManagedZone", {}, {}, "0.2"),
    ("gcp:compute/targetGrpcProxy:TargetGrpcProxy", {}, {"monthly_proxy_instances": 10}, "7300 * 0.025"),
    ("gcp:redis/cluster:Cluster", {"shardCount": 3, "replicaCount": 1, "nodeType": "REDIS_STANDARD_SMALL"}, {},
     "6 * 730 * 0.1425"),
    ("gcp:artifactregistry/repository:Repository", {"location": "us-east1"},
     {"storage_gb": 100, "monthly_egress_data_transfer_gb": {"us_west1": 100, "europe_west1": 10, "us_east1": 9}},
     "10 + 1 + 0.8"),
    ("gcp:storage/bucket:Bucket", {"location": "us-central1"},
     {"monthly_storage_gb": 100, "monthly_class_a_operations": 10000}, "2 + 0.05"),
    ("gcp:compute/image:Image", {"diskSizeGb": 30}, {}, "1.5"),
    ("gcp:compute/haVpnGateway:HaVpnGateway", {}, {"tunnel_count": 2}, "2 * 730 * 0.05"),
    ("gcp:compute/disk:Disk", {"type": "pd-ssd"}, {}, "100 * 0.17"),
    ("gcp:cloudrunv2/service:Service", {"location": "us-central1"},
     {"monthly_vcpu_seconds": 1_000_000, "monthly_memory_gib_seconds": 2_000_000}, "24 + 5"),
    ("gcp:vpcaccess/connector:Connector", {"region": "us-central1", "minInstances": 3}, {}, "3 * 730 * 0.008376"),
    ("gcp:compute/disk:Disk", {"type": "pd-extreme"}, {}, "1000 * 0.125 + 100000 * 0.065"),
    ("gcp:compute/disk:Disk", {}, {}, "500 * 0.04"),
    ("gcp:cloudrun/service:Service",
     {"location": "europe-west3", "metadata": {"annotations": {"run.googleapis.com/cpu-throttling": "false"}}},
     {"instance_hrs": 10}, "36000 * 0.0000216 + 18000 * 0.0000024"),
    ("gcp:compute/instance:Instance", {"machineType": "custom-2-15360-ext", "zone": "us-central1-a"}, {},
     "1460 * 0.0232343333333 + 9490 * 0.003112 + 730 * 0.01337"),
    ("gcp:filestore/instance:Instance", {"tier": "BASIC_HDD", "fileShares": {"capacityGb": 1024}}, {}, "1024 * 0.16"),
    ("gcp:bigtable/instance:Instance", {"clusters": [{"numNodes": 3, "storageType": "SSD"}]}, {"storage_gb": 100},
     "3 * 730 * 0.65 + 17"),
    ("gcp:spanner/instance:Instance", {"config": "regional-us-central1", "processingUnits": 100}, {},
     "0.3 * 730 * 0.3"),
    ("gcp:logging/projectBucketConfig:ProjectBucketConfig", {}, {"monthly_logging_data_gb": 100}, "50"),
    ("gcp:billing/budget:Budget", {}, {}, "0"),
    ("gcp:compute/instance:Instance",
     {"machineType": "f1-micro", "zone": "us-central1-a", "bootDisk": {"initializeParams": {}},
      "scratchDisks": [{}]}, {}, "730 * 0.0076 * 0.7 + 10 * 0.04 + 375 * 0.08"),
]  # fmt: skip


def priced(kind: str, inputs: dict[str, Any], used: dict[str, Any]) -> cost.Estimate:
    return cost.estimate(plan(resource(kind, "it", **inputs)), usage.parse({"resource_usage": {"it": used}}), today=DAY)


def worked_out(text: str) -> Decimal:
    """Sums of products of numbers."""
    total = Decimal(0)
    for part in text.split("+"):
        product = Decimal(1)
        for factor in part.split("*"):
            product *= Decimal(factor.strip())
        total += product
    return total


@pytest.mark.parametrize(("kind", "inputs", "used", "arithmetic"), [*AWS, *GOOGLE])
def test_what_it_is_and_how_it_is_used_make_its_cost(
    kind: str, inputs: dict[str, Any], used: dict[str, Any], arithmetic: str
) -> None:
    found = priced(kind, inputs, used)
    assert found.totals.monthly_usd.base.quantize(Decimal("0.0001")) == worked_out(arithmetic).quantize(
        Decimal("0.0001")
    ), [(line.item, line.quantity.base, line.unit_price) for line in found.lines]
    assert not found.unknown


@pytest.mark.parametrize(
    ("kind", "inputs", "used", "words"),
    [
        ("aws:ec2/instance:Instance", {"instanceType": "t3.medium"},
         {"reserved_instance_term": "1_year", "reserved_instance_payment_option": "partial_upfront"}, "up-front fee"),
        ("aws:rds/instance:Instance", {"engine": "postgres", "engineVersion": "11", "instanceClass": "db.t3.large"}, {},
         "no price in the catalog"),
        ("aws:msk/cluster:Cluster", {"brokerNodeGroupInfo": {"instanceType": "kafka.m7g.large"}}, {}, "no price"),
        ("aws:rds/instance:Instance", {"engine": "aurora-mysql", "instanceClass": "db.t3.large"}, {}, "a cluster"),
        ("aws:rds/instance:Instance", {"engine": "mysql", "instanceClass": "db.t3.small"}, {}, "no price"),
        ("aws:sns/topic:Topic", {}, {"monthly_requests": 1000, "sms_subscriptions": 1}, "SMS"),
        ("gcp:compute/disk:Disk", {"type": "hyperdisk-extreme"}, {}, "provisionedIops"),
        ("gcp:lustre/instance:Instance", {"capacityGib": 18000, "perUnitStorageThroughput": 500}, {}, "managed Lustre"),
        ("gcp:sql/databaseInstance:DatabaseInstance",
         {"databaseVersion": "SQLSERVER_2019_WEB", "settings": {"tier": "db-custom-2-7680"}}, {}, "licence"),
        ("gcp:container/nodePool:NodePool",
         {"location": "us-central1-a", "nodeConfig": {"machineType": "tpu7x-standard-4t"}, "nodeCount": 1}, {}, "TPU"),
    ],
)  # fmt: skip
def test_what_the_catalog_does_not_hold_is_named(
    kind: str, inputs: dict[str, Any], used: dict[str, Any], words: str
) -> None:
    found = priced(kind, inputs, used)
    assert any(words in f"{gap.item} {gap.reason}" for gap in found.unknown), found.unknown


def test_a_reserved_term_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="1_year, 3_year"):
        priced("aws:ec2/instance:Instance", {"instanceType": "t3.medium"}, {"reserved_instance_term": "5_year"})


@pytest.mark.parametrize(
    ("machine", "zone", "doubtful", "disks"),
    [
        ("a3-ultragpu-8g", "us-central1-b", False, True),
        ("a3-ultragpu-8g", "us-south1-b", True, False),
        ("a3-megagpu-8g", "us-east4-a", False, False),
        ("a4-highgpu-8g", "us-central1-b", False, True),
    ],
)
def test_gpu_pools_of_gke_are_priced_and_what_is_doubtful_or_left_out_says_so(
    machine: str, zone: str, doubtful: bool, disks: bool
) -> None:
    pool = {"location": zone, "nodeCount": 2, "nodeConfig": {"machineType": machine}}
    found = priced("gcp:container/nodePool:NodePool", pool, {})
    line = next(line for line in found.lines if machine in line.item)
    assert line.quantity.base == 1460
    assert found.power.accelerators == 16
    assert line.doubtful == doubtful == any("doubtful" in warning for warning in found.warnings)
    assert disks == any("Local SSDs (32 x 375 GB on each of 2)" in gap.item for gap in found.unknown)


def test_a_group_of_google_machines_has_the_disks_of_its_template() -> None:
    template = resource(
        "gcp:compute/instanceTemplate:InstanceTemplate",
        "template",
        machineType="n2-standard-4",
        disks=[{"diskType": "pd-ssd", "diskSizeGb": 100, "boot": True}, {"type": "SCRATCH"}],
        guestAccelerators=[{"type": "nvidia-tesla-t4", "count": 1}],
    )
    group = resource(
        "gcp:compute/instanceGroupManager:InstanceGroupManager",
        "group",
        refers={"versions": "template"},
        versions=[{"instanceTemplate": None}],
        targetSize=2,
        zone="us-central1-a",
    )
    lines = {line.item: line.quantity.base for line in cost.estimate(plan(template, group), today=DAY).lines}
    assert lines["Instance usage (Linux/UNIX, on-demand, n2-standard-4)"] == 1460
    assert lines["SSD provisioned storage (pd-ssd)"] == 200
    assert lines["Local SSD provisioned storage"] == 750
    assert lines["NVIDIA Tesla T4 (on-demand)"] == 1460
