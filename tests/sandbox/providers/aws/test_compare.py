"""Harmless differences are no change, and real ones are never hidden."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.providers.aws.compare import equivalent, harmonised, overlaid, trimmed


@pytest.mark.parametrize(
    ("old", "new", "name", "same"),
    [
        ('{"a": [1, 2]}', '{"a":[1,2]}', "policy", True),
        ('{"a": [1, 2]}', '{"a":[2,1]}', "policy", False),
        ({"a": 1}, '{"a": 1}', "policy", True),
        ("[x", "[x ", "policy", False),
        (["a", "b"], ["b", "a"], "subnetIds", True),
        (["a", "a"], ["a", "b"], "subnetIds", False),
        (["a", "b"], ["b", "a"], "securityGroups", True),
        (["a", "b"], ["b", "a"], "command", False),
        ("true", True, "encrypted", True),
        ("1", 1, "version", True),
        ("1.30", "1.3", "version", False),
        ("", None, "description", True),
        ([], None, "ingress", True),
        (False, None, "flag", False),
        (0, None, "size", False),
        ({"a": ""}, {}, "object", True),
        ({"a": 1}, {"a": 1, "b": 2}, "object", False),
        ("true", "True", "name", False),
    ],
)
def test_equivalent(old: Any, new: Any, name: str, same: bool) -> None:
    assert equivalent(old, new, name) == same
    assert equivalent(new, old, name) == same


def test_the_old_spelling_is_kept_only_where_nothing_changed() -> None:
    old = {"policy": '{"a": 1}', "ids": {"subnetIds": ["a", "b"]}, "size": 1}
    new = {"policy": '{"a":1}', "ids": {"subnetIds": ["b", "a"]}, "size": 2}
    assert harmonised(old, new) == {**old, "size": 2}
    assert harmonised({"l": [{"v": "1"}, 2]}, {"l": [{"v": 1}, 3]}) == {"l": [{"v": "1"}, 3]}


def test_what_the_cloud_adds_to_an_object_is_no_drift_but_what_it_changed_or_lost_is() -> None:
    wanted = {"subnetIds": ["b", "a"], "public": False, "cidrs": ["x"]}
    live = {"subnetIds": ["a", "b"], "public": True, "vpcId": "vpc-1"}
    assert overlaid(wanted, live) == {"subnetIds": ["b", "a"], "public": True}


def test_foreign_tags_and_labels_are_drift() -> None:
    assert overlaid({"a": "1"}, {"a": "1", "b": "2"}, "tags") == {"a": "1", "b": "2"}
    assert overlaid({"a": "1"}, {}, "labels") == {}


def test_lists_of_objects_keep_the_users_keys_item_by_item() -> None:
    wanted = [{"id": "a", "days": 1}, {"id": "b"}]
    live = [{"id": "a", "days": 2, "filter": {}}, {"id": "b", "extra": 1}, {"id": "c"}]
    assert overlaid(wanted, live, "rules") == [{"id": "a", "days": 2}, {"id": "b"}, {"id": "c"}]
    taints = [{"key": "x", "effect": "E"}, {"key": "y", "effect": "E"}]
    assert overlaid(taints, list(reversed(taints)), "taints") == taints
    assert overlaid(taints, taints[:1], "taints") == taints[:1]


def test_nothing_is_trimmed_but_what_says_nothing() -> None:
    assert trimmed({"a": "", "b": [], "c": {}, "d": None, "e": False, "f": 0, "g": [{"h": None}]}) == {
        "e": False,
        "f": 0,
        "g": [{}],
    }
