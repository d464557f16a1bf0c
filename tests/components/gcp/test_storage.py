"""Buckets, file systems, images, databases on Google Cloud: closed, encrypted, recoverable."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.gcp import volume
from components.gcp.file_system import GcpFileSystemSpec
from plan import Plan, Resource
from tests.stacks.support import changed, plan_of, planned

BUCKETS = {"store-logs-bucket", "store-data-bucket", "store-checkpoints-bucket", "store-models-bucket"}


def buckets(plan: Plan) -> dict[str, Resource]:
    return {made.name: made for made in plan.of_type("gcp:storage/bucket:Bucket")}


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_every_bucket_is_closed_encrypted_and_tidied(name: str) -> None:
    made = buckets(planned("gcp-h200"))[name]
    inputs = made.inputs
    assert inputs["uniformBucketLevelAccess"] is True
    assert inputs["publicAccessPrevention"] == "enforced"
    assert {urn.rsplit("::", 1)[-1] for urn in made.property_dependencies["encryption"]} >= {
        "store-key",
        "store-storage",
    }
    assert inputs["lifecycleRules"][0] == {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": 7},
    }


def test_the_key_of_the_buckets_waits_until_cloud_storage_has_an_account_in_a_new_project() -> None:
    """It is made when somebody asks for it, after its API is on; until then no key can name it."""
    plan = planned("gcp-h200", "up")
    (api,) = [made for made in plan if made.name == "apis-storage"]
    (grant,) = [made for made in plan if made.name == "store-storage"]
    assert api.urn in grant.property_dependencies["member"]
    assert grant.inputs["member"] == "serviceAccount:service-000000000000@gs-project-accounts.iam.gserviceaccount.com"


def test_objects_come_back_as_versions_or_with_folders_from_soft_delete() -> None:
    made = buckets(planned("gcp-h200"))
    data, checkpoints = made["store-data-bucket"].inputs, made["store-checkpoints-bucket"].inputs
    assert data["versioning"] == {"enabled": True}
    assert data["softDeletePolicy"] == {"retentionDurationSeconds": 0}
    assert checkpoints["hierarchicalNamespace"] == {"enabled": True}
    assert "versioning" not in checkpoints
    assert checkpoints["softDeletePolicy"] == {"retentionDurationSeconds": 30 * 86400}


def test_only_checkpoints_and_logs_expire() -> None:
    for name, made in buckets(planned("tpu-v5e")).items():
        expires = any(rule["condition"].get("withState") == "LIVE" for rule in made.inputs["lifecycleRules"])
        assert expires is (name in {"store-logs-bucket", "store-checkpoints-bucket"}), name


def test_pods_of_a_namespace_see_buckets_as_folders_and_others_may_not() -> None:
    plan = planned("tpu-v5e")
    volumes = plan.of_type("kubernetes:core/v1:PersistentVolume")
    classes = {made.inputs["spec"]["storageClassName"] for made in volumes}
    assert classes == {"gcsfusecsi-training", "gcsfusecsi-checkpointing", "gcsfusecsi-serving"}
    assert {made.inputs["spec"]["csi"]["driver"] for made in volumes} == {"gcsfuse.csi.storage.gke.io"}
    users = {
        grant.inputs["member"]
        for grant in plan.of_type("gcp:storage/bucketIAMMember:BucketIAMMember")
        if grant.inputs["role"] == "roles/storage.objectUser"
    }
    assert users == {
        (
            "principalSet://iam.googleapis.com/projects/000000000000/locations/global/workloadIdentityPools/"
            "your-project.svc.id.goog/namespace/training"
        )
    }


def egress(plan: Plan, namespace: str) -> list[dict[str, Any]]:
    """What pods of a namespace may reach."""
    (policy,) = [made for made in plan if made.name == f"{namespace}-inside"]
    return policy.inputs["spec"]["egress"]


def test_what_mounts_a_bucket_reaches_its_identity_and_cloud_storage_and_nothing_of_the_network() -> None:
    *_, identity, metadata, storage = egress(planned("tpu-v5e"), "training")
    assert identity == {
        "to": [{"ipBlock": {"cidr": "169.254.169.252/32"}}],
        "ports": [{"protocol": "TCP", "port": 988}],
    }
    assert metadata == {
        "to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}],
        "ports": [{"protocol": "TCP", "port": 80}],
    }
    assert storage["ports"] == [{"protocol": "TCP", "port": 443}]
    block = storage["to"][0]["ipBlock"]
    assert block["cidr"] == "0.0.0.0/0"
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(block["except"])


@pytest.mark.parametrize(
    ("stack", "namespace"),
    [
        ("gcp-h200", "benchmark-h200"),
        ("tpu-v6e-pod", "benchmark-v6e"),
        ("tpu-v5e", "training"),
        ("tpu7x", "shared-training"),
    ],
)
def test_pods_ask_for_names_where_gke_answers_them(stack: str, namespace: str) -> None:
    """With Cloud DNS and NodeLocal DNSCache a pod asks its node, which is no pod that a selector could match."""
    (names,) = [
        rule
        for rule in egress(planned(stack), namespace)
        if rule.get("ports") == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    ]
    blocks = {peer["ipBlock"]["cidr"] for peer in names["to"] if "ipBlock" in peer}
    assert blocks == {"169.254.169.254/32", "169.254.20.10/32"}
    apps = {peer["podSelector"]["matchLabels"]["k8s-app"] for peer in names["to"] if "podSelector" in peer}
    assert apps == {"kube-dns", "node-local-dns"}


def test_managed_lustre_stands_beside_its_pool_under_a_key_of_ours() -> None:
    plan = planned("gcp-h200")
    (made,) = plan.of_type("gcp:lustre/instance:Instance")
    assert made.inputs["location"] == "us-central1-b"
    assert made.inputs["perUnitStorageThroughput"] == "1000"
    waits = {urn.rsplit("::", 1)[-1] for urn in made.dependencies}
    assert {"network-peering", "shared-lustre"} <= waits
    assert made.protect


def test_a_lustre_volume_is_named_as_its_driver_wants_it() -> None:
    plan = planned("gcp-h200", "up")
    made = next(made for made in plan.of_type("kubernetes:core/v1:PersistentVolume") if made.name.startswith("shared"))
    assert made.inputs["spec"]["csi"]["volumeAttributes"] == {"ip": "10.0.0.3", "filesystem": "lustre"}
    assert volume.lustre_handle("projects/p/locations/z/instances/n") == "p/z/n/default-pool/default-container"


def test_filestore_gives_its_address_to_the_volume() -> None:
    plan = planned("tpu7x", "up")
    made = next(made for made in plan.of_type("kubernetes:core/v1:PersistentVolume") if made.name.startswith("shared"))
    csi = made.inputs["spec"]["csi"]
    assert csi["driver"] == "filestore.csi.storage.gke.io"
    assert csi["volumeAttributes"] == {"ip": "10.0.0.4", "volume": "share"}
    assert csi["volumeHandle"].startswith("modeInstance/us-central1-c/")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"model": "lustre", "storage-gib": 20000, "throughput": 1000},
            (
                "20000 is not on a step of 1000 MB/s per TiB. Allowed: 9000 to 1530000 in steps of 9000 GiB; nearest: "
                "18000 or 27000."
            ),
        ),
        (
            {"model": "filestore", "storage-gib": 10000},
            (
                "10000 is not on a step of tier zonal. Allowed: 1024 to 9984 in steps of 256 or 10240 to 102400 in "
                "steps of 2560 GiB; nearest: 9984 or 10240."
            ),
        ),
    ],
)
def test_a_size_between_steps_is_refused_with_the_steps(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(GcpFileSystemSpec).validate_python({"zone": "us-central1-b", **given})
    (error,) = refused.value.errors()
    assert error["msg"] == sentence


def test_tags_of_images_never_move_and_old_images_go() -> None:
    for made in planned("gcp-h200").of_type("gcp:artifactregistry/repository:Repository"):
        assert made.inputs["dockerConfig"] == {"immutableTags": True}
        assert [policy["action"] for policy in made.inputs["cleanupPolicies"]] == ["DELETE", "KEEP", "DELETE"]
        assert "kmsKeyName" in made.inputs


def test_the_database_has_no_public_address_and_no_password() -> None:
    plan = planned("gcp-h200")
    (made,) = plan.of_type("gcp:sql/databaseInstance:DatabaseInstance")
    settings = made.inputs["settings"]
    assert settings["ipConfiguration"]["ipv4Enabled"] is False
    assert {"name": "cloudsql.iam_authentication", "value": "on"} in settings["databaseFlags"]
    assert settings["backupConfiguration"]["pointInTimeRecoveryEnabled"] is True
    assert "rootPassword" not in made.inputs
    assert not plan.of_type("gcp:sql/user:User")


def test_the_cache_wants_logins_of_iam_over_tls() -> None:
    (made,) = planned("gcp-h200").of_type("gcp:memorystore/instance:Instance")
    assert made.inputs["authorizationMode"] == "IAM_AUTH"
    assert made.inputs["transitEncryptionMode"] == "SERVER_AUTHENTICATION"


def test_disks_of_a_class_are_under_the_clusters_key_and_made_where_their_pod_runs() -> None:
    (made,) = planned("gcp-h200").of_type("kubernetes:storage.k8s.io/v1:StorageClass")
    assert made.inputs["parameters"]["type"] == "hyperdisk-balanced"
    assert "disk-encryption-kms-key" in made.inputs["parameters"]
    assert made.inputs["volumeBindingMode"] == "WaitForFirstConsumer"


def test_google_warns_about_the_bill_only_where_it_knows_who_pays() -> None:
    budget = {"monthly-usd": 1000.5, "emails": ["a.b@example.com"], "billing-account": "012345-6789AB-CDEF01"}
    plan = plan_of(changed({"budget": budget}, "local-tpu"))
    (made,) = plan.of_type("gcp:billing/budget:Budget")
    amount = made.inputs["amount"]["specifiedAmount"]
    assert (amount["currencyCode"], amount["units"], amount["nanos"]) == ("USD", "1000", 500_000_000)
    assert [rule["thresholdPercent"] for rule in made.inputs["thresholdRules"]] == [0.5, 0.8, 1.0, 1.0]
    assert not planned("tpu-v5e").of_type("gcp:billing/budget:Budget")


def test_images_are_built_by_an_account_that_may_push_and_write_logs_and_nothing_else() -> None:
    source = "projects/p/locations/us-central1/connections/c/repositories/r"
    plan = plan_of(changed({"image-registry": {}, "image-builder": {"source": source}}, "local-tpu"))
    (trigger,) = plan.of_type("gcp:cloudbuild/trigger:Trigger")
    assert trigger.inputs["repositoryEventConfig"]["repository"] == source
    roles = {made.inputs["role"] for made in plan if made.name in {"build-push", "build-logs"}}
    assert roles == {"roles/artifactregistry.writer", "roles/logging.logWriter"}


def test_logs_are_kept_in_a_bucket_that_only_their_sink_writes() -> None:
    plan = planned("gcp-h200")
    (kept,) = plan.of_type("gcp:logging/projectBucketConfig:ProjectBucketConfig")
    assert kept.inputs["retentionDays"] == 365
    (sink,) = plan.of_type("gcp:logging/projectSink:ProjectSink")
    assert 'resource.type="k8s_cluster"' in sink.inputs["filter"]
    (writer,) = [made for made in plan if made.name == "logs-writer"]
    assert sink.urn in writer.property_dependencies["member"]
