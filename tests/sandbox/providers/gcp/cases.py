"""For every type: inputs, a change in place, a change that replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.providers.protocol import Props
from tests.sandbox.providers.aws.plugin import Managed, Plugin

PROJECT = "aidc-local"


class World:
    """What resources need around them; made on demand, once a test."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.made: dict[str, Managed] = {}

    def _once(self, key: str, kind: str, inputs: Props) -> Managed:
        if key not in self.made:
            self.made[key] = self.plugin.resource(kind, key).create(inputs)
        return self.made[key]

    def network(self) -> Managed:
        return self._once("network", "gcp:compute/network:Network", {"autoCreateSubnetworks": False})

    def subnetwork(self) -> Managed:
        inputs = {"network": self.network().id, "ipCidrRange": "10.0.0.0/20"}
        return self._once("subnetwork", "gcp:compute/subnetwork:Subnetwork", inputs)

    def router(self) -> Managed:
        return self._once("router", "gcp:compute/router:Router", {"network": self.network().id})

    def key_ring(self) -> Managed:
        return self._once("ring", "gcp:kms/keyRing:KeyRing", {"location": "us-central1"})

    def key(self) -> Managed:
        return self._once("key", "gcp:kms/cryptoKey:CryptoKey", {"keyRing": self.key_ring().id})

    def account(self) -> Managed:
        return self._once("account", "gcp:serviceaccount/account:Account", {"accountId": "workers"})

    def bucket(self) -> Managed:
        return self._once("bucket", "gcp:storage/bucket:Bucket", {"location": "US"})

    def repository(self) -> Managed:
        inputs = {"repositoryId": "images", "format": "DOCKER", "location": "us-central1"}
        return self._once("repository", "gcp:artifactregistry/repository:Repository", inputs)

    def database(self) -> Managed:
        inputs = {"databaseVersion": "POSTGRES_17", "deletionProtection": False, "settings": {"tier": "db-f1-micro"}}
        return self._once("database", "gcp:sql/databaseInstance:DatabaseInstance", inputs)

    def topic(self) -> Managed:
        return self._once("topic", "gcp:pubsub/topic:Topic", {})

    def cluster(self) -> Managed:
        inputs = {"location": "us-central1", "initialNodeCount": 1, "deletionProtection": False}
        inputs |= {"network": self.network().id, "subnetwork": self.subnetwork().id, "minMasterVersion": "1.35"}
        return self._once("cluster", "gcp:container/cluster:Cluster", inputs)

    def policy(self, mode: str = "AUTO_CONNECT", topology: str = "4x4x4") -> Managed:
        workload = {"type": "HIGH_THROUGHPUT", "acceleratorTopology": topology, "acceleratorTopologyMode": mode}
        return self._once("policy", "gcp:compute/resourcePolicy:ResourcePolicy", {"workloadPolicy": workload})


@dataclass(frozen=True)
class Case:
    """`inputs`, then `change` merged in place, then `replacing` merged."""

    inputs: Callable[[World], Props]
    change: Props | None = None
    replacing: Props | None = None


def fixed(**values: Any) -> Callable[[World], Props]:
    return lambda _: dict(values)


def grant(place: str, given: Callable[[World], str]) -> Case:
    return Case(
        lambda world: {place: given(world), "role": "roles/viewer", "member": "group:staff@example.org"},
        replacing={"role": "roles/editor"},
    )


def slice_pool(world: World, **config: Any) -> Props:
    """A 4x4 slice of v6e: four hosts."""
    return {
        "cluster": world.cluster().id,
        "location": "us-central1",
        "nodeLocations": ["us-central1-b"],
        "nodeCount": 4,
        "placementPolicy": {"type": "COMPACT", "tpuTopology": "4x4"},
        "nodeConfig": {"machineType": "ct6e-standard-4t", "labels": {"dc/pool": "v6e"}} | config,
    }


CASES: dict[str, Case] = {
    "compute/network:Network": Case(
        fixed(autoCreateSubnetworks=False, mtu=8896, enableUlaInternalIpv6=True),
        {"routingMode": "GLOBAL"},
        {"autoCreateSubnetworks": True},
    ),
    "compute/subnetwork:Subnetwork": Case(
        lambda world: {
            "network": world.network().id,
            "ipCidrRange": "10.0.0.0/20",
            "stackType": "IPV4_IPV6",
            "ipv6AccessType": "INTERNAL",
            "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}],
        },
        {"privateIpGoogleAccess": True},
        {"ipv6AccessType": "EXTERNAL"},
    ),
    "compute/router:Router": Case(
        lambda world: {"network": world.network().id}, {"description": "x"}, {"region": "us-east1"}
    ),
    "compute/routerNat:RouterNat": Case(
        lambda world: {
            "router": world.router().state["name"],
            "natIpAllocateOption": "AUTO_ONLY",
            "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        },
        {"minPortsPerVm": 128},
        {"region": "us-east1"},
    ),
    "compute/firewall:Firewall": Case(
        lambda world: {"network": world.network().id, "allows": [{"protocol": "all"}], "sourceRanges": ["10.0.0.0/8"]},
        {"priority": 900},
        {"direction": "INGRESS"},
    ),
    "compute/globalAddress:GlobalAddress": Case(
        fixed(addressType="INTERNAL", purpose="VPC_PEERING", prefixLength=16),
        {"labels": {"a": "b"}},
        {"prefixLength": 20},
    ),
    "compute/resourcePolicy:ResourcePolicy": Case(
        fixed(workloadPolicy={"type": "HIGH_THROUGHPUT", "acceleratorTopology": "4x4x4"}),
        None,
        {"workloadPolicy": {"type": "HIGH_THROUGHPUT", "acceleratorTopology": "4x4x8"}},
    ),
    "servicenetworking/connection:Connection": Case(
        lambda world: {
            "network": world.network().id,
            "service": "servicenetworking.googleapis.com",
            "reservedPeeringRanges": ["a"],
        },
        {"reservedPeeringRanges": ["a", "b"]},
        {"service": "other.googleapis.com"},
    ),
    "networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy": Case(
        lambda world: {"location": "us-central1", "network": world.network().id, "serviceClass": "gcp-memorystore"},
        {"description": "x"},
        {"serviceClass": "other"},
    ),
    "kms/keyRing:KeyRing": Case(fixed(location="us-central1"), None, {"location": "us-east1"}),
    "kms/cryptoKey:CryptoKey": Case(
        lambda world: {"keyRing": world.key_ring().id, "rotationPeriod": "7776000s"},
        {"labels": {"a": "b"}},
        {"purpose": "MAC"},
    ),
    "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": grant("cryptoKeyId", lambda world: world.key().id),
    "projects/iAMMember:IAMMember": grant("project", lambda _: PROJECT),
    "projects/iAMCustomRole:IAMCustomRole": Case(
        fixed(roleId="reader", title="Reader", permissions=["storage.objects.get"]),
        {"permissions": ["storage.objects.list"]},
        {"roleId": "other"},
    ),
    "serviceaccount/iAMMember:IAMMember": grant("serviceAccountId", lambda world: world.account().id),
    "storage/bucketIAMMember:BucketIAMMember": grant("bucket", lambda world: world.bucket().state["name"]),
    "artifactregistry/repositoryIamMember:RepositoryIamMember": grant(
        "repository", lambda world: world.repository().state["name"]
    ),
    "pubsub/topicIAMMember:TopicIAMMember": grant("topic", lambda world: world.topic().id),
    "projects/service:Service": Case(
        fixed(service="container.googleapis.com"), {"disableOnDestroy": False}, {"service": "compute.googleapis.com"}
    ),
    "projects/serviceIdentity:ServiceIdentity": Case(
        fixed(service="sqladmin.googleapis.com"), None, {"service": "file.googleapis.com"}
    ),
    "serviceaccount/account:Account": Case(fixed(accountId="workers"), {"displayName": "x"}, {"accountId": "others"}),
    "storage/bucket:Bucket": Case(
        fixed(location="US", uniformBucketLevelAccess=True, hierarchicalNamespace={"enabled": True}, forceDestroy=True),
        {"labels": {"a": "b"}},
        {"location": "EU"},
    ),
    "lustre/instance:Instance": Case(
        lambda world: {
            "instanceId": "scratch",
            "location": "us-central1-a",
            "capacityGib": 18000,
            "filesystem": "lustre",
            "network": world.network().id,
            "perUnitStorageThroughput": 1000,
        },
        {"labels": {"a": "b"}},
        {"perUnitStorageThroughput": 500},
    ),
    "filestore/instance:Instance": Case(
        fixed(
            location="us-central1",
            tier="REGIONAL",
            fileShares={"capacityGb": 1024, "name": "home"},
            networks=[{"network": "default", "modes": ["MODE_IPV4"]}],
        ),
        {"labels": {"a": "b"}},
        {"tier": "ZONAL"},
    ),
    "artifactregistry/repository:Repository": Case(
        fixed(repositoryId="images", format="DOCKER", location="us-central1"),
        {"description": "x"},
        {"format": "PYTHON"},
    ),
    "sql/databaseInstance:DatabaseInstance": Case(
        fixed(databaseVersion="POSTGRES_17", deletionProtection=False, settings={"tier": "db-f1-micro"}),
        {"settings": {"tier": "db-g1-small"}},
        {"region": "us-east1"},
    ),
    "sql/database:Database": Case(
        lambda world: {"instance": world.database().state["name"]}, {"charset": "UTF8"}, {"name": "other"}
    ),
    "sql/user:User": Case(
        lambda world: {"instance": world.database().state["name"], "type": "CLOUD_IAM_SERVICE_ACCOUNT"},
        {"deletionPolicy": "ABANDON"},
        {"name": "other"},
    ),
    "memorystore/instance:Instance": Case(
        fixed(instanceId="cache", location="us-central1", shardCount=1, deletionProtectionEnabled=False),
        {"shardCount": 2},
        {"mode": "CLUSTER_DISABLED"},
    ),
    "cloudbuild/trigger:Trigger": Case(
        fixed(location="us-central1", filename="b.yaml"), {"disabled": True}, {"location": "a"}
    ),
    "cloudbuild/workerPool:WorkerPool": Case(
        fixed(location="us-central1"), {"displayName": "x"}, {"location": "us-east1"}
    ),
    "logging/projectBucketConfig:ProjectBucketConfig": Case(
        fixed(project=PROJECT, location="us-central1", bucketId="logs", retentionDays=30),
        {"retentionDays": 60},
        {"bucketId": "others"},
    ),
    "logging/projectSink:ProjectSink": Case(
        fixed(destination="logging.googleapis.com/x"), {"filter": "severity>=ERROR"}, {"name": "other"}
    ),
    "billing/budget:Budget": Case(
        fixed(billingAccount="000000-000000-000000", amount={"lastPeriodAmount": True}),
        {"displayName": "x"},
        {"billingAccount": "000000-000000-000001"},
    ),
    "pubsub/topic:Topic": Case(fixed(), {"labels": {"a": "b"}}, {"kmsKeyName": "k"}),
    "pubsub/subscription:Subscription": Case(
        lambda world: {"topic": world.topic().id}, {"ackDeadlineSeconds": 30}, {"name": "other"}
    ),
    "container/cluster:Cluster": Case(
        lambda world: {
            "location": "us-central1",
            "network": world.network().id,
            "subnetwork": world.subnetwork().id,
            "initialNodeCount": 1,
            "removeDefaultNodePool": True,
            "deletionProtection": False,
            "privateClusterConfig": {"enablePrivateNodes": True},
            "resourceLabels": {"dc-site": "test"},
        },
        {"releaseChannel": {"channel": "STABLE"}},
        {"datapathProvider": "ADVANCED_DATAPATH"},
    ),
    "container/nodePool:NodePool": Case(
        slice_pool,
        {"nodeConfig": {"machineType": "ct6e-standard-4t", "labels": {"dc/pool": "other"}}},
        {"nodeConfig": {"machineType": "ct6e-standard-4t", "spot": True}},
    ),
}
