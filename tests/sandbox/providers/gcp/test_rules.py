"""What Google refuses is refused at preview, in words that name the input and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.tpu_slice import generations, slices
from sandbox.providers.protocol import Props
from tests.sandbox.providers.aws.plugin import Plugin, Refused
from tests.sandbox.providers.gcp.cases import World, slice_pool

POOL = "gcp:container/nodePool:NodePool"
SPECIFIC = {
    "consumeReservationType": "SPECIFIC_RESERVATION",
    "key": "compute.googleapis.com/reservation-name",
    "values": ["r"],
}


def refused(plugin: Plugin, changes: Props, **config: Any) -> dict[str, str]:
    """Problems of a 4x4 slice of v6e with some inputs changed."""
    inputs = slice_pool(World(plugin), **config) | changes
    return plugin.resource(POOL).check({key: value for key, value in inputs.items() if value is not None})[1]


def test_a_good_slice_passes(plugin: Plugin) -> None:
    assert refused(plugin, {}) == {}


@pytest.mark.parametrize(
    ("changes", "config", "path", "words"),
    [
        ({"placementPolicy": {"type": "COMPACT", "tpuTopology": "3x5"}}, {}, "placementPolicy.tpuTopology", "4x4"),
        (
            {},
            {"machineType": "ct6e-standard-8t"},
            "placementPolicy.tpuTopology",
            "ct6e-standard-8t does not make up 4x4 (it makes 2x4); ct6e-standard-4t does",
        ),
        ({"nodeCount": 3}, {}, "nodeCount", "has 4 hosts"),
        (
            {"placementPolicy": {"type": "COMPACT", "tpuTopology": "2x2"}, "nodeCount": 1},
            {},
            "placementPolicy",
            "is a single host",
        ),
        ({"placementPolicy": {"type": "SPREAD", "tpuTopology": "4x4"}}, {}, "placementPolicy.type", "give COMPACT"),
        ({"placementPolicy": {"type": "COMPACT", "tpuTopology": "4x4"}}, {"machineType": "n2-standard-8"},
         "placementPolicy.tpuTopology", "is no TPU machine type"),
        ({"nodeLocations": ["us-central1-a", "us-central1-b"]}, {}, "nodeLocations", "in one zone"),
        ({"upgradeSettings": {"strategy": "BLUE_GREEN"}}, {}, "upgradeSettings.strategy", "SURGE"),
        (
            {"management": {"autoRepair": False}},
            {"flexStart": True, "reservationAffinity": SPECIFIC},
            "nodeConfig.reservationAffinity.consumeReservationType",
            "NO_RESERVATION only",
        ),
        ({}, {"flexStart": True}, "management.autoRepair", "must be false"),
        ({"management": {"autoRepair": False}}, {"flexStart": True}, "nodeCount", "give autoscaling"),
        (
            {"queuedProvisioning": {"enabled": True}},
            {"reservationAffinity": SPECIFIC},
            "nodeConfig.reservationAffinity.consumeReservationType",
            "with queuedProvisioning",
        ),
        ({"queuedProvisioning": {"enabled": True}}, {"spot": True}, "nodeConfig.spot", "cannot be spot"),
        (
            {},
            {"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}},
            "nodeConfig.reservationAffinity.values",
            "required",
        ),
        ({}, {"machineType": "tpu7x-standard-4t"}, "placementPolicy.tpuTopology", "workload policy"),
        (
            {"placementPolicy": None},
            {"machineType": "tpu7x-standard-4t"},
            "placementPolicy.policyName",
            "required for a tpu7x slice",
        ),
        (
            {"placementPolicy": {"type": "COMPACT", "policyName": "p"}},
            {},
            "placementPolicy.policyName",
            "workload policies are for tpu7x",
        ),
        ({"nodeCount": 4, "autoscaling": {"minNodeCount": 0}}, {}, "nodeCount", "either nodeCount or autoscaling"),
        ({"name": "Upper"}, {}, "name", "lower-case"),
    ],
)  # fmt: skip
def test_a_bad_pool_is_refused(plugin: Plugin, changes: Props, config: Props, path: str, words: str) -> None:
    found = refused(plugin, changes, **config)
    assert path in found, found
    assert words in found[path]


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"nodeKonfig": {}}, "nodeKonfig", "did you mean nodeConfig?"),
        ({"nodeConfig": {"machinType": "x"}}, "nodeConfig.machinType", "did you mean machineType?"),
        ({"cluster": None}, "cluster", "required"),
        ({"nodeConfig": {"taints": [{"key": "a", "value": "b", "effect": "No"}]}}, "nodeConfig.taints[0].effect",
         "No is not allowed; give one of NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE"),
        ({"nodeConfig": {"taints": [{"key": "a", "effect": "NO_SCHEDULE"}]}}, "nodeConfig.taints[0].value", "required"),
        ({"nodeLocations": "us-central1-a"}, "nodeLocations", "must be a list"),
        ({"nodeConfig": ["a"]}, "nodeConfig", "must be an object, not a list"),
        ({"nodeConfig": {"resourceLabels": {"dc/pool": "a"}}}, "nodeConfig.resourceLabels", "dc/pool=a is not allowed"),
    ],
)  # fmt: skip
def test_inputs_are_held_against_the_sdk(plugin: Plugin, changes: Props, path: str, words: str) -> None:
    found = refused(plugin, changes)
    assert words in found[path]


def test_all_problems_are_told_at_once(plugin: Plugin) -> None:
    found = refused(plugin, {"nodeCount": 3, "upgradeSettings": {"strategy": "BLUE_GREEN"}}, flexStart=True)
    assert {"nodeCount", "upgradeSettings.strategy", "management.autoRepair"} <= found.keys()


@pytest.mark.parametrize("generation", [name for name in generations() if name != "tpu7x"])
def test_every_slice_of_the_tables_passes_and_one_host_more_does_not(plugin: Plugin, generation: str) -> None:
    for one in slices(generation):
        placement = {"type": "COMPACT", "tpuTopology": one.topology} if one.multi_host else None
        changes = {"placementPolicy": placement, "nodeCount": one.hosts}
        assert refused(plugin, changes, machineType=one.machine.name) == {}, one
        if one.multi_host:
            assert refused(plugin, changes | {"nodeCount": one.hosts + 1}, machineType=one.machine.name)


def ironwood(world: World, **config: Any) -> Props:
    placement = {"type": "COMPACT", "policyName": world.policy().state["name"]}
    return slice_pool(world, machineType="tpu7x-standard-4t", **config) | {
        "placementPolicy": placement,
        "nodeCount": 16,
    }


def test_a_tpu7x_slice_takes_its_topology_from_its_workload_policy(plugin: Plugin) -> None:
    world = World(plugin)
    plugin.resource(POOL, "right").create(ironwood(world))
    with pytest.raises(Refused, match="a slice of 4x4x4 has 16 hosts"):
        plugin.resource(POOL, "wrong").create(ironwood(world) | {"nodeCount": 8})


def test_a_policy_that_provisions_only_needs_a_reservation(plugin: Plugin) -> None:
    world = World(plugin)
    world.policy("PROVISION_ONLY")
    with pytest.raises(Refused, match="must be SPECIFIC_RESERVATION"):
        plugin.resource(POOL, "wrong").create(ironwood(world))
    plugin.resource(POOL, "right").create(ironwood(world, reservationAffinity=SPECIFIC))


def test_a_policy_that_is_not_there_is_refused(plugin: Plugin) -> None:
    world = World(plugin)
    placement = {"placementPolicy": {"type": "COMPACT", "policyName": "nowhere"}}
    with pytest.raises(Refused, match="policyName nowhere does not exist"):
        plugin.resource(POOL).create(ironwood(world) | placement)


def test_an_accelerator_topology_needs_high_throughput(plugin: Plugin) -> None:
    workload = {"type": "HIGH_AVAILABILITY", "acceleratorTopology": "4x4x4"}
    _, found = plugin.resource("gcp:compute/resourcePolicy:ResourcePolicy").check({"workloadPolicy": workload})
    assert "give HIGH_THROUGHPUT" in found["workloadPolicy.type"]


def test_versioning_and_hierarchical_namespace_exclude_each_other(plugin: Plugin) -> None:
    inputs = {"location": "US", "hierarchicalNamespace": {"enabled": True}, "versioning": {"enabled": True}}
    _, found = plugin.resource("gcp:storage/bucket:Bucket").check(inputs)
    assert set(found) == {"versioning.enabled", "uniformBucketLevelAccess"}


def test_further_networks_and_dual_stack_exclude_each_other(plugin: Plugin) -> None:
    cluster = {"location": "us-central1", "initialNodeCount": 1, "enableMultiNetworking": True}
    _, found = plugin.resource("gcp:container/cluster:Cluster").check(
        cluster | {"ipAllocationPolicy": {"stackType": "IPV4_IPV6"}}
    )
    assert "must be IPV4 with enableMultiNetworking" in found["ipAllocationPolicy.stackType"]
    _, found = plugin.resource("gcp:container/cluster:Cluster").check(
        cluster | {"ipAllocationPolicy": {"stackType": "IPV4"}}
    )
    assert found == {}
