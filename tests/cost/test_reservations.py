"""Promises about reserved capacity: it is charged once, whoever uses it, and said to be reserved."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from tests.cost.plans import plan, resource, urn

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
P5, A3 = Decimal("55.04") * 730, Decimal("88.49") * 730
TARGET = "capacityReservationSpecification"


def priced(*steps: Any) -> cost.Estimate:
    return cost.estimate(plan(*steps), usage.Usage())


def machines(found: cost.Estimate) -> Decimal:
    """What machines cost, without their disks."""
    return sum((line.monthly_usd.base for line in found.lines if line.purchase), Decimal(0))


def reserved(count: int = 2, **inputs: Any) -> Any:
    return resource(
        "aws:ec2/capacityReservation:CapacityReservation", "kept", instanceType="p5.48xlarge", instanceCount=count,
        instancePlatform="Linux/UNIX", **inputs,
    )  # fmt: skip


def template(refers: Any = None, target: Any = UNKNOWN, **inputs: Any) -> Any:
    return resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        refers={TARGET: "kept"} if refers is None else refers,
        instanceType="p5.48xlarge",
        capacityReservationSpecification={"capacityReservationTarget": {"capacityReservationId": target}},
        **inputs,
    )


def group(size: int) -> Any:
    scaling = {"desiredSize": size, "minSize": 0, "maxSize": 8}
    return resource("aws:eks/nodeGroup:NodeGroup", "nodes", refers={"launchTemplate": "lt"}, scalingConfig=scaling)


@pytest.mark.parametrize(("size", "machines_paid"), [(0, 4), (1, 4), (4, 4), (6, 6)])
def test_a_group_in_a_reservation_is_charged_once_and_the_reservation_for_what_is_left(
    size: int, machines_paid: int
) -> None:
    found = priced(reserved(4), template(), group(size))
    assert machines(found) == machines_paid * P5
    assert found.power.accelerators == machines_paid * 8
    assert {line.purchase for line in found.lines if line.purchase} == {"reservation"}


def test_a_reservation_that_nothing_uses_costs_all_its_machines() -> None:
    assert machines(priced(reserved(2))) == 2 * P5


def test_a_reservation_may_be_named_by_a_literal_id() -> None:
    kept = reserved(2)
    kept["newState"]["id"] = "cr-0123456789abcdef0"
    assert machines(priced(kept, template({}, "cr-0123456789abcdef0"), group(2))) == 2 * P5
    assert machines(priced(kept, template({}, "cr-another"), group(2))) == 4 * P5


def test_a_dependency_of_the_template_is_enough_where_inputs_do_not_tell() -> None:
    aimed = template({})
    aimed["newState"]["dependencies"] = [urn("kept")]
    assert machines(priced(reserved(2), aimed, group(2))) == 2 * P5


def test_a_node_pool_inside_a_cluster_may_use_a_reservation_too() -> None:
    kept = resource(
        "gcp:compute/reservation:Reservation", "r", zone="us-central1-a",
        specificReservation={"count": 2, "instanceProperties": {"machineType": "a3-highgpu-8g"}},
    )  # fmt: skip
    config = {
        "machineType": "a3-highgpu-8g",
        "reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION", "values": [UNKNOWN]},
    }
    cluster = resource(
        "gcp:container/cluster:Cluster", "c", refers={"nodePools": "r"}, location="us-central1-a",
        nodePools=[{"name": "gpu", "nodeCount": 2, "nodeConfig": config}],
    )  # fmt: skip
    assert machines(priced(kept, cluster)) == 2 * A3


def test_an_instance_and_an_auto_scaling_group_are_told_too() -> None:
    specification = {"capacityReservationTarget": {"capacityReservationId": UNKNOWN}}
    single = resource(
        "aws:ec2/instance:Instance", "one", refers={TARGET: "kept"}, instanceType="p5.48xlarge",
        capacityReservationSpecification=specification,
    )  # fmt: skip
    scaled = resource("aws:autoscaling/group:Group", "many", refers={"launchTemplate": "lt"}, desiredCapacity=2)
    assert machines(priced(reserved(4), template(), single, scaled)) == 4 * P5


def test_machines_of_another_type_or_on_spot_leave_a_reservation_unused() -> None:
    small = template(instanceMarketOptions={"marketType": "spot"})
    found = priced(reserved(1), small, group(1))
    assert sum(line.monthly_usd.base for line in found.lines if line.purchase == "reservation") == P5


def test_a_pool_that_targets_a_reservation_elsewhere_is_said_to_be_reserved() -> None:
    found = priced(template({}, "cr-elsewhere"), group(2))
    line = next(line for line in found.lines if line.purchase)
    assert (line.purchase, line.monthly_usd.base) == ("reservation", 2 * P5)
    assert "reservation" in line.item
    assert not [hint for hint in found.hints if hint.rule == "block-cheaper"]


def test_a_reservation_of_another_operating_system_has_no_price_instead_of_that_of_linux() -> None:
    kept = reserved(1)
    kept["newState"]["inputs"]["instancePlatform"] = "Windows"
    assert [gap.kind for gap in priced(kept).unknown] == ["price"]


@pytest.mark.parametrize("name", ["slots", "projects/other/reservations/slots/reservationBlocks/block-1"])
def test_a_google_reservation_is_charged_once(name: str) -> None:
    kept = resource(
        "gcp:compute/reservation:Reservation", "r", zone="us-central1-a", name="slots",
        specificReservation={"count": 3, "instanceProperties": {"machineType": "a3-highgpu-8g"}},
    )  # fmt: skip
    affinity = {"key": "compute.googleapis.com/reservation-name", "values": [name]}
    pool = resource(
        "gcp:container/nodePool:NodePool", "pool", location="us-central1-a", nodeCount=1,
        nodeConfig={
            "machineType": "a3-highgpu-8g",
            "reservationAffinity": affinity | {"consumeReservationType": "SPECIFIC_RESERVATION"},
        },
    )  # fmt: skip
    machine = resource(
        "gcp:compute/instance:Instance", "m", machineType="a3-highgpu-8g", zone="us-central1-a",
        reservationAffinity={"type": "SPECIFIC_RESERVATION", "specificReservation": affinity},
    )  # fmt: skip
    found = priced(kept, pool, machine)
    assert machines(found) == 3 * A3
    assert found.power.accelerators == 24
    assert {line.purchase for line in found.lines if line.purchase} == {"reservation"}
