"""How the machines of a pool are bought: a union over four models, each knowing what it means for EC2 and EKS.

Holds the stack-file shapes, what each model puts into a launch template and what it costs. Buying itself happens
elsewhere: reservations and capacity blocks are bought before and named here by id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from catalog import limits, prices
from catalog.instance import Instance
from catalog.limit import plain
from components.spec import Problem, ReservationId, Spec

BLOCK_DAYS = "capacity-block-days"
"""Name of the limit in the catalog."""


class PurchaseModel(Spec):
    """What every model answers."""

    capacity_type: ClassVar[str]
    """EKS: `capacityType` of the node group."""
    joins_placement_group: ClassVar[bool] = True
    """Whether a cluster placement group of ours brings nodes closer together."""

    def template_arguments(self) -> dict[str, Any]:
        """Arguments for `ec2.LaunchTemplate` that this model needs."""
        return {}

    def unsupported(self, instance: Instance) -> str | None:
        """Why this type cannot be bought so; None when it can, or when the catalog cannot tell."""
        del instance
        return None

    def usd_per_hour(self, instance_type: str, region: str) -> Decimal | None:
        """Price of one node; None when unknown."""
        price = prices.on_demand(instance_type, region)
        return price.usd if price else None


class OnDemand(PurchaseModel):
    """By the second, when there is capacity."""

    capacity_type = "ON_DEMAND"
    model: Literal["on-demand"] = Field(description="By the second, when there is capacity.")

    def unsupported(self, instance: Instance) -> str | None:
        if instance.on_demand is not False:
            return None
        others = " or ".join(
            model for model, sold in (("spot", instance.spot), ("capacity-block", instance.capacity_block)) if sold
        )
        return f"{instance.name} is not sold on demand. Choose {others}."


class Spot(PurchaseModel):
    """Spare capacity, taken back with two minutes' notice."""

    capacity_type = "SPOT"
    model: Literal["spot"] = Field(description="Spare capacity, taken back with two minutes' notice.")

    def unsupported(self, instance: Instance) -> str | None:
        if instance.spot is False:
            others = "capacity-block" if instance.on_demand is False else "on-demand, reservation or capacity-block"
            return f"{instance.name} is not sold as spot capacity. Choose {others}."
        return None

    def usd_per_hour(self, instance_type: str, region: str) -> Decimal | None:
        price = prices.spot(instance_type, region)
        return price.usd if price else None


class Reservation(PurchaseModel):
    """A targeted on-demand capacity reservation that exists already."""

    capacity_type = "ON_DEMAND"
    joins_placement_group = False  # only instances in the reservation's own group match it
    model: Literal["reservation"] = Field(description="A targeted on-demand capacity reservation that exists already.")
    reservation_id: ReservationId = Field(description="Id of the reservation.")
    placement_group: str | None = Field(
        None, description="Cluster placement group the reservation was made in, where it was made in one."
    )

    def template_arguments(self) -> dict[str, Any]:
        group = {"placement": {"group_name": self.placement_group}} if self.placement_group else {}
        return _target(self.reservation_id) | group


class CapacityBlock(PurchaseModel):
    """A Capacity Block for ML that is paid already: a fixed window in an UltraCluster."""

    capacity_type = "CAPACITY_BLOCK"
    joins_placement_group = False  # a block sits in one UltraCluster already
    model: Literal["capacity-block"] = Field(description="A Capacity Block for ML that is paid already.")
    reservation_id: ReservationId = Field(description="Id of the block's capacity reservation.")
    start: datetime | None = Field(
        None,
        description="When the block begins (UTC, in quotes): for the cost report, and so that `make up` asks for no "
        "node before.",
    )
    days: int | None = Field(
        None,
        ge=1,
        description="Length of the block, for the cost report: 1 to 14 days, then whole weeks up to 182 days.",
    )

    def problems(self) -> Iterator[Problem]:
        allowed = limits[BLOCK_DAYS]
        if self.days is not None and not allowed.allows(self.days):
            near = " or ".join(map(plain, allowed.nearest(self.days)))
            yield Problem(("days",), f"{self.days} cannot be bought. Allowed: {allowed.describe()}; nearest: {near}.")

    def template_arguments(self) -> dict[str, Any]:
        return {"instance_market_options": {"market_type": "capacity-block"}} | _target(self.reservation_id)

    def unsupported(self, instance: Instance) -> str | None:
        if instance.capacity_block:
            return None
        return f"{instance.name} is not sold as a Capacity Block. Choose on-demand, spot or reservation."

    def usd_per_hour(self, instance_type: str, region: str) -> Decimal | None:
        price = prices.capacity_block(instance_type, region)
        return price.usd if price else None


Purchase = Annotated[OnDemand | Spot | Reservation | CapacityBlock, Field(discriminator="model")]


def _target(reservation_id: str) -> dict[str, Any]:
    target = {"capacity_reservation_id": reservation_id}
    return {"capacity_reservation_specification": {"capacity_reservation_target": target}}
