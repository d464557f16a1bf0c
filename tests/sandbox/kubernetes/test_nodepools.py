from __future__ import annotations

from pathlib import Path

import pytest

from catalog import gcp_machines, tpus
from catalog.tpu_slice import generations, slices
from sandbox.gcp.store import Recorded, Store
from sandbox.kubernetes import nodepools
from sandbox.kubernetes.nodegroups import DesiredNode, Inventory
from sandbox.settings import Settings
from tests.sandbox.kubernetes.recorded import policy, pool

TAINT = {"key": "google.com/tpu", "value": "present", "effect": "NoSchedule"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "cache", 20000)


def inventory(settings: Settings, *entries: Recorded) -> Inventory:
    store, found = Store(settings.state / "gcp"), Inventory("boot")
    for entry in entries:
        store.put(entry)
    nodepools.add(found, settings, store)
    return found


def nodes(settings: Settings, *entries: Recorded) -> list[DesiredNode]:
    return inventory(settings, *entries).nodes


def test_a_slice_has_all_its_hosts_with_chips_topology_and_pool(settings: Settings) -> None:
    found = nodes(settings, pool("v6e", "ct6e-standard-4t", 4, "4x4", {"labels": {"dc/pool": "v6e"}}))
    assert len({node.name for node in found}) == 4
    for node in found:
        wanted = {
            "cloud.google.com/gke-nodepool": "v6e",
            "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
            "cloud.google.com/gke-tpu-topology": "4x4",
            "node.kubernetes.io/instance-type": "ct6e-standard-4t",
            "topology.kubernetes.io/zone": "us-central1-b",
            "topology.kubernetes.io/region": "us-central1",
            "dc/pool": "v6e",
        }
        assert wanted.items() <= node.labels.items()
        assert (node.capacity["google.com/tpu"], node.allocatable["google.com/tpu"]) == ("4", "4")
        assert (node.pool, node.group, node.taints) == ("v6e", "v6e", (TAINT,))


@pytest.mark.parametrize("generation", [name for name in generations() if name != "tpu7x"])
def test_every_slice_of_the_tables_offers_its_chips(settings: Settings, generation: str) -> None:
    for one in slices(generation):
        if one.machine.vcpus is None or one.hosts > 64:
            continue
        found = nodes(settings, pool("s", one.machine.name, one.hosts, one.topology if one.multi_host else None))
        assert sum(int(node.capacity["google.com/tpu"]) for node in found) == one.chips
        assert {node.labels["cloud.google.com/gke-tpu-topology"] for node in found} == {one.topology}


def test_the_topology_of_tpu7x_is_that_of_its_workload_policy(settings: Settings) -> None:
    placement = {"type": "COMPACT", "policyName": "cube"}
    found = nodes(settings, policy("cube", "4x4x4"), pool("i", "tpu7x-standard-4t", 16, placementPolicy=placement))
    assert {node.labels["cloud.google.com/gke-tpu-topology"] for node in found} == {"4x4x4"}
    assert {node.labels["cloud.google.com/gke-tpu-accelerator"] for node in found} == {"tpu7x"}


def test_a_taint_that_the_program_gives_is_not_given_twice(settings: Settings) -> None:
    taints = [{"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}]
    [node] = nodes(settings, pool("one", "ct6e-standard-1t", config={"taints": taints}))
    assert node.taints == (TAINT,)


def test_gpu_nodes_have_their_gpus_label_and_taint(settings: Settings) -> None:
    machine = next(one for one in gcp_machines.values() if one.gke_accelerator and one.vcpus and one.memory_gib)
    [node] = nodes(settings, pool("gpu", machine.name))
    assert machine.accelerator is not None
    assert node.capacity["nvidia.com/gpu"] == str(machine.accelerator.count)
    assert node.labels["cloud.google.com/gke-accelerator"] == machine.gke_accelerator
    assert node.taints == ({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},)


def test_nodes_are_spread_over_the_zones_of_their_pool(settings: Settings) -> None:
    zones = ["us-central1-a", "us-central1-b"]
    found = nodes(settings, pool("each", "e2-standard-4", 2, nodeLocations=zones))
    assert [node.labels["topology.kubernetes.io/zone"] for node in found] == [zones[0]] * 2 + [zones[1]] * 2


@pytest.mark.parametrize(
    ("scaling", "count"),
    [({"minNodeCount": 2, "maxNodeCount": 5}, 2), ({"totalMinNodeCount": 3, "totalMaxNodeCount": 9}, 3), ({}, 0)],
)
def test_a_pool_that_scales_has_its_least_nodes(settings: Settings, scaling: dict[str, int], count: int) -> None:
    assert len(nodes(settings, pool("scales", "e2-standard-4", None, autoscaling=scaling))) == count


@pytest.mark.parametrize("name", [name for name, machine in tpus.items() if machine.vcpus is None])
def test_a_machine_of_unknown_size_gets_no_nodes_and_a_reason(settings: Settings, name: str) -> None:
    found = inventory(settings, pool("unknown", name))
    assert found.nodes == []
    assert name in found.unknown["unknown"]


def test_an_unknown_machine_type_leaves_the_other_pools_alone(settings: Settings) -> None:
    found = inventory(settings, pool("odd", "x9-standard-1"), pool("fine", "e2-standard-4"))
    assert [node.group for node in found.nodes] == ["fine"]
    assert "x9-standard-1" in found.unknown["odd"]


def test_what_gke_keeps_back_is_what_its_documentation_says() -> None:
    """255 MiB below 1 GiB aside: 25 % of 4 GiB, 20 % of the next 4, 10 % of the next 8, 6 % to 128, 2 % above."""
    assert nodepools.reserved_memory_mib(4) == pytest.approx(1024 + 100)
    assert nodepools.reserved_memory_mib(16) == pytest.approx((1 + 0.8 + 0.8) * 1024 + 100)
    assert nodepools.reserved_memory_mib(228) == pytest.approx((1 + 0.8 + 0.8 + 6.72 + 2) * 1024 + 100)


def test_a_pool_made_anew_gets_new_nodes_and_a_new_label_only_corrects_them(settings: Settings) -> None:
    before, after = (
        nodes(settings, pool("one", "e2-standard-4", config={"labels": {"team": name}}))[0] for name in ("a", "b")
    )
    assert before.generation == after.generation
    assert before.labels != after.labels
    assert nodes(settings, pool("one", "e2-standard-8"))[0].generation != after.generation
