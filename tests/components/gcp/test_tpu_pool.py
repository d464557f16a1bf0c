"""From generation and topology follow machine, hosts, labels and placement: every pair of the tables."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from catalog import tpu_slice
from components.gcp import tpu_pool
from components.gcp.project import GcpSite
from components.gcp.tpu_pool import TpuPoolSpec
from components.placement import Placement
from components.site import SiteSpec
from plan import Plan, Resource
from tests.stacks.support import changed, plan_of

SITE = GcpSite(
    SiteSpec(name="aidc", environment="sandbox", owner="platform", cost_center="research"), "p", "us-central1", "123456"
)
ZONES = {
    "v4": "us-central2-b",
    "v5e": "us-central1-a",
    "v5p": "us-east5-a",
    "v6e": "us-central1-b",
    "tpu7x": "us-central1-c",
}
LABELS = {
    "v4": "tpu-v4-podslice",
    "v5e": "tpu-v5-lite-podslice",
    "v5p": "tpu-v5p-slice",
    "v6e": "tpu-v6e-slice",
    "tpu7x": "tpu7x",
}
PAIRS = [
    (generation, part.topology, part.machine.name, part.hosts)
    for generation in tpu_slice.generations()
    for part in tpu_slice.slices(generation)
]


def pool(tpu: str, topology: str, **more: Any) -> TpuPoolSpec:
    return TpuPoolSpec.model_validate(
        {"tpu": tpu, "topology": topology, "zone": ZONES[tpu], "purchase": {"model": "on-demand"}, **more}
    )


@pytest.mark.parametrize(("generation", "topology", "machine", "hosts"), PAIRS)
def test_every_slice_gets_its_machine_number_labels_and_placement(
    generation: str, topology: str, machine: str, hosts: int
) -> None:
    spec = pool(generation, topology, **{"machine-type": machine})
    plan = tpu_pool.node_pool_plan("pool", spec, SITE, 0)
    assert plan.placement.instance.name == machine
    assert plan.nodes == hosts
    assert plan.static
    chips = plan.placement.instance.accelerator
    assert chips is not None
    assert plan.placement.share()["google.com/tpu"] == str(chips.count)
    assert plan.placement.selector == {
        "dc/pool": "pool",
        "cloud.google.com/gke-tpu-accelerator": LABELS[generation],
        "cloud.google.com/gke-tpu-topology": topology,
    }
    assert plan.placement.tolerations == [
        {"key": "google.com/tpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    ]
    if hosts == 1:
        assert spec.placed == "none"
        assert "placement_policy" not in plan.pool
    elif generation == "tpu7x":
        assert spec.placed == "workload-policy"
        assert "placement_policy" not in plan.pool
        assert tpu_pool.workload_policy(spec)["accelerator_topology"] == topology
    else:
        assert plan.pool["placement_policy"] == {"type": "COMPACT", "tpu_topology": topology}


def planned(**pool_changes: Any) -> Plan:
    """The local TPU stack with one pool of other words and nothing that runs on it."""
    given = {"tpu": "v6e", "topology": "4x4", "zone": "us-central1-b", "purchase": {"model": "on-demand"}}
    return plan_of(changed({"pools": {"pool": given | pool_changes}, "benchmark": {}}, "local-tpu"))


def node_pools(plan: Plan) -> list[Resource]:
    (component,) = [resource for resource in plan if resource.type == "aidc:gcp/tpu_pool:TpuPool"]
    return [made for made in plan.of_type("gcp:container/nodePool:NodePool") if made.parent == component.urn]


def test_a_slice_of_several_hosts_is_one_node_pool_of_a_fixed_size_in_one_zone() -> None:
    (made,) = node_pools(planned())
    assert made.inputs["nodeCount"] == 4
    assert made.inputs["nodeLocations"] == ["us-central1-b"]
    assert made.inputs["placementPolicy"] == {"type": "COMPACT", "tpuTopology": "4x4"}
    assert made.inputs["nodeConfig"]["machineType"] == "ct6e-standard-4t"
    assert made.inputs["nodeConfig"]["taints"] == [
        {"key": "google.com/tpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    assert "autoscaling" not in made.inputs
    assert made.inputs["upgradeSettings"]["maxSurge"] == 0, "there is no spare slice to add first"


def test_each_of_several_slices_is_a_node_pool_of_its_own() -> None:
    made = node_pools(planned(slices=3))
    assert [pool.inputs["name"] for pool in made] == ["pool-slice0", "pool-slice1", "pool-slice2"]
    assert {pool.inputs["nodeCount"] for pool in made} == {4}
    assert [pool.inputs["nodeConfig"]["labels"]["dc/slice"] for pool in made] == ["0", "1", "2"]


def test_slices_of_one_host_share_a_node_pool_without_placement() -> None:
    (made,) = node_pools(planned(topology="2x2", slices=3))
    assert made.inputs["nodeCount"] == 3
    assert "placementPolicy" not in made.inputs


def test_ironwood_is_placed_by_a_workload_policy_and_by_nothing_else() -> None:
    plan = plan_of(
        changed(
            {
                "network/zones": ["us-central1-b", "us-central1-c"],
                "system-pools/general/zones": ["us-central1-b"],
                "system-pools/bench/zones": ["us-central1-b"],
                "pools": {
                    "pool": {
                        "tpu": "tpu7x",
                        "topology": "2x2x4",
                        "zone": "us-central1-c",
                        "topology-mode": "provision-only",
                        "purchase": {"model": "reservation", "reservation": "mine"},
                    }
                },
                "benchmark": {},
            },
            "local-tpu",
        )
    )
    (policy,) = plan.of_type("gcp:compute/resourcePolicy:ResourcePolicy")
    assert policy.inputs["workloadPolicy"] == {
        "type": "HIGH_THROUGHPUT",
        "acceleratorTopology": "2x2x4",
        "acceleratorTopologyMode": "PROVISION_ONLY",
    }
    (made,) = node_pools(plan)
    assert set(made.inputs["placementPolicy"]) == {"type", "policyName"}
    assert policy.urn in made.property_dependencies["placementPolicy"]


def test_flex_start_scales_from_nothing_and_repairs_nothing() -> None:
    (made,) = node_pools(planned(purchase={"model": "flex-start", "queued": True, "max-run-hours": 24}))
    assert made.inputs["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 4, "locationPolicy": "ANY"}
    assert "nodeCount" not in made.inputs
    assert made.inputs["management"]["autoRepair"] is False
    assert made.inputs["queuedProvisioning"] == {"enabled": True}
    node = made.inputs["nodeConfig"]
    assert node["flexStart"] is True
    assert node["maxRunDuration"] == "86400s"
    assert node["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}


def test_a_reservation_is_named() -> None:
    (made,) = node_pools(planned(purchase={"model": "reservation", "reservation": "mine"}))
    assert made.inputs["nodeConfig"]["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["mine"],
    }


def test_spot_nodes_are_spot_and_take_no_reservation() -> None:
    (made,) = node_pools(planned(purchase={"model": "spot"}))
    assert made.inputs["nodeConfig"]["spot"] is True
    assert made.inputs["nodeConfig"]["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}


def test_nodes_say_what_they_cost_and_draw_or_that_nobody_knows() -> None:
    (made,) = node_pools(planned())
    labels = made.inputs["nodeConfig"]["resourceLabels"]
    assert labels["dc-accelerator"] == "4x-tpu-v6e"
    assert labels["dc-usd-per-hour"] == "10-8"
    assert labels["dc-power-kw-max"] == "unknown"


def test_a_host_whose_size_is_not_known_still_gives_pods_all_its_chips() -> None:
    place: Placement = tpu_pool.placement("pool", pool("v4", "2x2x2"))
    assert place.share() == {"cpu": "4", "memory": "16384Mi", "google.com/tpu": "4"}


def test_a_pool_with_two_mistakes_says_both() -> None:
    with pytest.raises(ValidationError) as refused:
        pool("v6e", "4x4", nodes=3, placement="none")
    assert {error["loc"][0] for error in refused.value.errors()} == {"nodes", "placement"}
