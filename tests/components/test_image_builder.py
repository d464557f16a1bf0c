"""A place to build images in: it may push to the site's repositories, and to nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

import cost
from components.image_builder import COMMANDS
from operations.builders import Build
from plan import Plan
from policies import check
from tests.stacks.support import changed, plan_of

PUSH = {"ecr:PutImage", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of(changed({"image-builder": {"compute": "large"}}), "up")


def statements(plan: Plan) -> list[dict[str, Any]]:
    (policy,) = [one for one in plan.of_type("aws:iam/rolePolicy:RolePolicy") if one.name.startswith("images-")]
    return json.loads(policy.inputs["policy"])["Statement"]


def test_a_build_pushes_to_the_repositories_of_the_site_alone(plan: Plan) -> None:
    (push,) = [one for one in statements(plan) if set(one["Action"]) >= PUSH]
    assert push["Resource"].endswith(":repository/aidc-sandbox/*")


def test_only_the_login_of_the_registry_is_for_every_resource(plan: Plan) -> None:
    everywhere = [one["Action"] for one in statements(plan) if one["Resource"] == "*"]
    assert everywhere == [["ecr:GetAuthorizationToken"]]


def test_the_build_uses_every_variable_that_it_is_started_with(plan: Plan) -> None:
    (project,) = plan.of_type("aws:codebuild/project:Project")
    spec = json.loads(project.inputs["source"]["buildspec"])
    assert spec["phases"]["build"]["commands"] == COMMANDS
    started = {*Build({}, "r", "t", "b", "c").arguments, "REPOSITORY", "TAG", "PLATFORM"}
    assert all(f"${name}" in COMMANDS[-1] or f"${{{name}" in COMMANDS[-1] for name in started)


def test_the_stack_says_where_builds_are_started(plan: Plan) -> None:
    assert set(plan.exports["imageBuilder"]) == {"project", "bucket"}


def test_a_builder_is_priced_and_breaks_no_policy(plan: Plan) -> None:
    before = plan_of(changed({}), "up")
    assert not [one for one in cost.estimate(plan).unpriced if one.resource.startswith("images-")]
    rules = {one.rule.id for one in check.run(plan).findings} - {one.rule.id for one in check.run(before).findings}
    assert rules == set()
