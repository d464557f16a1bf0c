"""FSx, S3 and ECR: every resource type the components use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.aws.conftest import Client, Network, pairs, refused, tags

REPOSITORY_POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}
)
KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"


@pytest.fixture
def fsx(aws: Client) -> Any:
    return aws("fsx")


@pytest.fixture
def s3(aws: Client) -> Any:
    return aws("s3")


@pytest.fixture
def lustre(fsx: Any, network: Network) -> Any:
    """Makes Lustre file systems, and removes them."""
    made: list[str] = []

    def make(**more: Any) -> dict[str, Any]:
        config = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}
        config |= more.pop("LustreConfiguration", {})
        given = {"StorageCapacity": 2400, "SubnetIds": network.subnets[:1], "LustreConfiguration": config}
        named = {key: value for key, value in {**given, **more}.items() if value is not None}
        answer = fsx.create_file_system(FileSystemType="LUSTRE", **named)["FileSystem"]
        made.append(answer["FileSystemId"])
        return answer

    yield make
    known = {entry["FileSystemId"] for entry in fsx.describe_file_systems()["FileSystems"]}
    for identity in known & set(made):
        fsx.delete_file_system(FileSystemId=identity)


def test_lustre_file_system(fsx: Any, lustre: Any, network: Network) -> None:
    config = {
        "MetadataConfiguration": {"Mode": "USER_PROVISIONED", "Iops": 12000},
        "EfaEnabled": True,
        "DataCompressionType": "LZ4",
        "LogConfiguration": {"Level": "WARN_ERROR", "Destination": "arn:aws:logs:us-east-1:123456789012:log-group:/x"},
        "RootSquashConfiguration": {"RootSquash": "65534:65534", "NoSquashNids": ["10.0.1.*@tcp"]},
        "WeeklyMaintenanceStartTime": "1:05:00",
    }
    made = lustre(
        LustreConfiguration=config,
        StorageType="SSD",
        SecurityGroupIds=[network.group],
        KmsKeyId=KEY,
        FileSystemTypeVersion="2.15",
        Tags=pairs({"a": "b"}),
    )
    assert made["Lifecycle"] == "CREATING"
    identity = made["FileSystemId"]
    [read] = fsx.describe_file_systems(FileSystemIds=[identity])["FileSystems"]
    assert (read["Lifecycle"], read["OwnerId"], read["VpcId"]) == ("AVAILABLE", "123456789012", network.vpc)
    assert (read["StorageCapacity"], read["StorageType"], read["KmsKeyId"]) == (2400, "SSD", KEY)
    assert (read["FileSystemTypeVersion"], read["Tags"]) == ("2.15", pairs({"a": "b"}))
    assert read["DNSName"] == f"{identity}.fsx.us-east-1.amazonaws.com"
    assert len(read["LustreConfiguration"]["MountName"]) == 8
    assert config.items() <= read["LustreConfiguration"].items()
    fsx.update_file_system(
        FileSystemId=identity,
        StorageCapacity=4800,
        LustreConfiguration={"PerUnitStorageThroughput": 250, "DataCompressionType": "NONE"},
    )
    [after] = fsx.describe_file_systems(FileSystemIds=[identity])["FileSystems"]
    assert after["StorageCapacity"] == 4800
    changed = {**read["LustreConfiguration"], "PerUnitStorageThroughput": 250, "DataCompressionType": "NONE"}
    assert after["LustreConfiguration"] == changed
    fsx.tag_resource(ResourceARN=read["ResourceARN"], Tags=pairs({"c": "d"}))
    fsx.untag_resource(ResourceARN=read["ResourceARN"], TagKeys=["a"])
    assert fsx.list_tags_for_resource(ResourceARN=read["ResourceARN"])["Tags"] == pairs({"c": "d"})
    assert fsx.delete_file_system(FileSystemId=identity)["Lifecycle"] == "DELETING"
    for call in (
        lambda: fsx.describe_file_systems(FileSystemIds=[identity]),
        lambda: fsx.delete_file_system(FileSystemId=identity),
        lambda: fsx.update_file_system(FileSystemId=identity, StorageCapacity=4800),
    ):
        with refused("FileSystemNotFound"):
            call()
    with refused("ResourceNotFound"):
        fsx.tag_resource(ResourceARN=read["ResourceARN"], Tags=pairs({"c": "d"}))


def test_a_file_system_without_a_key_is_encrypted_with_the_service_key(aws: Client, lustre: Any) -> None:
    key = lustre()["KmsKeyId"]
    described = aws("kms").describe_key(KeyId="alias/aws/fsx")["KeyMetadata"]
    assert key == described["Arn"]
    assert lustre()["KmsKeyId"] == key


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        ({"StorageCapacity": 2500}, "BadRequest", "2500"),
        ({"StorageCapacity": None}, "BadRequest", "StorageCapacity is missing"),
        ({"LustreConfiguration": {"PerUnitStorageThroughput": 200}}, "InvalidPerUnitStorageThroughput", "200"),
        ({"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}}, "BadRequest", "SCRATCH_2"),
        ({"SubnetIds": ["subnet-00000000"]}, "InvalidNetworkSettings", "subnet-00000000"),
        ({"SecurityGroupIds": ["sg-00000000"]}, "InvalidNetworkSettings", "sg-00000000"),
        ({"StorageType": "INTELLIGENT_TIERING"}, "BadRequest", "ThroughputCapacity"),
    ],
)
def test_a_file_system_that_fsx_would_refuse_is_refused(
    fsx: Any, lustre: Any, wrong: dict[str, Any], code: str, part: str
) -> None:
    with refused(code, part):
        lustre(**wrong)
    assert fsx.describe_file_systems()["FileSystems"] == []


def test_a_file_system_does_not_shrink_and_holds_its_subnet(
    fsx: Any, aws: Client, lustre: Any, network: Network
) -> None:
    identity = lustre(StorageCapacity=4800)["FileSystemId"]
    with refused("BadRequest", "only grow"):
        fsx.update_file_system(FileSystemId=identity, StorageCapacity=2400)
    with refused("DependencyViolation", identity):
        aws("ec2").delete_subnet(SubnetId=network.subnets[0])


def test_data_repository_association(fsx: Any, s3: Any, lustre: Any) -> None:
    s3.create_bucket(Bucket="training-data")
    owner = lustre()["FileSystemId"]
    policies = {
        "AutoImportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]},
        "AutoExportPolicy": {"Events": ["NEW"]},
    }
    given = {
        "FileSystemId": owner,
        "FileSystemPath": "/data",
        "DataRepositoryPath": "s3://training-data/tokens/",
        "BatchImportMetaDataOnCreate": True,
        "ImportedFileChunkSize": 2048,
        "S3": policies,
    }
    made = fsx.create_data_repository_association(**given, Tags=pairs({"a": "b"}))["Association"]
    assert made["Lifecycle"] == "CREATING"
    identity = made["AssociationId"]
    [read] = fsx.describe_data_repository_associations(AssociationIds=[identity])["Associations"]
    assert given.items() <= read.items()
    assert (read["Lifecycle"], read["Tags"]) == ("AVAILABLE", pairs({"a": "b"}))
    by_owner = [{"Name": "file-system-id", "Values": [owner]}]
    assert len(fsx.describe_data_repository_associations(Filters=by_owner)["Associations"]) == 1
    fsx.update_data_repository_association(AssociationId=identity, S3={"AutoExportPolicy": {"Events": ["CHANGED"]}})
    [read] = fsx.describe_data_repository_associations(AssociationIds=[identity])["Associations"]
    assert read["S3"] == {**policies, "AutoExportPolicy": {"Events": ["CHANGED"]}}
    fsx.tag_resource(ResourceARN=read["ResourceARN"], Tags=pairs({"c": "d"}))
    [read] = fsx.describe_data_repository_associations(AssociationIds=[identity])["Associations"]
    assert read["Tags"] == pairs({"a": "b", "c": "d"})
    with refused("BadRequest", "overlaps"):
        fsx.create_data_repository_association(**{**given, "FileSystemPath": "/data/deep"})
    with refused("BadRequest", "no such bucket"):
        fsx.create_data_repository_association(**{**given, "FileSystemPath": "/x", "DataRepositoryPath": "s3://none"})
    fsx.delete_data_repository_association(AssociationId=identity, DeleteDataInFileSystem=False)
    with refused("DataRepositoryAssociationNotFound"):
        fsx.describe_data_repository_associations(AssociationIds=[identity])
    again = fsx.create_data_repository_association(**given)["Association"]["AssociationId"]
    fsx.delete_file_system(FileSystemId=owner)
    with refused("DataRepositoryAssociationNotFound"):
        fsx.describe_data_repository_associations(AssociationIds=[again])


def test_a_new_bucket_is_private_and_encrypted(s3: Any) -> None:
    s3.create_bucket(Bucket="fresh", CreateBucketConfiguration={"Tags": pairs({"a": "b"})})
    block = s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    controls = s3.get_bucket_ownership_controls(Bucket="fresh")["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    rules = s3.get_bucket_encryption(Bucket="fresh")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_tagging(Bucket="fresh")["TagSet"] == pairs({"a": "b"})
    s3.delete_public_access_block(Bucket="fresh")
    s3.create_bucket(Bucket="fresh")
    with refused("NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket="fresh")
    s3.delete_bucket(Bucket="fresh")
    with refused("404"):
        s3.head_bucket(Bucket="fresh")


@pytest.mark.parametrize("name", ["Upper", "under_score", "dots..twice", "192.168.0.1", "-dash", "xn--prefix"])
def test_a_bucket_name_that_s3_would_refuse_is_refused(s3: Any, name: str) -> None:
    with refused("InvalidBucketName"):
        s3.create_bucket(Bucket=name)


LIFECYCLE = {
    "Rules": [
        {
            "ID": "versions",
            "Status": "Enabled",
            "Filter": {"Prefix": "checkpoints/"},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 3},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "large",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "x", "Tags": pairs({"k": "v"}), "ObjectSizeGreaterThan": 131072}},
            "Transitions": [{"Days": 0, "StorageClass": "INTELLIGENT_TIERING"}],
            "NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "GLACIER_IR"}],
        },
        {"ID": "all", "Status": "Disabled", "Filter": {}, "Expiration": {"Days": 90}},
        {"ID": "small", "Status": "Enabled", "Filter": {"ObjectSizeLessThan": 10}, "Expiration": {"Days": 9}},
    ]
}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            "BucketKeyEnabled": True,
        }
    ]
}
OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}


def test_bucket_configurations_come_back_as_they_were_given(s3: Any) -> None:
    b = {"Bucket": "configured"}
    s3.create_bucket(**b)
    s3.put_bucket_versioning(**b, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(**b)["Status"] == "Enabled"
    s3.put_bucket_encryption(**b, ServerSideEncryptionConfiguration=ENCRYPTION)
    assert s3.get_bucket_encryption(**b)["ServerSideEncryptionConfiguration"] == ENCRYPTION
    s3.delete_bucket_encryption(**b)
    rules = s3.get_bucket_encryption(**b)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    s3.put_public_access_block(**b, PublicAccessBlockConfiguration=BLOCK)
    assert s3.get_public_access_block(**b)["PublicAccessBlockConfiguration"] == BLOCK
    s3.put_bucket_ownership_controls(**b, OwnershipControls=OWNERSHIP)
    assert s3.get_bucket_ownership_controls(**b)["OwnershipControls"] == OWNERSHIP
    s3.delete_bucket_ownership_controls(**b)
    with refused("OwnershipControlsNotFoundError"):
        s3.get_bucket_ownership_controls(**b)
    s3.put_bucket_tagging(**b, Tagging={"TagSet": pairs({"a": "b"})})
    assert s3.get_bucket_tagging(**b)["TagSet"] == pairs({"a": "b"})
    s3.delete_bucket_tagging(**b)
    with refused("NoSuchTagSet"):
        s3.get_bucket_tagging(**b)


def test_bucket_lifecycle_keeps_versions_and_sizes(s3: Any) -> None:
    b = {"Bucket": "aging"}
    s3.create_bucket(**b)
    s3.put_bucket_lifecycle_configuration(
        **b, LifecycleConfiguration=LIFECYCLE, TransitionDefaultMinimumObjectSize="varies_by_storage_class"
    )
    read = s3.get_bucket_lifecycle_configuration(**b)
    assert read["Rules"] == LIFECYCLE["Rules"]
    assert read["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    s3.delete_bucket_lifecycle(**b)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(**b)
    s3.delete_bucket(**b)
    s3.create_bucket(**b)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(**b)


def test_bucket_logging_is_kept_but_fills_no_bucket(s3: Any) -> None:
    for name in ("watched", "access-logs"):
        s3.create_bucket(Bucket=name)
    enabled = {
        "TargetBucket": "access-logs",
        "TargetPrefix": "watched/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }
    s3.put_bucket_logging(Bucket="watched", BucketLoggingStatus={"LoggingEnabled": enabled})
    assert s3.get_bucket_logging(Bucket="watched")["LoggingEnabled"] == enabled
    assert "Contents" not in s3.list_objects_v2(Bucket="access-logs")
    s3.put_bucket_logging(Bucket="watched", BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="watched")
    with refused("InvalidTargetBucketForLogging"):
        s3.put_bucket_logging(
            Bucket="watched", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "none", "TargetPrefix": ""}}
        )
    s3.delete_bucket(Bucket="access-logs")


def test_bucket_notification_keeps_the_event_bridge(aws: Client, s3: Any) -> None:
    topic = aws("sns").create_topic(Name="objects")["TopicArn"]
    s3.create_bucket(Bucket="loud")
    filters = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}
    rule = {"Id": "new", "TopicArn": topic, "Events": ["s3:ObjectCreated:*"], "Filter": filters}
    given = {"EventBridgeConfiguration": {}, "TopicConfigurations": [rule]}
    s3.put_bucket_notification_configuration(Bucket="loud", NotificationConfiguration=given)
    read = s3.get_bucket_notification_configuration(Bucket="loud")
    read.pop("ResponseMetadata")
    assert read == given
    s3.put_bucket_notification_configuration(Bucket="loud", NotificationConfiguration={})
    read = s3.get_bucket_notification_configuration(Bucket="loud")
    assert set(read) == {"ResponseMetadata"}


def test_a_policy_that_asks_for_tls_does_not_lock_the_local_cloud_out(s3: Any) -> None:
    arns = ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"]
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": arns,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.create_bucket(Bucket="tls-only")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [insecure]})
    s3.put_bucket_policy(Bucket="tls-only", Policy=policy)
    assert json.loads(s3.get_bucket_policy(Bucket="tls-only")["Policy"])["Statement"] == [insecure]
    s3.put_object(Bucket="tls-only", Key="a b/ü+/", Body=b"x")
    assert s3.get_object(Bucket="tls-only", Key="a b/ü+/")["Body"].read() == b"x"
    always = {key: value for key, value in insecure.items() if key != "Condition"}
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [always]}))
    with refused("403"):
        s3.put_object(Bucket="tls-only", Key="y", Body=b"x")
    for wrong in ("{", "{}", json.dumps({"Statement": [{**insecure, "Resource": "arn:aws:s3:::other/*"}]})):
        with refused("MalformedPolicy"):
            s3.put_bucket_policy(Bucket="tls-only", Policy=wrong)
    s3.delete_bucket_policy(Bucket="tls-only")
    with refused("NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket="tls-only")
    with refused("BucketNotEmpty"):
        s3.delete_bucket(Bucket="tls-only")


def test_repository_with_its_policies(aws: Client) -> None:
    ecr = aws("ecr")
    name = {"repositoryName": "training/jax"}
    made = ecr.create_repository(
        **name,
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": KEY},
        tags=pairs({"a": "b"}),
    )["repository"]
    [read] = ecr.describe_repositories(repositoryNames=[name["repositoryName"]])["repositories"]
    assert read == made
    assert read["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": KEY}
    assert read["repositoryUri"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com/training/jax"
    exclusion = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    ecr.put_image_tag_mutability(
        **name, imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=exclusion
    )
    ecr.put_image_scanning_configuration(**name, imageScanningConfiguration={"scanOnPush": False})
    [read] = ecr.describe_repositories(repositoryNames=[name["repositoryName"]])["repositories"]
    assert read["imageTagMutabilityExclusionFilters"] == exclusion
    assert read["imageScanningConfiguration"] == {"scanOnPush": False}
    rule = {
        "rulePriority": 1,
        "description": "untagged images go after two weeks",
        "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
        "action": {"type": "expire"},
    }
    lifecycle = json.dumps({"rules": [rule]})
    ecr.put_lifecycle_policy(**name, lifecyclePolicyText=lifecycle)
    assert ecr.get_lifecycle_policy(**name)["lifecyclePolicyText"] == lifecycle
    ecr.delete_lifecycle_policy(**name)
    with refused("LifecyclePolicyNotFoundException"):
        ecr.get_lifecycle_policy(**name)
    ecr.set_repository_policy(**name, policyText=REPOSITORY_POLICY)
    assert json.loads(ecr.get_repository_policy(**name)["policyText"]) == json.loads(REPOSITORY_POLICY)
    ecr.delete_repository_policy(**name)
    with refused("RepositoryPolicyNotFoundException"):
        ecr.get_repository_policy(**name)
    ecr.tag_resource(resourceArn=made["repositoryArn"], tags=pairs({"c": "d"}))
    ecr.untag_resource(resourceArn=made["repositoryArn"], tagKeys=["a"])
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == pairs({"c": "d"})
    ecr.delete_repository(**name, force=True)
    with refused("RepositoryNotFoundException"):
        ecr.describe_repositories(repositoryNames=[name["repositoryName"]])


def test_pull_through_cache_rule(aws: Client) -> None:
    ecr = aws("ecr")
    made = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="nvidia", upstreamRegistryUrl="quay.io")
    assert made["upstreamRegistry"] == "quay"
    with refused("InvalidParameterException", "credentialArn"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="hub", upstreamRegistryUrl="registry-1.docker.io")
    with refused("UnsupportedUpstreamRegistryException"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="else", upstreamRegistryUrl="example.com")
    with refused("PullThroughCacheRuleAlreadyExistsException"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="nvidia", upstreamRegistryUrl="quay.io")
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/x"
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="nvidia", credentialArn=secret)
    [read] = ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["nvidia"])["pullThroughCacheRules"]
    assert (read["upstreamRegistryUrl"], read["credentialArn"]) == ("quay.io", secret)
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="nvidia")
    with refused("PullThroughCacheRuleNotFoundException"):
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["nvidia"])


def test_one_search_by_tag_finds_everything(aws: Client, fsx: Any, s3: Any, lustre: Any, make_cluster: Any) -> None:
    ec2 = aws("ec2")
    mark = {"mark": "found"}
    spec = dict(mark)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16", TagSpecifications=tags("vpc", **spec))["Vpc"]["VpcId"]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", **spec))["AllocationId"]
    ec2.create_placement_group(GroupName="found", Strategy="cluster", TagSpecifications=tags("placement-group", **spec))
    template = ec2.create_launch_template(
        LaunchTemplateName="found", LaunchTemplateData={}, TagSpecifications=tags("launch-template", **spec)
    )["LaunchTemplate"]["LaunchTemplateId"]
    system = lustre(Tags=pairs(mark))["ResourceARN"]
    s3.create_bucket(Bucket="found", CreateBucketConfiguration={"Tags": pairs(mark)})
    aws("ecr").create_repository(repositoryName="found", tags=pairs(mark))
    aws("logs").create_log_group(logGroupName="/found", tags=mark)
    make_cluster("found", tags=mark)
    make_cluster("unmarked", tags={"mark": "other"})
    search = aws("resourcegroupstaggingapi")
    wanted = [{"Key": "mark", "Values": ["found"]}]
    arns = {entry["ResourceARN"] for entry in search.get_resources(TagFilters=wanted)["ResourceTagMappingList"]}
    own = "arn:aws:ec2:us-east-1:123456789012"
    assert arns == {
        f"{own}:vpc/{vpc}",
        f"{own}:elastic-ip/{address}",
        f"{own}:placement-group/found",
        f"{own}:launch-template/{template}",
        system,
        "arn:aws:s3:::found",
        "arn:aws:ecr:us-east-1:123456789012:repository/found",
        "arn:aws:logs:us-east-1:123456789012:log-group:/found",
        "arn:aws:eks:us-east-1:123456789012:cluster/found",
    }
    ec2.release_address(AllocationId=address)
    ec2.delete_vpc(VpcId=vpc)
    only = search.get_resources(TagFilters=wanted, ResourceTypeFilters=["ec2"])["ResourceTagMappingList"]
    assert {entry["ResourceARN"].split("/")[0] for entry in only} == {
        f"{own}:placement-group",
        f"{own}:launch-template",
    }
