"""Generated names and field managers."""

from __future__ import annotations

import re

import pytest

from sandbox.providers.kubernetes import naming, objects
from sandbox.providers.protocol import Fail, Naming
from sandbox.providers.wire import UNKNOWN

SEED = bytes.fromhex("85e450a9ffff")


def named(inputs: dict, olds: dict | None = None, rule: Naming | None = None) -> dict:
    naming.assign(inputs, olds or {}, "team", SEED, rule)
    return inputs


def test_a_resource_without_a_name_gets_one_with_eight_hex_digits_and_says_so() -> None:
    inputs = named({})
    assert objects.name(inputs) == "team-85e450a9"
    assert objects.marked(inputs, objects.AUTONAMED)


def test_a_given_name_is_kept() -> None:
    assert named({"metadata": {"name": "mine"}}) == {"metadata": {"name": "mine"}}


def test_a_generated_name_stays_the_same_in_later_updates() -> None:
    olds = named({})
    inputs = named({"metadata": {"labels": {"a": "b"}}}, olds)
    assert objects.name(inputs) == objects.name(olds)
    assert objects.marked(inputs, objects.AUTONAMED)


def test_a_name_that_the_program_gave_up_is_not_kept() -> None:
    # Without a name Diff says "replace", and the replacement is checked without olds and gets a generated one.
    assert objects.name(named({}, {"metadata": {"name": "mine"}})) == ""


def test_a_name_that_is_not_known_yet_is_left_alone() -> None:
    assert named({"metadata": {"name": UNKNOWN}}) == {"metadata": {"name": UNKNOWN}}
    assert named({"metadata": UNKNOWN}) == {"metadata": UNKNOWN}


def test_annotations_that_are_not_known_yet_are_left_alone() -> None:
    assert named({"metadata": {"annotations": UNKNOWN}})["metadata"]["annotations"] == UNKNOWN


def test_the_projects_naming_rule_counts() -> None:
    assert objects.name(named({}, rule=Naming("proposed", disabled=False, enforced=False))) == "proposed"
    with pytest.raises(Fail, match=r"autonaming is disabled, resource requires the \.metadata\.name"):
        named({}, rule=Naming("", disabled=True, enforced=False))


def test_names_by_the_server_are_refused() -> None:
    with pytest.raises(Fail, match="generateName"):
        named({"metadata": {"generateName": "x-"}})


def test_the_field_manager_is_the_same_for_the_same_resource_and_differs_between_resources() -> None:
    first, second = naming.field_manager("urn:a", {}, {}), naming.field_manager("urn:b", {}, {})
    assert re.fullmatch(r"pulumi-kubernetes-[0-9a-f]{8}", first)
    assert first == naming.field_manager("urn:a", {}, {}) != second


def test_the_field_manager_in_the_state_wins_and_the_annotation_over_it() -> None:
    state = {naming.FIELD_MANAGER: "old"}
    assert naming.field_manager("urn:a", {}, state) == "old"
    annotated = {"metadata": {"annotations": {objects.PATCH_FIELD_MANAGER: "given"}}}
    assert naming.field_manager("urn:a", annotated, state) == "given"
