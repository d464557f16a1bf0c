"""Every type through its whole life over gRPC: preview, record, nothing to do, change, replace, import, delete."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.gcp.store import Store
from sandbox.providers import wire
from sandbox.providers.gcp.types import RECORDS
from sandbox.providers.protocol import Props
from tests.sandbox.providers.aws.plugin import Plugin
from tests.sandbox.providers.gcp.cases import CASES, World


def test_every_type_has_a_case() -> None:
    assert {f"gcp:{name}" for name in CASES} == RECORDS.keys()


def holds(found: Any, promised: Any) -> bool:
    """Whether everything that was known in a preview came true."""
    if isinstance(promised, dict):
        return all(holds(found.get(key), value) for key, value in promised.items())
    return wire.unknown(promised) or found == promised


@pytest.mark.parametrize("name", CASES)
def test_life(name: str, plugin: Plugin, store: Store) -> None:
    case, world = CASES[name], World(plugin)
    thing = plugin.resource(f"gcp:{name}", "thing")
    inputs = case.inputs(world)
    around = len(store.all())

    shown = thing.preview(inputs)
    assert len(store.all()) == around, "a preview records nothing"
    thing.create(inputs)
    assert holds(thing.state, shown), "preview promised something else"
    assert thing.changes(inputs) == set(), "a second up would change something"
    assert not thing.refresh(), "a refresh right after up shows drift"
    assert thing.imported(thing.id).state == thing.state

    if case.change:
        changed = inputs | case.change
        answer = thing.diff(changed)
        assert list(answer.diffs)
        assert not list(answer.replaces), "would be replaced"
        thing.update(changed)
        assert not thing.refresh()
        inputs = changed
    if case.replacing:
        replaced = {**inputs, **case.replacing}
        assert list(thing.diff(replaced).replaces), "would be changed in place"
    thing.delete()
    thing.delete()
    assert thing.read() is None
    assert len(store.all()) == around


def outputs(state: Props) -> set[str]:
    return {key for key in state if key != "id"}


@pytest.mark.parametrize("name", CASES)
def test_every_output_is_one_that_the_sdk_can_read(name: str, plugin: Plugin) -> None:
    from sandbox.providers.gcp import sdk

    thing = plugin.resource(f"gcp:{name}", "thing").create(CASES[name].inputs(World(plugin)))
    assert outputs(thing.state) <= sdk.of(f"gcp:{name}").outputs


def test_what_is_unknown_in_a_preview_is_not_judged(plugin: Plugin) -> None:
    pool = plugin.resource("gcp:container/nodePool:NodePool")
    config = {"machineType": "ct6e-standard-4t", "serviceAccount": wire.UNKNOWN}
    placement = {"type": "COMPACT", "tpuTopology": wire.UNKNOWN}
    _, problems = pool.check(
        {"cluster": wire.UNKNOWN, "nodeConfig": config, "placementPolicy": placement, "nodeCount": 7}
    )
    assert problems == {}
