"""The detailed difference: one entry a changed path, spelled as the engine expects."""

from __future__ import annotations

import pytest

from sandbox.providers.difference import Kind, changes, root
from sandbox.providers.wire import UNKNOWN


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {"a": 2}, {"a": Kind.UPDATE}),
        ({}, {"a": 1}, {"a": Kind.ADD}),
        ({"a": 1}, {}, {"a": Kind.DELETE}),
        ({"a": None}, {}, {}),
        ({"t": {"x": 1, "y": 2}}, {"t": {"x": 2, "z": 3}}, {"t.x": Kind.UPDATE, "t.y": Kind.DELETE, "t.z": Kind.ADD}),
        ({"tags": {"a.b/c": "1"}}, {"tags": {"a.b/c": "2"}}, {'tags["a.b/c"]': Kind.UPDATE}),
        ({"l": [{"p": 1}, {"p": 2}]}, {"l": [{"p": 1}, {"p": 3}, {"p": 4}]}, {"l[1].p": Kind.UPDATE, "l[2]": Kind.ADD}),
        ({"l": [1, 2]}, {"l": [1]}, {"l[1]": Kind.DELETE}),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, {"a": Kind.UPDATE}),
        ({"a": {"b": 1}}, {"a": UNKNOWN}, {"a": Kind.UPDATE}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": UNKNOWN, "c": 2}}, {"a.b": Kind.UPDATE}),
    ],
)  # fmt: skip
def test_changes(old: dict[str, object], new: dict[str, object], found: dict[str, Kind]) -> None:
    assert changes(old, new) == found


@pytest.mark.parametrize("path", ["tags", "tags.x", 'tags["a.b"]', "tags[0].x"])
def test_the_root_of_a_path_is_its_property(path: str) -> None:
    assert root(path) == "tags"
