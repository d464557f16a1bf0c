"""The table against the SDK: a misspelt name in a record would be an input that no program can set or an output that
stays empty.
"""

from __future__ import annotations

import pytest

from sandbox.providers.aws.record import Record
from sandbox.providers.aws.types import RECORDS
from tests.sandbox.providers.aws import sdk

NEEDED = [
    "ec2/vpc:Vpc",
    "ec2/subnet:Subnet",
    "ec2/internetGateway:InternetGateway",
    "ec2/eip:Eip",
    "ec2/natGateway:NatGateway",
    "ec2/routeTable:RouteTable",
    "ec2/route:Route",
    "ec2/routeTableAssociation:RouteTableAssociation",
    "ec2/vpcEndpoint:VpcEndpoint",
    "ec2/flowLog:FlowLog",
    "ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "ec2/securityGroup:SecurityGroup",
    "ec2/launchTemplate:LaunchTemplate",
    "ec2/placementGroup:PlacementGroup",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "iam/role:Role",
    "iam/rolePolicy:RolePolicy",
    "iam/rolePolicyAttachment:RolePolicyAttachment",
    "iam/policy:Policy",
    "iam/instanceProfile:InstanceProfile",
    "kms/key:Key",
    "kms/alias:Alias",
    "cloudwatch/logGroup:LogGroup",
    "eks/cluster:Cluster",
    "eks/nodeGroup:NodeGroup",
    "eks/addon:Addon",
    "eks/accessEntry:AccessEntry",
    "eks/accessPolicyAssociation:AccessPolicyAssociation",
    "eks/podIdentityAssociation:PodIdentityAssociation",
    "autoscaling/tag:Tag",
    "s3/bucket:Bucket",
    "s3/bucketVersioning:BucketVersioning",
    "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "s3/bucketPolicy:BucketPolicy",
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "s3/bucketOwnershipControls:BucketOwnershipControls",
    "s3/bucketLogging:BucketLogging",
    "s3/bucketNotification:BucketNotification",
    "fsx/lustreFileSystem:LustreFileSystem",
    "fsx/dataRepositoryAssociation:DataRepositoryAssociation",
    "codebuild/project:Project",
    "ecr/repository:Repository",
    "ecr/lifecyclePolicy:LifecyclePolicy",
    "ecr/repositoryPolicy:RepositoryPolicy",
    "budgets/budget:Budget",
    "sns/topic:Topic",
    "sns/topicPolicy:TopicPolicy",
]
every = pytest.mark.parametrize("record", RECORDS.values(), ids=lambda record: record.type.split(":")[-1])


def test_the_table_holds_every_type_of_the_components() -> None:
    assert {f"aws:{name}" for name in NEEDED} <= RECORDS.keys()


@every
def test_every_input_of_a_record_is_an_input_of_the_sdk(record: Record) -> None:
    inputs, _ = sdk.classes(record.type)
    assert record.inputs <= inputs.keys(), sorted(record.inputs - inputs.keys())


@every
def test_every_output_of_a_record_is_an_output_of_the_sdk(record: Record) -> None:
    _, outputs = sdk.classes(record.type)
    assert record.outputs.keys() <= outputs.keys(), sorted(record.outputs.keys() - outputs.keys())


@every
def test_inputs_that_the_sdk_requires_are_taken_and_required_inputs_exist(record: Record) -> None:
    inputs, _ = sdk.classes(record.type)
    needed = {name for name, kind in inputs.items() if "None" not in kind and "Optional" not in kind}
    assert needed <= record.inputs
    assert set(record.required) <= record.inputs


@every
def test_an_input_has_one_class_forced_or_changed_or_stored(record: Record) -> None:
    stepped = {name for step in record.steps for name in step.inputs}
    whole = {path for path in record.force if "." not in path}
    assert not whole & set(record.stored)
    assert not stepped & set(record.stored)
    creating = {name for step in record.steps if step.at_create for name in step.inputs}
    assert not (whole & stepped) - creating, "forced and changed at once"


@every
def test_tags_and_region_are_inputs_where_the_sdk_has_them(record: Record) -> None:
    inputs, _ = sdk.classes(record.type)
    assert ("tags" in inputs) == (record.tagging is not None)
    assert ("region" in inputs) == record.regional


@every
def test_a_taggable_type_can_be_listed_so_that_leftovers_are_found(record: Record) -> None:
    if record.tagging and record.type != "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":  # goes with its VPC
        assert record.listing is not None


@every
def test_what_is_not_readable_is_named(record: Record) -> None:
    """Every input that is not only stored shows drift, except those named here with the reason."""
    unreadable = {
        "forceDestroy", "namePrefix", "bucketPrefix", "nodeGroupNamePrefix",  # only this provider knows them
        "updateDefaultVersion",  # an instruction, no property
        "podIdentityAssociations",  # the API answers with ARNs only
        "assignGeneratedIpv6CidrBlock",  # seen in ipv6CidrBlock
        "expectedBucketOwner",  # a condition of calls
    }  # fmt: skip
    readable = record.outputs.keys() | set(record.stored) | {"tags", "region"}
    assert record.inputs - readable <= unreadable, sorted(record.inputs - readable - unreadable)
