"""A cloud that throttles, fails, half works or loses its answers: one clean line, nothing lost, nothing made twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.providers.aws.types import RECORDS
from tests.sandbox.providers.aws.api import Api
from tests.sandbox.providers.aws.plugin import Plugin, Refused
from tests.sandbox.providers.aws.scenarios import TRUST, World

VPC, ROLE, KEY = "aws:ec2/vpc:Vpc", "aws:iam/role:Role", "aws:kms/key:Key"
GATEWAY, BUCKET, ALIAS = "aws:ec2/internetGateway:InternetGateway", "aws:s3/bucket:Bucket", "aws:kms/alias:Alias"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
NETWORK = {"cidrBlock": "10.3.0.0/16"}


def fault(service: str, action: str, code: str, status: int = 400, **more: Any) -> dict[str, Any]:
    return {"service": service, "action": action, "code": code, "status": status, "message": "on demand", **more}


@pytest.mark.parametrize(
    ("service", "action", "code", "status", "kind", "inputs"),
    [
        ("ec2", "CreateVpc", "RequestLimitExceeded", 503, VPC, NETWORK),
        ("iam", "CreateRole", "Throttling", 400, ROLE, {"assumeRolePolicy": json.dumps(TRUST)}),
        ("kms", "DescribeKey", "ThrottlingException", 400, KEY, {"description": "x"}),
        ("s3", "CreateBucket", "SlowDown", 503, BUCKET, {}),
        ("ec2", "DescribeVpcs", "InternalError", 500, VPC, NETWORK),
    ],
)
def test_throttling_and_passing_errors_are_survived(
    plugin: Plugin, api: Api, service: str, action: str, code: str, status: int, kind: str, inputs: dict[str, Any]
) -> None:
    api.fail(fault(service, action, code, status, count=3))
    made = plugin.resource(kind).create(inputs)
    assert len(plugin.lines) >= 3
    assert f"{service}:{action}: {code}" in plugin.lines[0]
    assert "trying again" in plugin.lines[0]
    made.delete()


def test_endless_throttling_ends_in_one_line(plugin: Plugin, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIDC_AWS_ATTEMPTS", "4")
    api.fail(fault("ec2", "CreateVpc", "RequestLimitExceeded", 503, count=-1))
    with pytest.raises(Refused) as caught:
        plugin.resource(VPC).create(NETWORK)
    assert caught.value.code.name == "RESOURCE_EXHAUSTED"
    assert caught.value.details == "ec2:CreateVpc: RequestLimitExceeded: on demand (given up after 4 attempts)"
    assert api.calls()["ec2:CreateVpc"] == 4


def test_what_aws_refuses_is_not_tried_again(plugin: Plugin, api: Api) -> None:
    with pytest.raises(Refused) as caught:
        plugin.resource(VPC).create({"cidrBlock": "10.0.0.0/33"})
    assert caught.value.code.name == "INVALID_ARGUMENT"
    assert caught.value.details.startswith("ec2:CreateVpc: InvalidParameterValue: ")
    assert api.calls()["ec2:CreateVpc"] == 1


def test_a_value_of_the_wrong_type_is_refused_without_being_quoted(plugin: Plugin) -> None:
    with pytest.raises(Refused) as caught:
        plugin.resource(ROLE).create({"assumeRolePolicy": json.dumps(TRUST), "maxSessionDuration": "s3cr3t"})
    assert "maxsessionduration" in caught.value.details.lower()
    assert "s3cr3t" not in caught.value.details


def test_an_action_that_the_local_cloud_lacks_is_said_at_once(plugin: Plugin, api: Api) -> None:
    api.fail(fault("ec2", "CreateVpc", "NotAvailableInLocalCloud", 501, count=-1))
    with pytest.raises(Refused) as caught:
        plugin.resource(VPC).create(NETWORK)
    assert caught.value.details == "ec2:CreateVpc is not available in the local environment"
    assert caught.value.code.name == "UNIMPLEMENTED"
    assert api.calls()["ec2:CreateVpc"] == 1


@pytest.mark.parametrize(
    "kind", [VPC, ROLE, KEY, BUCKET, "aws:cloudwatch/logGroup:LogGroup", "aws:ecr/repository:Repository"]
)
def test_an_object_whose_creation_was_answered_with_an_error_is_not_made_twice(
    plugin: Plugin, api: Api, kind: str
) -> None:
    """The call is carried out and only its answer is lost."""
    record = RECORDS[kind]
    inputs = NETWORK if kind == VPC else {"assumeRolePolicy": json.dumps(TRUST)} if kind == ROLE else {}
    action = {VPC: "CreateVpc", ROLE: "CreateRole", KEY: "CreateKey", BUCKET: "CreateBucket"}.get(kind)
    action = action or {"logs": "CreateLogGroup", "ecr": "CreateRepository"}[record.service]
    assert record.listing is not None
    calls = plugin.backend.worker.api(record, "us-east-1")
    before = {found.id for found in record.listing(calls)}
    api.fail(fault(record.service, action, "InternalError", 500, after=True))
    made = plugin.resource(kind).create(inputs)
    assert {found.id for found in record.listing(calls)} - before == {made.id}
    assert not made.refresh()
    made.delete()


def test_a_half_made_resource_is_kept_and_finished_by_the_next_update(plugin: Plugin, api: Api) -> None:
    gateway, world = plugin.resource(GATEWAY), World(plugin)
    inputs = {"vpcId": world.vpc(), "tags": {"Name": "out"}}
    api.fail(fault("ec2", "AttachInternetGateway", "InternalFault", 400))
    with pytest.raises(Refused) as caught:
        gateway.create(inputs)
    assert caught.value.half_made.reasons == ["ec2:AttachInternetGateway: InternalFault: on demand"]
    assert gateway.id.startswith("igw-")
    assert gateway.update(inputs)["vpcId"] == world.vpc()
    assert gateway.changes(inputs) == set()
    assert not gateway.refresh()
    gateway.delete()
    world.clean()


def test_a_half_made_resource_is_finished_after_a_refresh_and_together_with_a_change(plugin: Plugin, api: Api) -> None:
    gateway, world = plugin.resource(GATEWAY), World(plugin)
    api.fail(fault("ec2", "AttachInternetGateway", "InternalFault", 400))
    with pytest.raises(Refused):
        gateway.create({"vpcId": world.vpc()})
    gateway.refresh()
    wanted = {"vpcId": world.vpc(), "tags": {"Name": "changed"}}
    assert gateway.changes(wanted)
    gateway.update(wanted)
    assert (gateway.state["vpcId"], gateway.state["tags"]) == (world.vpc(), {"Name": "changed"})
    assert gateway.changes(wanted) == set()
    gateway.delete()
    world.clean()


def test_an_object_that_cannot_be_read_back_is_half_made(plugin: Plugin, api: Api) -> None:
    network = plugin.resource(VPC)
    api.fail(fault("ec2", "DescribeVpcs", "UnauthorizedOperation", 403))
    with pytest.raises(Refused):
        network.create(NETWORK)
    assert network.id.startswith("vpc-")
    network.update(NETWORK)
    assert network.state["defaultSecurityGroupId"]
    network.delete()


def test_key_rotation_that_failed_is_switched_on_by_the_next_update(plugin: Plugin, api: Api) -> None:
    key, inputs = plugin.resource(KEY), {"enableKeyRotation": True}
    api.fail(fault("kms", "EnableKeyRotation", "KMSInternalException", 400))
    with pytest.raises(Refused):
        key.create(inputs)
    client = api.client("kms")
    assert client.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is False
    key.update(inputs)
    assert client.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is True
    key.delete()


def test_a_failed_update_can_be_made_again(plugin: Plugin, api: Api) -> None:
    network = plugin.resource(VPC).create(NETWORK)
    wanted = {**NETWORK, "enableDnsHostnames": True, "tags": {"a": "b"}}
    api.fail(fault("ec2", "ModifyVpcAttribute", "InternalFault", 400))
    with pytest.raises(Refused, match="ec2:ModifyVpcAttribute: InternalFault"):
        network.update(wanted)
    assert network.changes(wanted) == {"enableDnsHostnames", "tags"}
    network.update(wanted)
    assert network.state["enableDnsHostnames"] is True
    network.delete()


def test_updating_what_is_gone_says_what_to_do(plugin: Plugin, api: Api) -> None:
    network = plugin.resource(VPC).create(NETWORK)
    api.client("ec2").delete_vpc(VpcId=network.id)
    with pytest.raises(Refused) as caught:
        network.update({**NETWORK, "tags": {"a": "b"}})
    assert caught.value.code.name == "NOT_FOUND"
    assert "run `pulumi refresh`" in caught.value.details


def test_a_delete_that_is_refused_keeps_the_resource(plugin: Plugin) -> None:
    world = World(plugin)
    world.subnet()
    with pytest.raises(Refused, match=r"ec2:DeleteVpc: DependencyViolation: "):
        world.made["vpc"].delete()
    assert world.made["vpc"].read() is not None
    world.clean()


def test_a_key_that_waits_for_deletion_is_gone(plugin: Plugin, api: Api) -> None:
    key = plugin.resource(KEY).create({"deletionWindowInDays": 7})
    key.delete()
    assert api.client("kms").describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert key.read() is None
    key.delete()


def test_a_bucket_of_the_same_name_is_not_taken_over(plugin: Plugin, api: Api) -> None:
    api.client("s3").create_bucket(Bucket="taken-by-hand")
    with pytest.raises(Refused, match="BucketAlreadyOwnedByYou"):
        plugin.resource(BUCKET).create({"bucket": "taken-by-hand"})
    api.client("s3").delete_bucket(Bucket="taken-by-hand")


def test_only_an_allowed_bucket_is_deleted_with_its_contents(plugin: Plugin, api: Api) -> None:
    bucket = plugin.resource(BUCKET).create({})
    client = api.client("s3")
    client.put_bucket_versioning(Bucket=bucket.id, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        client.put_object(Bucket=bucket.id, Key="a", Body=body)
    client.create_multipart_upload(Bucket=bucket.id, Key="b")
    with pytest.raises(Refused, match="s3:DeleteBucket: BucketNotEmpty"):
        bucket.delete()
    bucket.update({"forceDestroy": True})
    bucket.delete()
    assert bucket.read() is None


ADOPTING = {
    "aws:ec2/route:Route": lambda w: {
        "routeTableId": w.table(), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": w.gateway()
    },
    ASSOCIATION: lambda w: {"routeTableId": w.table(), "subnetId": w.subnet()},
    ALIAS: lambda w: {"name": f"alias/adopted-{w.number}", "targetKeyId": w.key().id},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda w: {"role": w.role().id, "policyArn": w.policy()},
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda w: {"bucket": w.bucket(), "blockPublicAcls": True},
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": lambda w: {
        "clusterName": w.cluster(), "principalArn": w.entry(), "accessScope": {"type": "cluster"},
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", ADOPTING, ids=lambda kind: kind.split(":")[-1])
def test_what_carries_no_tags_is_adopted_when_an_equal_one_exists(plugin: Plugin, kind: str) -> None:
    world = World(plugin)
    inputs = ADOPTING[kind](world)
    first = plugin.resource(kind).create(inputs)
    second = plugin.resource(kind).create(inputs)
    assert second.id == first.id
    assert not second.refresh()
    second.delete()
    world.clean()


def test_what_differs_from_the_one_that_exists_is_not_adopted(plugin: Plugin) -> None:
    world = World(plugin)
    route = plugin.resource("aws:ec2/route:Route").create(ADOPTING["aws:ec2/route:Route"](world))
    alias = plugin.resource(ALIAS).create(ADOPTING[ALIAS](world))
    nat = world.plugin.resource("aws:ec2/natGateway:NatGateway").create(
        {"subnetId": world.subnet(), "allocationId": world.address()}
    )
    with pytest.raises(Refused, match="RouteAlreadyExists"):
        plugin.resource("aws:ec2/route:Route").create(
            {"routeTableId": world.table(), "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.id}
        )
    with pytest.raises(Refused, match="AlreadyExists"):
        plugin.resource(ALIAS).create({**ADOPTING[ALIAS](world), "targetKeyId": world.key(1).id})
    with pytest.raises(Refused, match="has another route table"):
        kind = ASSOCIATION
        plugin.resource(kind).create(ADOPTING[kind](world))
        plugin.resource(kind).create({"routeTableId": world.table(1), "subnetId": world.subnet()})
    for made in (route, alias, nat):
        made.delete()
