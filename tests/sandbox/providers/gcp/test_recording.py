"""What the provider promises beyond a single type: names, labels, references, protection, faults, a killed plugin."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.gcp import faults
from sandbox.gcp.store import Recorded, Store
from sandbox.providers.gcp.provider import Gcp
from sandbox.settings import Settings
from tests.sandbox.providers.aws.plugin import Plugin, Refused
from tests.sandbox.providers.gcp.cases import World, slice_pool

NETWORK, BUCKET, POOL = "gcp:compute/network:Network", "gcp:storage/bucket:Bucket", "gcp:container/nodePool:NodePool"


def fail(settings: Settings, **entry: Any) -> None:
    faults.path(settings).write_text(json.dumps([entry]))


def test_a_type_that_is_not_recorded_says_so_in_one_line(plugin: Plugin) -> None:
    with pytest.raises(Refused) as refused:
        plugin.resource("gcp:bigquery/dataset:Dataset").check({})
    assert refused.value.code.name == "UNIMPLEMENTED"
    assert refused.value.details == "gcp:bigquery/dataset:Dataset is not available in the local cloud"


def test_a_name_is_made_kept_and_told_apart_from_a_chosen_one(plugin: Plugin) -> None:
    made = plugin.resource(NETWORK, "net").create({})
    assert made.state["name"] == "net-0001020"
    assert made.changes({}) == set()
    assert made.diff({"autoCreateSubnetworks": False}).deleteBeforeReplace is False
    chosen = plugin.resource(NETWORK, "other").create({"name": "chosen"})
    assert chosen.diff({"name": "chosen", "autoCreateSubnetworks": False}).deleteBeforeReplace is True


def test_labels_are_those_of_the_provider_the_program_and_pulumi(provider: Callable[..., Plugin]) -> None:
    plugin = provider(defaultLabels={"dc-site": "one", "dc-owner": "a"})
    made = plugin.resource(BUCKET).create({"location": "US", "labels": {"dc-owner": "b"}})
    assert made.state["pulumiLabels"] == {"dc-site": "one", "dc-owner": "b"}
    assert made.state["effectiveLabels"] == made.state["pulumiLabels"] | {"goog-pulumi-provisioned": "true"}
    assert made.state["labels"] == {"dc-owner": "b"}


def test_new_default_labels_are_a_change_of_every_resource_with_labels(provider: Callable[..., Plugin]) -> None:
    made = provider(defaultLabels={"dc-site": "one"}).resource(BUCKET).create({"location": "US"})
    made.plugin = provider(defaultLabels={"dc-site": "two"})
    assert made.changes({"location": "US"}) == {"effectiveLabels"}
    made.update({"location": "US"})
    assert made.state["pulumiLabels"] == {"dc-site": "two"}
    assert made.changes({"location": "US"}) == set()


def test_a_cluster_leads_to_the_local_api_server(plugin: Plugin, settings: Settings) -> None:
    state = World(plugin).cluster().state
    assert f"https://{state['endpoint']}" == settings.kubernetes_url
    assert base64.b64decode(state["masterAuth"]["clusterCaCertificate"]) == b"an authority"


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        ("compute/subnetwork:Subnetwork", {"network": "nowhere", "ipCidrRange": "10.0.0.0/20"}, "network nowhere"),
        (
            "container/nodePool:NodePool",
            {"cluster": "nowhere", "location": "us-central1", "nodeCount": 1},
            "cluster nowhere",
        ),
        ("kms/cryptoKey:CryptoKey", {"keyRing": "projects/x/locations/y/keyRings/z"}, "keyRing projects/x"),
    ],
)
def test_what_it_refers_to_must_be_there(plugin: Plugin, kind: str, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=f"{words}.* does not exist"):
        plugin.resource(f"gcp:{kind}").create(inputs)


def test_a_network_in_use_cannot_be_deleted(plugin: Plugin) -> None:
    world = World(plugin)
    world.subnetwork()
    with pytest.raises(Refused, match="it is used by projects/aidc-local/regions/us-central1/subnetworks/"):
        world.network().delete()
    world.subnetwork().delete()
    world.network().delete()


def test_a_protected_cluster_is_not_deleted(plugin: Plugin) -> None:
    inputs = {"location": "us-central1", "initialNodeCount": 1}
    cluster = plugin.resource("gcp:container/cluster:Cluster").create(inputs)
    with pytest.raises(Refused, match="set deletionProtection to false"):
        cluster.delete()
    cluster.update(inputs | {"deletionProtection": False})
    cluster.delete()
    assert cluster.read() is None


def test_the_pools_of_a_cluster_go_with_it(plugin: Plugin, store: Store) -> None:
    world = World(plugin)
    pool = plugin.resource(POOL).create(slice_pool(world))
    world.cluster().delete()
    assert pool.read() is None
    pool.delete()
    assert store.of_type(POOL) == []


def test_a_second_resource_of_one_name_is_refused(plugin: Plugin) -> None:
    plugin.resource(NETWORK, "one").create({"name": "same"})
    with pytest.raises(Refused, match="Error 409: projects/aidc-local/global/networks/same already exists"):
        plugin.resource(NETWORK, "two").create({"name": "same"})


def test_the_same_grant_twice_is_one_grant(plugin: Plugin) -> None:
    inputs = {"project": "aidc-local", "role": "roles/viewer", "member": "user:a@example.org"}
    first = plugin.resource("gcp:projects/iAMMember:IAMMember", "one").create(inputs)
    assert plugin.resource("gcp:projects/iAMMember:IAMMember", "two").create(inputs).id == first.id


def test_another_plugin_process_sees_what_is_recorded(provider: Callable[..., Plugin]) -> None:
    made = provider().resource(NETWORK).create({"name": "net"})
    other = provider().resource(NETWORK).imported("net")
    assert (other.id, other.state) == (made.id, made.state)


def test_a_failing_call_leaves_nothing_and_the_next_one_works(plugin: Plugin, settings: Settings, store: Store) -> None:
    fail(settings, verb="create", type=NETWORK, message="Error 503: backend unavailable")
    thing = plugin.resource(NETWORK)
    with pytest.raises(Refused, match="Error 503"):
        thing.create({"name": "net"})
    assert store.all() == []
    thing.create({"name": "net"})


def test_what_was_recorded_by_a_call_that_could_not_say_so_is_taken_over(
    plugin: Plugin, settings: Settings, store: Store
) -> None:
    """As after a plugin that was killed between the record and its answer."""
    fail(settings, verb="create", type=NETWORK, message="connection reset", after=True)
    thing = plugin.resource(NETWORK)
    with pytest.raises(Refused, match="connection reset"):
        thing.create({"name": "net"})
    assert len(store.all()) == 1
    thing.create({"name": "net"})
    assert len(store.all()) == 1


def test_a_killed_write_leaves_a_store_that_goes_on(settings: Settings, store: Store) -> None:
    """A plugin that dies while it writes leaves a scratch file, which nobody reads."""
    if (child := os.fork()) == 0:
        store._written(Recorded(NETWORK, "n", "urn", "", {}, {}))
        os._exit(9)
    os.waitpid(child, 0)
    assert list(settings.state.joinpath("gcp").iterdir())
    assert store.all() == []
    store.add(Recorded(NETWORK, "n", "urn", "", {}, {}))
    assert [entry.id for entry in store.all()] == ["n"]


def test_an_update_of_what_is_gone_asks_for_a_refresh(plugin: Plugin, store: Store) -> None:
    thing = plugin.resource(NETWORK).create({"name": "net"})
    store.remove(NETWORK, thing.id)
    with pytest.raises(Refused, match="run `pulumi refresh`"):
        thing.update({"name": "net", "routingMode": "GLOBAL"})


def test_secrets_are_on_disk_for_this_user_only(plugin: Plugin, store: Store) -> None:
    plugin.resource(NETWORK).create({"name": "net"})
    assert store.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in store.folder.iterdir())


def test_a_change_of_the_project_replaces_everything(settings: Settings) -> None:
    found = Gcp(settings).diff_config({"project": "a", "region": "b"}, {"project": "c", "region": "d"})
    assert found.replaces == {"project"}
    assert set(found.changes) == {"project", "region"}


@pytest.mark.parametrize(
    ("given", "path"),
    [({}, "project"), ({"project": "p", "computeCustomEndpoint": "https://x"}, "computeCustomEndpoint")],
)
def test_settings_that_cannot_be_meant_are_refused(settings: Settings, given: dict[str, Any], path: str) -> None:
    assert [problem.property for problem in Gcp(settings).check_config(given)] == [path]


def test_nothing_is_read_where_nothing_is_recorded(tmp_path: Path) -> None:
    assert Store(tmp_path / "nowhere").all() == []


def test_who_cloud_storage_acts_as_may_be_asked_and_nothing_else(plugin: Plugin) -> None:
    answer = plugin.invoke("gcp:storage/getProjectServiceAccount:getProjectServiceAccount", project="aidc-local")
    assert answer["member"] == f"serviceAccount:{answer['emailAddress']}"
    with pytest.raises(Refused, match="not available in the local cloud"):
        plugin.invoke("gcp:compute/getZones:getZones")
