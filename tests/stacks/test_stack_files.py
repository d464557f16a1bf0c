"""What every committed stack promises, whatever it holds."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest

from components import tags
from plan import Plan, Resource
from stacks import config
from tests.stacks.support import planned

STACKS = config.names()
AWS_STACKS = [stack for stack in STACKS if config.load(stack).cloud == "aws"]
IDENTITY = {"dc:site", "dc:environment", "dc:owner", "dc:cost-center"}
FREE_FORM = (
    "tags",
    "tagsAll",
    "data",
    "labels",
    "annotations",
    "matchLabels",
    "nodeSelector",
    "resourceLabels",
    "userLabels",
    "volumeAttributes",
    "hard",
)
"""Inputs whose keys are the user's own."""


@pytest.fixture(params=STACKS)
def plan(request: pytest.FixtureRequest) -> Plan:
    return planned(request.param)


@pytest.fixture(params=AWS_STACKS)
def aws_plan(request: pytest.FixtureRequest) -> Plan:
    return planned(request.param)


@pytest.mark.parametrize("stack", STACKS)
def test_a_plan_lists_everything_that_an_update_makes(stack: str) -> None:
    """A resource made inside an apply would be missing where values are unknown."""
    before, after = planned(stack), planned(stack, "up")
    assert {resource.urn for resource in before} == {resource.urn for resource in after}


def test_every_aws_resource_that_takes_tags_carries_the_identity(aws_plan: Plan) -> None:
    providers = aws_plan.of_type("pulumi:providers:aws")
    assert len(providers) == 1
    assert set(json.loads(providers[0].inputs["defaultTags"])["tags"]) == IDENTITY
    for resource in taggable(aws_plan):
        assert resource.inputs.get("tags", {}).get("dc:component"), f"{resource.name} does not say what it is part of"
        assert resource.provider == providers[0].urn, f"{resource.name} would not get the default tags"


def test_resources_of_a_pool_name_it(aws_plan: Plan) -> None:
    pools = {
        resource.name
        for resource in aws_plan
        if resource.type.startswith(("aidc:system_pool:", "aidc:accelerator_pool:"))
    }
    for resource in taggable(aws_plan):
        owners = {ancestor.name for ancestor in aws_plan.ancestors(resource)} & pools
        if owners:
            assert resource.inputs["tags"].get("dc:pool") in owners, resource.name


def test_launch_templates_tag_what_the_scaling_group_makes_and_hold_no_price(aws_plan: Plan) -> None:
    """A price in a template would roll the nodes when it changes."""
    templates = aws_plan.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    assert templates
    for template in templates:
        given = {entry["resourceType"]: entry["tags"] for entry in template.inputs["tagSpecifications"]}
        assert set(given) == {"instance", "volume", "network-interface"}
        for entry in given.values():
            assert set(entry) >= IDENTITY | {"dc:component", "dc:pool"}
        derived = set(tags.derived(usd_per_hour=None, purchase="", power_kw_max=None, accelerator=None))
        assert not derived & {key for _, key in keys(dict(template.inputs))}


def test_cost_and_power_tags_are_on_node_groups_scaling_groups_and_file_systems(aws_plan: Plan) -> None:
    derived = {"dc:usd-per-hour", "dc:purchase", "dc:power-kw-max", "dc:accelerator"}
    pools = [resource for resource in aws_plan if resource.type == "aidc:accelerator_pool:AcceleratorPool"]
    groups = {
        group.name: group
        for group in aws_plan.of_type("aws:eks/nodeGroup:NodeGroup")
        if derived <= set(group.inputs["tags"])
    }
    assert {f"{pool.name}-nodes" for pool in pools} == set(groups)
    on_groups: dict[str, set[str]] = {}
    for tag in aws_plan.of_type("aws:autoscaling/tag:Tag"):
        (target,) = {urn.rsplit("::", 1)[-1] for urn in tag.property_dependencies["autoscalingGroupName"]}
        on_groups.setdefault(target, set()).add(tag.inputs["tag"]["key"])
    assert on_groups == dict.fromkeys(groups, derived)
    for system in aws_plan.of_type("aws:fsx/lustreFileSystem:LustreFileSystem"):
        assert derived <= set(system.inputs["tags"])


def test_kubernetes_objects_carry_the_identity_as_labels(plan: Plan) -> None:
    objects = [resource for resource in plan if resource.type.startswith("kubernetes:")]
    assert objects
    for resource in objects:
        labels = resource.inputs["metadata"]["labels"]
        assert {"dc/site", "dc/environment", "dc/owner", "dc/cost-center", "dc/component"} <= set(labels), resource.name


def test_inputs_are_spelled_as_providers_know_them(plan: Plan) -> None:
    """A misspelt key of a nested input stays in snake case, because the SDK does not know it."""
    for resource in plan:
        for path, key in keys(dict(resource.inputs)):
            free = any(f".{name}." in f".{path}." for name in FREE_FORM)
            assert free or "_" not in key, f"{resource.type} {resource.name}: {path}"


def test_children_are_named_after_their_parent(plan: Plan) -> None:
    for resource in plan:
        parent = plan.by_urn.get(resource.parent or "")
        if parent is not None and parent.type != "pulumi:pulumi:Stack":
            assert resource.name == parent.name or resource.name.startswith(f"{parent.name}-"), resource.urn


def test_no_resource_has_a_random_place_in_its_name(plan: Plan) -> None:
    """Names by list position would move when a zone or pool is added in front."""
    for resource in plan:
        assert not resource.name.rsplit("-", 1)[-1].isdigit(), resource.name


@pytest.mark.parametrize("stack", STACKS)
def test_the_shape_of_the_stack(stack: str, snapshot: Any) -> None:
    """Type, name and parent of every resource: a change here is a change of somebody's infrastructure."""
    tree = sorted(f"{name(resource.parent)} > {resource.type} {resource.name}" for resource in planned(stack))
    assert tree == snapshot


def name(urn: str | None) -> str:
    return urn.rsplit("::", 1)[-1] if urn else "-"


def taggable(plan: Plan) -> Iterator[Resource]:
    """AWS resources whose type takes tags, asked of the SDK."""
    for resource in plan:
        if not resource.type.startswith("aws:"):
            continue
        module, _, token = resource.type.removeprefix("aws:").partition("/")
        kind = getattr(importlib.import_module(f"pulumi_aws.{module}"), token.rpartition(":")[2])
        if "tags" in inspect.signature(kind._internal_init).parameters:
            yield resource


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key at any depth, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}", key
            yield from keys(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from keys(item, path)
