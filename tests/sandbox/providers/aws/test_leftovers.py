"""What a killed update leaves behind is found by its URN and removed; what AWS provides itself is neither."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from sandbox.providers.aws import leftovers, tags
from sandbox.providers.aws.inventory import inventory
from terminal import UserError
from tests.sandbox.providers.aws.api import Api
from tests.sandbox.providers.aws.plugin import Plugin
from tests.sandbox.providers.aws.scenarios import TRUST, World
from tests.sandbox.providers.aws.test_lifecycle import CASES


@pytest.fixture
def session(api: Api) -> Iterator[boto3.Session]:
    api.empty()
    yield boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    api.empty()


def test_an_empty_account_has_no_inventory(session: boto3.Session) -> None:
    assert inventory(session) == {}
    assert leftovers.find(session) == []


def test_every_tagged_object_of_every_type_is_found_and_removed(session: boto3.Session, plugin: Plugin) -> None:
    world = World(plugin)
    made = []
    for name, case in CASES.items():
        kind = name.split(" ")[0]
        if " " not in name and kind != "aws:eks/accessEntry:AccessEntry":  # the world makes the same one
            inputs = {key: value for key, value in case.inputs(world).items() if value is not None}
            made.append(plugin.resource(kind, "left").create(inputs))
    everything = {one.urn: one.id for one in [*made, *world.order] if "tagsAll" in one.state}
    everything = {urn: known for urn, known in everything.items() if "defaultSecurityGroup" not in urn}

    found = leftovers.find(session)
    assert {one.urn: one.id for one in found} == everything
    assert leftovers.find(session, "other") == []
    leftovers.remove(session, found)
    assert inventory(session) == {}
    leftovers.remove(session, found)


def test_objects_that_the_state_knows_can_be_kept(session: boto3.Session, plugin: Plugin) -> None:
    kept = plugin.resource("aws:ec2/vpc:Vpc", "network").create({"cidrBlock": "10.0.0.0/16"})
    orphan = plugin.resource("aws:ec2/vpc:Vpc", "network").create({"cidrBlock": "10.0.0.0/16"})
    unknown = [one for one in leftovers.find(session, "test") if (one.urn, one.id) != (kept.urn, kept.id)]
    assert [one.id for one in unknown] == [orphan.id]
    leftovers.remove(session, unknown)
    assert inventory(session) == {"ec2 vpc": [kept.id]}


def test_what_cannot_be_removed_is_named_in_one_line(session: boto3.Session, plugin: Plugin, api: Api) -> None:
    plugin.resource("aws:ec2/vpc:Vpc", "network").create({"cidrBlock": "10.0.0.0/16"})
    api.fail({"service": "ec2", "action": "DeleteVpc", "count": -1, "code": "DependencyViolation", "message": "in use"})
    with pytest.raises(
        UserError, match=r"^aws:ec2/vpc:Vpc vpc-\w+ cannot be removed: ec2:DeleteVpc: DependencyViolation: in use$"
    ):
        leftovers.remove(session, leftovers.find(session))


def test_a_cloud_that_does_not_answer_or_is_not_ours_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    monkeypatch.setenv("AIDC_AWS_BACKOFF", "0")
    for url, text in (("http://127.0.0.1:1", "does not answer"), ("https://sts.amazonaws.com", "not on this machine")):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for question in (inventory, leftovers.find):
            with pytest.raises(UserError, match=text):
                question(session)


def test_inventory_shows_what_was_made_by_hand(session: boto3.Session, api: Api) -> None:
    vpc = api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    api.client("iam").create_role(RoleName="by-hand", AssumeRolePolicyDocument=json.dumps(TRUST))
    assert inventory(session) == {"ec2 vpc": [vpc], "iam role": ["by-hand"]}
    assert leftovers.find(session) == []


@pytest.mark.parametrize(
    "urn", ["urn:pulumi:local::dc::a:b:C$aws:ec2/vpc:Vpc::net", "urn:pulumi:l::p::t::name with @ and ~ [0] é %24"]
)
def test_the_owner_tag_keeps_the_urn_in_characters_that_tags_may_have(urn: str) -> None:
    value = tags.owner(urn)
    assert tags.urn_of(value) == urn
    assert all(char.isalnum() or char in " +-=._:/@" for char in value)
    assert value.isascii()


def test_the_owner_tag_of_a_long_urn_stays_within_the_limit_and_apart() -> None:
    first, second = (f"urn:pulumi:local::dc::{kind * 40}::{'n' * 300}" for kind in ("a:b:C$", "a:b:D$"))
    assert len(tags.owner(first)) == len(tags.owner(second)) == 256
    assert tags.owner(first) != tags.owner(second)
    assert tags.urn_of(tags.owner(first)) is None


def test_objects_of_a_stack_are_told_apart_even_when_their_urn_is_too_long(
    session: boto3.Session, plugin: Plugin
) -> None:
    long = plugin.resource("aws:ec2/vpc:Vpc", "n" * 300).create({"cidrBlock": "10.0.0.0/16"})
    assert [one.id for one in leftovers.find(session, "test")] == [long.id]
    assert leftovers.find(session, "tes") == []
