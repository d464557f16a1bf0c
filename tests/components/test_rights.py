"""Encryption keys and roles: who may use what, over every committed stack on AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from plan import Plan
from stacks import config
from tests.stacks.support import planned

DOCUMENTS = {
    "aws:kms/key:Key": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
}


@pytest.fixture(params=[stack for stack in config.names() if config.load(stack).cloud == "aws"])
def plan(request: pytest.FixtureRequest) -> Plan:
    """With ids, so that policies which name resources can be read."""
    return planned(request.param, "up")


def statements(plan: Plan) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, key in DOCUMENTS.items():
        for resource in plan.of_type(kind):
            for statement in json.loads(resource.inputs[key])["Statement"]:
                yield resource.name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_keys_rotate_and_can_be_brought_back(plan: Plan) -> None:
    keys = plan.of_type("aws:kms/key:Key")
    assert keys
    for key in keys:
        assert key.inputs["enableKeyRotation"] is True
        assert key.inputs["deletionWindowInDays"] == 30


def test_nothing_is_allowed_to_everybody_without_a_condition(plan: Plan) -> None:
    for name, statement in statements(plan):
        principal = statement.get("Principal")
        if statement["Effect"] == "Allow" and "*" in (principal, *(listed((principal or {}).get("AWS", [])))):
            equal = statement["Condition"]["StringEquals"]
            assert equal["kms:CallerAccount"].isdigit(), f"{name}: not bound to the account"
            assert equal["kms:ViaService"].endswith(".amazonaws.com"), f"{name}: not bound to a service"


def test_nothing_is_allowed_every_action_but_the_account_on_its_own_keys(plan: Plan) -> None:
    for name, statement in statements(plan):
        if statement["Effect"] == "Allow":
            wide = [action for action in listed(statement["Action"]) if action in ("*", "kms:*", "s3:*", "iam:*")]
            assert not wide or statement["Sid"] == "AccountAdministers", f"{name}: {wide}"


def test_roles_may_touch_only_what_they_are_for(plan: Plan) -> None:
    for policy in plan.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert "*" not in listed(statement["Resource"]), policy.name


def test_roles_are_assumed_by_services_only(plan: Plan) -> None:
    for role in plan.of_type("aws:iam/role:Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert set(statement["Principal"]) == {"Service"}, role.name


def test_log_groups_are_encrypted_and_forget(plan: Plan) -> None:
    groups = plan.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert groups
    for group in groups:
        assert group.inputs["retentionInDays"] > 0
        assert plan.referred(group, "kmsKeyId"), group.name


def test_nodes_have_encrypted_disks_and_guarded_credentials(plan: Plan) -> None:
    for template in plan.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        (disk,) = template.inputs["blockDeviceMappings"]
        assert disk["ebs"]["encrypted"] == "true"
        assert disk["ebs"]["volumeType"] == "gp3"
        assert disk["ebs"]["kmsKeyId"]
        assert template.inputs["metadataOptions"]["httpTokens"] == "required"
        assert template.inputs["metadataOptions"]["httpPutResponseHopLimit"] == 2
