"""Buckets, images and the parallel file system: closed, encrypted, and reachable by those who should."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from components.image_registry import ImageRegistrySpec, lifecycle
from components.parallel_file_system import FileSystemSpec
from plan import Plan, Resource
from tests.stacks.support import planned

BUCKETS = ("logs", "data", "checkpoints", "models")


def part(plan: Plan, use: str, kind: str) -> Resource:
    (found,) = [
        resource
        for resource in plan
        if resource.type.endswith(f":{kind}") and resource.name.startswith(f"store-{use}-")
    ]
    return found


@pytest.mark.parametrize("use", BUCKETS)
def test_every_bucket_is_closed_versioned_and_tidied(use: str) -> None:
    plan = planned("local", "up")
    closed = part(plan, use, "BucketPublicAccessBlock").inputs
    assert all(
        closed[flag] is True
        for flag in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    )
    assert part(plan, use, "BucketVersioning").inputs["versioningConfiguration"]["status"] == "Enabled"
    assert part(plan, use, "BucketOwnershipControls").inputs["rule"]["objectOwnership"] == "BucketOwnerEnforced"
    (rule,) = part(plan, use, "BucketLifecycleConfiguration").inputs["rules"]
    assert rule["abortIncompleteMultipartUpload"]["daysAfterInitiation"] == 7
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] == 7
    document = json.loads(part(plan, use, "BucketPolicy").inputs["policy"])
    (tls,) = [statement for statement in document["Statement"] if statement["Effect"] == "Deny"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(tls["Resource"]) == 2, "the bucket and its objects"


def test_data_is_under_one_key_and_access_logs_under_the_only_one_that_works() -> None:
    plan = planned("local", "up")
    keys = set()
    for use in BUCKETS[1:]:
        settings = part(plan, use, "BucketServerSideEncryptionConfiguration")
        keys.add(settings.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"])
        assert part(plan, use, "BucketLogging").inputs["targetPrefix"] == f"store-{use}/"
    assert len(keys) == 1
    (rule,) = part(plan, "logs", "BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_only_checkpoints_and_logs_expire() -> None:
    plan = planned("local")
    expiring = {
        use for use in BUCKETS if "expiration" in part(plan, use, "BucketLifecycleConfiguration").inputs["rules"][0]
    }
    assert expiring == {"logs", "checkpoints"}


def test_tags_of_images_never_move_and_old_images_go() -> None:
    for repository in planned("local").of_type("aws:ecr/repository:Repository"):
        assert repository.inputs["imageTagMutability"] == "IMMUTABLE"
        assert repository.inputs["imageScanningConfiguration"]["scanOnPush"] is True
        assert repository.inputs["encryptionConfigurations"][0]["encryptionType"] == "KMS"
    rules = json.loads(lifecycle(ImageRegistrySpec.model_validate({"keep-images": 5})))["rules"]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged", "any"]
    assert rules[1]["selection"]["countNumber"] == 5


def spec(**given: object) -> FileSystemSpec:
    base = {"zone": "us-east-1a", "storage-gib": 38400, "throughput": 125}
    return FileSystemSpec.model_validate({**base, **{key.replace("_", "-"): value for key, value in given.items()}})


def test_the_price_of_a_file_system_is_that_of_its_tier_or_unknown() -> None:
    hourly = spec().usd_per_hour("us-east-1")
    assert hourly == (Decimal("0.145") * 38400 / 730).quantize(Decimal("0.0001"))
    assert spec(throughput=250).usd_per_hour("us-east-1") is None
    assert spec().usd_per_hour("eu-west-1") is None


def rules(plan: Plan) -> set[tuple[str, str, str, str, int | None]]:
    """(direction, on group, about group, protocol, first port) of all rules of the file system."""
    found = set()
    for way in ("Ingress", "Egress"):
        for rule in plan.of_type(f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule"):
            if rule.name.startswith("lustre-"):
                (on,) = plan.referred(rule, "securityGroupId")
                (about,) = plan.referred(rule, "referencedSecurityGroupId")
                found.add((way, on.name, about.name, rule.inputs["ipProtocol"], rule.inputs.get("fromPort")))
    return found


def test_lustre_talks_on_its_ports_to_itself_and_to_nodes_by_group() -> None:
    found = rules(planned("local"))
    lustre, nodes = "lustre-group", "cluster-eks"
    for port in (988, 1018):
        assert ("Ingress", lustre, nodes, "tcp", port) in found
        assert ("Egress", lustre, nodes, "tcp", port) in found
        assert ("Ingress", nodes, lustre, "tcp", port) in found, "servers call clients back"
        assert {("Ingress", lustre, lustre, "tcp", port), ("Egress", lustre, lustre, "tcp", port)} <= found
    assert all(protocol == "tcp" for _, _, _, protocol, _ in found)


def test_over_efa_everything_passes_between_the_groups_and_within_them() -> None:
    found = rules(planned("prod-h200"))
    lustre, fabric = "lustre-group", "h200-fabric"
    for way in ("Ingress", "Egress"):
        for on, about in ((lustre, lustre), (lustre, fabric), (fabric, lustre)):
            assert (way, on, about, "-1", None) in found


def test_the_file_system_stands_beside_its_pool_and_has_what_efa_needs() -> None:
    plan = planned("prod-h200")
    (system,) = plan.of_type("aws:fsx/lustreFileSystem:LustreFileSystem")
    (group,) = [group for group in plan.of_type("aws:eks/nodeGroup:NodeGroup") if group.name == "h200-nodes"]
    assert plan.referred(system, "subnetIds") == plan.referred(group, "subnetIds")
    assert system.inputs["efaEnabled"] is True
    assert system.inputs["storageCapacity"] == 38400
    assert system.inputs["metadataConfiguration"] == {"mode": "AUTOMATIC"}


def test_a_linked_file_system_shows_two_buckets_and_deletes_no_checkpoint() -> None:
    plan = planned("local")
    links = {link.inputs["fileSystemPath"]: link for link in plan.of_type(
        "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation")}  # fmt: skip
    assert set(links) == {"/data", "/checkpoints"}
    assert "DELETED" not in links["/checkpoints"].inputs["s3"]["autoExportPolicy"]["events"]


def test_pods_of_a_namespace_get_a_claim_that_binds_to_the_one_volume_made_for_it() -> None:
    plan = planned("local", "up")
    volumes = {one.inputs["metadata"]["name"]: one for one in plan.of_type("kubernetes:core/v1:PersistentVolume")}
    claims = plan.of_type("kubernetes:core/v1:PersistentVolumeClaim")
    assert {claim.inputs["metadata"]["namespace"] for claim in claims} == {
        "training", "benchmark-h100", "benchmark-bench", "training-tiny",
    }  # fmt: skip
    assert len(volumes) == len(claims), "a volume binds to one claim"
    for claim in claims:
        meta, volume = claim.inputs["metadata"], volumes[claim.inputs["spec"]["volumeName"]]
        assert volume.inputs["spec"]["claimRef"] == {"namespace": meta["namespace"], "name": meta["name"]}
        assert volume.inputs["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        assert claim.inputs["spec"]["storageClassName"] == "", "a default class would make a new volume"
