"""What each way of buying means for a node group, and what it costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from catalog import prices
from components.purchase import Purchase
from plan import Resource
from tests.stacks.support import changed, plan_of

RESERVATION = "cr-0123456789abcdef0"
READ: TypeAdapter[Any] = TypeAdapter(Purchase)


def bought(purchase: dict[str, Any]) -> tuple[Resource, Resource]:
    """Node group and launch template of a pool bought so."""
    whole = plan_of(changed({"pools/h100/purchase": purchase}), "up")
    (group,) = [one for one in whole.of_type("aws:eks/nodeGroup:NodeGroup") if one.name == "h100-nodes"]
    (template,) = whole.referred(group, "launchTemplate")
    return group, template


def test_a_capacity_block_names_market_reservation_and_type_in_the_template() -> None:
    """EKS refuses the group when one of them is missing, and when the group names the type as well."""
    group, template = bought({"model": "capacity-block", "reservation-id": RESERVATION})
    assert group.inputs["capacityType"] == "CAPACITY_BLOCK"
    assert template.inputs["instanceMarketOptions"] == {"marketType": "capacity-block"}
    target = template.inputs["capacityReservationSpecification"]["capacityReservationTarget"]
    assert target == {"capacityReservationId": RESERVATION}
    assert template.inputs["instanceType"] == "p5.48xlarge"
    assert "instanceTypes" not in group.inputs
    assert len(group.inputs["subnetIds"]) == 1


def test_a_reservation_is_targeted_and_joins_only_the_group_it_was_made_in() -> None:
    group, template = bought({"model": "reservation", "reservation-id": RESERVATION})
    assert group.inputs["capacityType"] == "ON_DEMAND"
    assert "capacityReservationTarget" in template.inputs["capacityReservationSpecification"]
    assert "placement" not in template.inputs
    _, template = bought({"model": "reservation", "reservation-id": RESERVATION, "placement-group": "near"})
    assert template.inputs["placement"] == {"groupName": "near"}


def test_spot_is_a_matter_of_the_group_alone() -> None:
    """EKS refuses templates that ask for the spot market themselves."""
    group, template = bought({"model": "spot"})
    assert group.inputs["capacityType"] == "SPOT"
    assert "instanceMarketOptions" not in template.inputs


@pytest.mark.parametrize(
    ("purchase", "price"),
    [
        ({"model": "on-demand"}, prices.on_demand("p5en.48xlarge", "us-east-1")),
        ({"model": "reservation", "reservation-id": RESERVATION}, prices.on_demand("p5en.48xlarge", "us-east-1")),
        (
            {"model": "capacity-block", "reservation-id": RESERVATION},
            prices.capacity_block("p5en.48xlarge", "us-east-1"),
        ),
    ],
)
def test_the_price_is_that_of_the_way_of_buying(purchase: dict[str, Any], price: prices.Price) -> None:
    assert READ.validate_python(purchase).usd_per_hour("p5en.48xlarge", "us-east-1") == price.usd


def test_a_price_that_is_not_known_is_not_zero() -> None:
    assert READ.validate_python({"model": "spot"}).usd_per_hour("g6e.12xlarge", "us-east-1") is None


def test_a_node_group_says_unknown_where_the_catalog_does_not_know() -> None:
    from components import tags

    derived = tags.derived(usd_per_hour=None, purchase="spot", power_kw_max=None, accelerator=None)
    assert derived["dc:usd-per-hour"] == "unknown"
    assert derived["dc:power-kw-max"] == "unknown"
    assert (
        tags.derived(usd_per_hour=Decimal("1E+2"), purchase="", power_kw_max=10.0, accelerator=None)["dc:usd-per-hour"]
        == "100"
    )
