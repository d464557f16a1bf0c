"""Every type through its whole life over gRPC: preview, create, nothing to do, drift, change, replace, import,
delete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.providers import wire
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.protocol import Props
from tests.sandbox.providers.aws import cases_network, cases_services, cases_storage
from tests.sandbox.providers.aws.plugin import Plugin
from tests.sandbox.providers.aws.scenarios import Scenario, World

CASES = cases_network.CASES | cases_services.CASES | cases_storage.CASES


@pytest.fixture
def world(plugin: Plugin) -> Iterator[World]:
    world = World(plugin)
    yield world
    world.clean()


def test_every_type_has_a_scenario() -> None:
    assert {name.split(" ")[0] for name in CASES} == RECORDS.keys()


def _merged(first: Props, second: Props) -> Props:
    return {key: value for key, value in (first | second).items() if value is not None}


@pytest.mark.parametrize("name", CASES, ids=lambda name: name.split(":")[-1])
def test_life(name: str, world: World) -> None:
    case: Scenario = CASES[name]
    kind = name.split(" ", maxsplit=1)[0]
    thing = world.plugin.resource(kind, "thing")
    inputs = _merged(case.inputs(world), {})

    shown = thing.preview(inputs)
    assert holds(shown, {key: value for key, value in inputs.items() if value not in ("", [], {})})
    thing.create(inputs)
    try:
        _outputs(case, thing.state)
        known = {key: value for key, value in shown.items() if not wire.unknown(value)}
        assert holds(thing.state, known), "preview promised something else"
        assert thing.changes(inputs) == set(), "a second up would change something"
        assert not thing.refresh(), "a refresh right after up shows drift"
        assert "aidc:urn" not in str(thing.state)

        if case.change:
            wanted = _merged(inputs, case.change(world))
            answer = thing.diff(wanted)
            assert answer.detailedDiff
            assert not answer.replaces, list(answer.replaces)
            assert thing.update(wanted, preview=True)
            thing.update(wanted)
            assert thing.changes(wanted) == set()
            state = dict(thing.state)
            thing.refresh()
            assert thing.state == state, "a refresh right after an update shows drift"
            assert thing.changes(wanted) == set()
            inputs = wanted
        thing.update(inputs)  # as after a half-made create: no difference, all later steps again
        assert thing.changes(inputs) == set()

        if case.replacing:
            assert thing.diff(_merged(inputs, case.replacing(world))).replaces
        other = thing.imported(case.import_id(thing))
        assert other.id == thing.id or kind in CHANGES_ID
        assert {path.split(".")[0].split("[")[0] for path in other.changes(inputs)} <= case.unimported
    finally:
        thing.delete()
    if kind != "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup" and kind not in NEVER_GONE:
        assert thing.read() is None
    thing.delete()


NEVER_GONE = {
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
}
"""A topic always has a policy; a bucket is always encrypted and its versioning can only be suspended."""
CHANGES_ID = {"aws:ec2/routeTableAssociation:RouteTableAssociation"}
"""Replacing the table of an association gives it a new id, which the engine cannot be told."""


def holds(whole: Any, part: Any) -> bool:
    """Whether `part` is in `whole`, with nothing contradicted."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items() if value is not None)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(holds, whole, part))
    return whole == part


def _outputs(case: Scenario, state: Props) -> None:
    for name, pattern in case.outputs.items():
        assert re.fullmatch(pattern, str(state.get(name))), f"{name}: {state.get(name)!r}"
