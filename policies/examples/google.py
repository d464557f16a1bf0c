"""Examples for the rules about Google Cloud."""

from __future__ import annotations

from typing import Any

from policies.examples.model import Example, Thing, one

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
BUCKET = "gcp:storage/bucket:Bucket"
DATABASE = "gcp:sql/databaseInstance:DatabaseInstance"
FIREWALL = "gcp:compute/firewall:Firewall"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
WORKLOAD = "gcp:compute/resourcePolicy:ResourcePolicy"
WORLD = ["0.0.0.0/0"]
V6E, TPU7X = {"machineType": "ct6e-standard-4t"}, {"machineType": "tpu7x-standard-4t"}


def slice_(topology: str, nodes: int, kind: str | None = "COMPACT") -> dict[str, Any]:
    """A pool of v6e machines with four chips each."""
    placement = {"tpuTopology": topology, **({"type": kind} if kind else {})}
    return {"nodeConfig": V6E, "nodeCount": nodes, "placementPolicy": placement}


def allows(protocol: str, *ports: str, sources: list[str] = WORLD) -> dict[str, Any]:
    return {"sourceRanges": sources, "allows": [{"protocol": protocol, "ports": list(ports)}]}


def tpu7x(kind: str) -> list[Thing]:
    pool = {"nodeConfig": TPU7X, "placementPolicy": {"type": "COMPACT", "policyName": "p"}}
    return [
        Thing(POOL, "pool", pool, {"placementPolicy": ["policy"]}),
        Thing(WORKLOAD, "policy", {"workloadPolicy": {"type": kind}}),
    ]


def sql(**configuration: Any) -> dict[str, Any]:
    return {"settings": {"ipConfiguration": configuration}}


KEPT = {"settings": {"backupConfiguration": {"enabled": True}, "deletionProtectionEnabled": True}}
LABELS = {"dc-site": "s", "dc-environment": "e", "dc-owner": "o", "dc-cost-center": "c"}
GOOGLE: dict[str, Example] = {
    "gcp-gke-private-nodes": one(CLUSTER, {}, {"privateClusterConfig": {"enablePrivateNodes": True}}),
    "gcp-gke-endpoint-not-world": one(
        CLUSTER,
        {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}},
        {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}},
        "CKV_GCP_18",
    ),
    "gcp-gke-single-stack-multi-network": one(
        CLUSTER,
        {"enableMultiNetworking": True, "ipAllocationPolicy": {"stackType": "IPV4_IPV6"}},
        {"enableMultiNetworking": True, "ipAllocationPolicy": {"stackType": "IPV4"}},
    ),
    "gcp-gke-workload-identity": one(
        POOL,
        {"nodeConfig": {"workloadMetadataConfig": {"mode": "GCE_METADATA"}}},
        {"nodeConfig": {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}},
        "CKV_GCP_69",
    ),
    "gcp-gke-secrets-kms": one(
        CLUSTER,
        {"databaseEncryption": {"state": "DECRYPTED"}},
        {"databaseEncryption": {"state": "ENCRYPTED", "keyName": "k"}},
    ),
    "gcp-gke-shielded-nodes": one(CLUSTER, {"enableShieldedNodes": False}, {"enableShieldedNodes": True}, "CKV_GCP_71"),
    "gcp-gke-network-policy": one(CLUSTER, {}, {"datapathProvider": "ADVANCED_DATAPATH"}),
    "gcp-gke-release-channel": one(
        CLUSTER, {"releaseChannel": {"channel": "UNSPECIFIED"}}, {"releaseChannel": {"channel": "REGULAR"}}
    ),
    "gcp-gke-no-legacy-auth": one(CLUSTER, {"enableLegacyAbac": True}, {"enableLegacyAbac": False}, "CKV_GCP_7"),
    "gcp-node-service-account": one(
        POOL, {"nodeConfig": {"serviceAccount": "default"}}, {"nodeConfig": {"serviceAccount": "nodes@p.iam"}}
    ),
    "gcp-spot-or-reservation": one(
        POOL,
        {"nodeConfig": {"spot": True, "reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}}},
        {"nodeConfig": {"spot": True, "reservationAffinity": {"consumeReservationType": "NO_RESERVATION"}}},
    ),
    "gcp-tpu-topology": one(POOL, slice_("4x4", 3), slice_("4x4", 4), "nodes"),
    "gcp-tpu-placement": one(POOL, slice_("2x2", 1), slice_("2x2", 1, None), "single"),
    "gcp-tpu7x-workload-policy": Example(tpu7x("HIGH_AVAILABILITY"), tpu7x("HIGH_THROUGHPUT"), "type"),
    "gcp-required-labels": one(BUCKET, {"labels": {"dc-site": "s"}}, {"labels": LABELS}),
    "gcp-firewall-no-world-admin-ports": one(
        FIREWALL, allows("tcp", "20-30"), allows("tcp", "22", sources=["35.235.240.0/20"]), "CKV_GCP_2"
    ),
    "gcp-firewall-no-world-ingress": one(FIREWALL, allows("all"), allows("tcp", "443"), "all"),
    "gcp-network-custom-subnets": one(
        "gcp:compute/network:Network", {"autoCreateSubnetworks": True}, {"autoCreateSubnetworks": False}
    ),
    "gcp-subnet-private-access": one(SUBNETWORK, {}, {"privateIpGoogleAccess": True}, "CKV_GCP_74"),
    "gcp-subnet-flow-logs": one(SUBNETWORK, {}, {"logConfig": {"flowSampling": 0.5}}, "CKV_GCP_26"),
    "gcp-bucket-uniform-access": one(
        BUCKET, {"uniformBucketLevelAccess": False}, {"uniformBucketLevelAccess": True}, "CKV_GCP_29"
    ),
    "gcp-bucket-public-access-prevention": one(
        BUCKET, {"publicAccessPrevention": "inherited"}, {"publicAccessPrevention": "enforced"}, "CKV_GCP_114"
    ),
    "gcp-bucket-not-public": one(
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        {"role": "roles/storage.objectViewer", "member": "allUsers"},
        {"role": "roles/storage.objectViewer", "member": "group:ml@example.com"},
        "CKV_GCP_28",
    ),
    "gcp-bucket-versioning": one(
        BUCKET, {"versioning": {"enabled": False}}, {"versioning": {"enabled": True}}, "CKV_GCP_78"
    ),
    "gcp-bucket-cmek": one(BUCKET, {}, {"encryption": {"defaultKmsKeyName": "k"}}),
    "gcp-kms-rotation": one(
        "gcp:kms/cryptoKey:CryptoKey", {"rotationPeriod": "31536000s"}, {"rotationPeriod": "7776000s"}, "CKV_GCP_43"
    ),
    "gcp-sql-not-public": one(DATABASE, sql(ipv4Enabled=True), sql(ipv4Enabled=False), "CKV_GCP_60"),
    "gcp-sql-ssl": one(
        DATABASE, sql(sslMode="ALLOW_UNENCRYPTED_AND_ENCRYPTED"), sql(sslMode="ENCRYPTED_ONLY"), "CKV_GCP_6"
    ),
    "gcp-sql-backup-and-protection": one(
        DATABASE, {"settings": {"backupConfiguration": {"enabled": False}}}, KEPT, "CKV_GCP_14"
    ),
}
