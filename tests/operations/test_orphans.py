"""An object with the site's tag that no state knows is an orphan; what a known node group started is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from operations.orphans import in_account

REGION = "us-east-1"
TAGS = [{"Key": "dc:site", "Value": "one"}, {"Key": "dc:pool", "Value": "train"}]


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def vpc(site: str = "one") -> str:
    ec2 = boto3.client("ec2", region_name=REGION)
    made = ec2.create_vpc(
        CidrBlock="10.0.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "dc:site", "Value": site}]}],
    )
    return made["Vpc"]["VpcId"]


def instance() -> str:
    ec2 = boto3.client("ec2", region_name=REGION)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": TAGS}]
    )
    return made["Instances"][0]["InstanceId"]


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": list(resources)}}


def found(*states: dict[str, Any]) -> list[str]:
    client = boto3.client("resourcegroupstaggingapi", region_name=REGION)
    return [arn.rpartition("/")[2] for arn, _ in in_account(client, states, "one")]


def test_what_no_state_knows_is_an_orphan_and_what_one_knows_is_not() -> None:
    known, left = vpc(), vpc()
    assert found(state({"type": "aws:ec2/vpc:Vpc", "id": known})) == [left]


def test_objects_of_another_stack_and_of_another_site_are_nobodys_orphans() -> None:
    neighbour, _ = vpc(), vpc("two")
    assert found(state(), state({"type": "aws:ec2/vpc:Vpc", "id": neighbour})) == []


def test_an_instance_belongs_to_the_node_group_of_its_pool() -> None:
    started = instance()
    group = {"type": "aws:eks/nodeGroup:NodeGroup", "id": "c:train", "inputs": {"tags": {"dc:pool": "train"}}}
    assert started in found(state())
    assert found(state(group)) == []
