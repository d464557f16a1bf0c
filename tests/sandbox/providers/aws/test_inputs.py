"""Check: what the local cloud does not have is refused before anything is created, and names are made and kept."""

from __future__ import annotations

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.providers.wire import UNKNOWN
from tests.sandbox.providers.aws.plugin import Managed, Plugin, Refused

VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
GROUP, TOPIC = "aws:ec2/securityGroup:SecurityGroup", "aws:sns/topic:Topic"
MODES = provider_pb2.CheckRequest.AutonamingOptions


def test_an_unknown_type_is_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(
        Refused, match=r"^UNIMPLEMENTED: aws:sqs/queue:Queue is not available in the local environment$"
    ):
        plugin.resource("aws:sqs/queue:Queue").check({})


def test_inputs_that_the_table_does_not_know_are_errors_and_not_dropped(plugin: Plugin) -> None:
    _, problems = plugin.resource(VPC).check({"cidrBlock": "10.0.0.0/16", "ipv4IpamPoolId": "ipam-1"})
    assert problems == {"ipv4IpamPoolId": f"input ipv4IpamPoolId of {VPC} is not supported in the local environment"}


def test_all_missing_inputs_are_named_at_once_and_unknown_ones_count_as_given(plugin: Plugin) -> None:
    _, problems = plugin.resource("aws:eks/cluster:Cluster").check({})
    assert set(problems) == {"roleArn", "vpcConfig"}
    assert plugin.resource(SUBNET).check({"vpcId": UNKNOWN})[1] == {}


def role(plugin: Plugin, **olds: object) -> Managed:
    made = plugin.resource(ROLE, "nodes")
    made.inputs = dict(olds)
    return made


def test_a_name_is_made_of_the_logical_name_and_seven_digits_and_kept(plugin: Plugin) -> None:
    first = role(plugin).checked({"assumeRolePolicy": "{}"})
    assert first["name"] == "nodes-0001020"
    assert first["__defaults"] == ["name"]
    again = role(plugin, **first).checked({"assumeRolePolicy": "{}"}, seed=b"\xff" * 8)
    assert again["name"] == "nodes-0001020"


def test_a_chosen_name_is_taken_and_a_dropped_one_gives_way_to_a_made_one(plugin: Plugin) -> None:
    chosen = role(plugin).checked({"assumeRolePolicy": "{}", "name": "mine"})
    assert (chosen["name"], chosen["__defaults"]) == ("mine", [])
    assert role(plugin, **chosen).checked({"assumeRolePolicy": "{}"})["name"] == "nodes-0001020"


def test_a_prefix_makes_a_name_that_changes_with_the_prefix(plugin: Plugin) -> None:
    first = role(plugin).checked({"assumeRolePolicy": "{}", "namePrefix": "dc-"})
    assert first["name"] == "dc-0001020"
    same = role(plugin, **first).checked({"assumeRolePolicy": "{}", "namePrefix": "dc-"}, seed=b"\xff" * 8)
    assert same["name"] == "dc-0001020"
    other = role(plugin, **first).checked({"assumeRolePolicy": "{}", "namePrefix": "other-"}, seed=b"\xff" * 8)
    assert other["name"] == "other-fffffff"
    assert role(plugin).checked({"assumeRolePolicy": "{}", "namePrefix": UNKNOWN})["name"] == UNKNOWN


def test_made_names_follow_the_rules_of_the_service(plugin: Plugin) -> None:
    long = "Very-Long-" * 20
    assert plugin.resource("aws:s3/bucket:Bucket", long).checked({})["bucket"] == (long.lower()[:56] + "0001020")
    assert len(plugin.resource(ROLE, long).checked({"assumeRolePolicy": "{}"})["name"]) == 64
    assert plugin.resource("aws:kms/alias:Alias", "key").checked({"targetKeyId": "k"})["name"] == "alias/key-0001020"
    assert plugin.resource(TOPIC, "t").checked({"fifoTopic": True})["name"] == "t-0001020.fifo"


def test_the_projects_naming_rule_is_obeyed(plugin: Plugin) -> None:
    enforced = MODES(proposed_name="rule-1", mode=MODES.PROPOSE)
    inputs, problems = plugin.resource(TOPIC).check({}, autonaming=enforced)
    assert (inputs["name"], problems) == ("rule-1", {})
    _, problems = plugin.resource(TOPIC).check({}, autonaming=MODES(mode=MODES.DISABLE))
    assert problems == {"name": "automatic naming is off for this stack: set name"}


def test_a_preview_knows_names_arns_and_regions_and_leaves_the_rest_out(plugin: Plugin) -> None:
    shown = plugin.resource("aws:s3/bucket:Bucket").preview({"bucket": "dc-data", "region": "us-west-2"})
    assert shown["arn"] == "arn:aws:s3:::dc-data"
    assert shown["bucketRegionalDomainName"] == "dc-data.s3.us-west-2.amazonaws.com"
    assert shown["region"] == "us-west-2"
    shown = role(plugin).preview({"assumeRolePolicy": "{}", "name": UNKNOWN})
    assert shown["name"] == UNKNOWN
    assert "arn" not in shown
    shown = plugin.resource(GROUP).preview({"vpcId": UNKNOWN})
    assert shown["vpcId"] == UNKNOWN
    assert shown["name"].startswith("thing-")
    assert not {"id", "arn", "ownerId"} & shown.keys()
