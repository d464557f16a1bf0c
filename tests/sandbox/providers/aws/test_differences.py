"""Diff: what replaces, what is deleted first, and what is no change at all."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.providers.aws.differences import difference
from sandbox.providers.aws.record import Resource
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.difference import Difference, Kind
from sandbox.providers.wire import UNKNOWN

ROLE, GROUP, NODES = "aws:iam/role:Role", "aws:ec2/securityGroup:SecurityGroup", "aws:eks/nodeGroup:NodeGroup"
NAME = {"name": "nodes-1", "__defaults": ["name"]}


def diff(kind: str, old: dict[str, Any], new: dict[str, Any], **more: Any) -> Difference:
    def view(inputs: dict[str, Any]) -> Resource:
        return Resource(inputs, region="us-east-1", account=lambda: "1")

    tags_all = more.get("tags_all", new.get("tags") or {})
    return difference(RECORDS[kind], old, new, more.get("state", {"tagsAll": old.get("tags") or {}}), tags_all, view)


def test_no_difference_is_empty() -> None:
    assert diff(ROLE, NAME, NAME) == Difference()


def test_a_forced_input_replaces_also_when_its_new_value_is_unknown() -> None:
    for value in ("other", UNKNOWN):
        found = diff(GROUP, {**NAME, "vpcId": "a"}, {**NAME, "vpcId": value})
        assert found.replaces == {"vpcId"}
    assert diff(NODES, {"launchTemplate": {"id": "a", "version": "1"}}, {"launchTemplate": UNKNOWN}).replaces
    found = diff(
        NODES, {"launchTemplate": {"id": "a", "version": "1"}}, {"launchTemplate": {"id": "a", "version": UNKNOWN}}
    )
    assert (set(found.changes), found.replaces) == ({"launchTemplate.version"}, frozenset())


def test_only_the_forcing_part_of_an_object_replaces() -> None:
    network = {"subnetIds": ["a"], "endpointPublicAccess": False}
    cluster = {"name": "c", "roleArn": "r", "vpcConfig": network}
    changed = {**cluster, "vpcConfig": {**network, "endpointPublicAccess": True}}
    found = diff("aws:eks/cluster:Cluster", cluster, changed)
    assert (dict(found.changes), found.replaces) == ({"vpcConfig.endpointPublicAccess": Kind.UPDATE}, frozenset())


def test_another_region_replaces() -> None:
    assert diff(GROUP, NAME, {**NAME, "region": "eu-west-1"}).replaces == {"region"}


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        (NAME, NAME, False),
        ({"name": "fixed", "__defaults": []}, {"name": "fixed", "__defaults": []}, True),
        ({"name": "fixed", "__defaults": []}, {"name": "other", "__defaults": []}, False),
        ({"name": "fixed", "__defaults": []}, {"name": UNKNOWN, "__defaults": []}, False),
    ],
)
def test_a_fixed_name_that_stays_is_deleted_first(old: dict[str, Any], new: dict[str, Any], first: bool) -> None:
    found = diff(ROLE, {**old, "path": "/a/"}, {**new, "path": "/b/"})
    assert found.replaces
    assert found.delete_before_replace == first


def test_what_would_have_the_same_id_is_deleted_first() -> None:
    kind = "aws:eks/accessEntry:AccessEntry"
    old = {"clusterName": "c", "principalArn": "arn:p", "type": "STANDARD"}
    assert diff(kind, old, {**old, "type": "EC2_LINUX"}).delete_before_replace
    assert not diff(kind, old, {**old, "principalArn": "arn:q"}).delete_before_replace
    assert not diff(kind, old, {**old, "clusterName": UNKNOWN}).delete_before_replace
    assert not diff("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}).delete_before_replace


def test_a_value_judged_by_size_replaces_in_one_direction_only() -> None:
    kind = "aws:fsx/lustreFileSystem:LustreFileSystem"
    assert not diff(kind, {"storageCapacity": 1200}, {"storageCapacity": 2400}).replaces
    assert diff(kind, {"storageCapacity": 2400}, {"storageCapacity": 1200}).replaces == {"storageCapacity"}
    kind = "aws:eks/cluster:Cluster"
    encryption = {"provider": {"keyArn": "a"}, "resources": ["secrets"]}
    assert not diff(kind, {}, {"encryptionConfig": encryption}).replaces
    assert diff(kind, {"encryptionConfig": encryption}, {}).replaces


def test_harmless_differences_are_no_change() -> None:
    assert diff(NODES, {"subnetIds": ["a", "b"]}, {"subnetIds": ["b", "a"]}) == Difference()
    assert diff(ROLE, {"assumeRolePolicy": '{"a":1}'}, {"assumeRolePolicy": '{ "a": 1 }'}) == Difference()
    assert diff(GROUP, {"description": ""}, {"tags": {}}) == Difference()
    assert diff("aws:ec2/vpc:Vpc", {}, {"enableDnsSupport": True}) == Difference()
    assert diff(NODES, {"version": "1.33", "releaseVersion": "x"}, {}) == Difference(), "AWS filled them in"


def test_changed_default_tags_are_a_change_of_every_tagged_resource() -> None:
    found = diff(ROLE, {**NAME}, {**NAME}, state={"tagsAll": {"site": "a"}}, tags_all={"site": "b"})
    assert dict(found.changes) == {"tagsAll": Kind.UPDATE}
    assert found.outputs == {"tagsAll"}
    assert not found.replaces


def test_a_changed_tag_is_shown_once_by_its_path() -> None:
    found = diff(ROLE, {**NAME, "tags": {"a": "1"}}, {**NAME, "tags": {"a": "2", "b.c": "3"}})
    assert dict(found.changes) == {"tags.a": Kind.UPDATE, 'tags["b.c"]': Kind.ADD}
