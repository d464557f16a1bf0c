"""Default tags of the provider, tags of the resource, and the hidden ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.providers.aws import tags
from sandbox.providers.aws.types import RECORDS
from tests.sandbox.providers.aws.api import Api
from tests.sandbox.providers.aws.plugin import Managed, Plugin
from tests.sandbox.providers.aws.scenarios import World
from tests.sandbox.providers.aws.test_lifecycle import CASES

VPC = "aws:ec2/vpc:Vpc"
NETWORK = {"cidrBlock": "10.4.0.0/16"}
TAGGED = sorted(kind for kind, record in RECORDS.items() if record.tagging)


def live(made: Managed) -> dict[str, str]:
    """All tags of the object, hidden ones included."""
    worker, record = made.plugin.backend.worker, RECORDS[made.type]
    resource = worker.view(made.state, id=made.id)
    api = worker.api(record, resource.region)
    assert record.tagging
    return record.tagging.read(api, resource, worker.described(record, api, resource))


@pytest.mark.parametrize("kind", TAGGED, ids=lambda kind: kind.split(":")[-1])
def test_every_taggable_type_gets_default_tags_and_follows_their_change(
    kind: str, provider: Callable[..., Plugin]
) -> None:
    first = provider(defaultTags={"tags": {"site": "a", "owner": "x"}})
    world = World(first)
    inputs = {key: value for key, value in CASES[kind].inputs(world).items() if value is not None}
    inputs["tags"] = {"Name": "n", "owner": "mine"}
    made = first.resource(kind).create(inputs)
    assert made.state["tagsAll"] == {"site": "a", "owner": "mine", "Name": "n"}
    assert made.state["tags"] == inputs["tags"]
    hidden = live(made)
    assert tags.urn_of(hidden[tags.OWNER]) == made.urn
    assert made.changes(inputs) == set()
    assert not made.refresh()

    second = provider(defaultTags={"tags": {"site": "b"}})
    made.plugin = second
    assert made.changes(inputs) == {"tagsAll"}
    made.update(inputs)
    assert made.state["tagsAll"] == {"site": "b", "owner": "mine", "Name": "n"}
    assert made.changes(inputs) == set()
    assert live(made) == {**hidden, "site": "b"}

    made.update({**inputs, "tags": {}})
    assert made.state["tagsAll"] == {"site": "b"}
    assert "tags" not in made.state
    assert not made.refresh()
    made.delete()
    world.clean()


def test_a_preview_shows_all_tags(provider: Callable[..., Plugin]) -> None:
    plugin = provider(defaultTags={"tags": {"site": "a"}})
    assert plugin.resource(VPC).preview({**NETWORK, "tags": {"b": "c"}})["tagsAll"] == {"site": "a", "b": "c"}


def test_a_default_tag_changed_by_others_is_put_back(provider: Callable[..., Plugin], api: Api) -> None:
    plugin = provider(defaultTags={"tags": {"site": "a"}})
    made = plugin.resource(VPC).create(NETWORK)
    api.client("ec2").create_tags(Resources=[made.id], Tags=[{"Key": "site", "Value": "HACK"}])
    assert made.refresh()
    assert made.changes(NETWORK) == {"tags"}
    made.update(NETWORK)
    assert made.state["tagsAll"] == {"site": "a"}
    api.client("ec2").delete_tags(Resources=[made.id], Tags=[{"Key": "site"}])
    made.refresh()
    assert made.changes(NETWORK) == {"tagsAll"}
    made.update(NETWORK)
    assert made.state["tagsAll"] == {"site": "a"}
    made.delete()


def test_numbers_as_tag_values_are_written_as_text(plugin: Plugin) -> None:
    made = plugin.resource(VPC).create({**NETWORK, "tags": {"dc:power-kw-max": 14}})
    assert made.changes({**NETWORK, "tags": {"dc:power-kw-max": 14}}) == set()
    assert not made.refresh()
    made.delete()
