"""The local cloud takes every Google resource of every committed stack, with the inputs that the stack gives it."""

from __future__ import annotations

from typing import Any

import pytest

import plan
from plan import config, offline
from sandbox.providers import wire
from tests.sandbox.providers.aws.plugin import Plugin

GOOGLE = [
    name
    for name in config.stack_names(offline.ROOT)
    if config.load(offline.ROOT, name).config.get("ai-datacenter:cloud") == "gcp"
]


def on_the_wire(value: Any) -> Any:
    """A planned value as the engine would send it."""
    if value is plan.UNKNOWN:
        return wire.UNKNOWN
    if value is plan.SECRET:
        return "secret"
    if isinstance(value, dict):
        return {key: on_the_wire(one) for key, one in value.items()}
    return [on_the_wire(one) for one in value] if isinstance(value, list) else value


def test_there_are_stacks_in_google_cloud() -> None:
    assert "local-tpu" in GOOGLE


@pytest.mark.parametrize("name", GOOGLE)
def test_the_local_cloud_takes_a_stack(name: str, plugin: Plugin) -> None:
    refused = {}
    for resource in offline.run(name):
        if resource.type.startswith("gcp:"):
            _, problems = plugin.resource(resource.type, resource.name).check(on_the_wire(dict(resource.inputs)))
            if problems:
                refused[resource.name] = problems
    assert refused == {}
