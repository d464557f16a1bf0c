"""How the machines of a pool are bought on Google Cloud: a union over four models, each knowing what it means for GKE.

Reservations are made before and named here. The combinations that GKE refuses cannot be written: a key that belongs to
another model is answered with the models there are (rules as in GoogleCloudPlatform/cluster-toolkit,
modules/compute/gke-node-pool: flex-start takes no reservation and no node repair, queued provisioning no spot).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from catalog import prices, tpus
from catalog.gcp_machine import GcpMachine
from components.gcp.fields import ReservationName
from components.spec import Spec, custom_error

MODELS = "on-demand, spot, reservation, flex-start"
RESERVATION_KEY = "compute.googleapis.com/reservation-name"
NO_RESERVATION: dict[str, Any] = {"consume_reservation_type": "NO_RESERVATION"}
LONGEST_RUN_HOURS = 168
"""Seven days (GKE documentation, "About GPU and TPU consumption with flex-start")."""


class PurchaseModel(Spec):
    """What every model answers."""

    foreign: ClassVar[Mapping[str, str]] = {}
    """Keys of other models, and why they do not go with this one."""
    static: ClassVar[bool] = True
    """Whether the nodes are there all the time; else an autoscaler makes them when a job asks."""
    repairs: ClassVar[bool] = True
    """Whether GKE may replace a sick node."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_foreign_keys(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        found = [
            InitErrorDetails(type=custom_error(sentence), loc=(key,), input=None)
            for key, sentence in cls.foreign.items()
            if given.get(key) not in (None, False)
        ]
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)
        return given

    def node_arguments(self) -> dict[str, Any]:
        """Arguments of the node configuration that this model needs."""
        return {"reservation_affinity": NO_RESERVATION}

    def pool_arguments(self) -> dict[str, Any]:
        """Arguments of the node pool that this model needs."""
        return {}

    def usd_per_hour(self, machine: GcpMachine, region: str) -> Decimal | None:
        """Price of one node; None when unknown."""
        return node_price(machine, region, spot=False)


class OnDemand(PurchaseModel):
    """By the second, when there is capacity."""

    foreign: ClassVar[Mapping[str, str]] = {
        "reservation": f"an on-demand pool takes nothing from a reservation. Choose a model of {MODELS}: reservation "
        "with this name, or leave the key out.",
        "queued": "on-demand capacity is not queued. Choose model flex-start with queued: true, or leave the key out.",
    }
    model: Literal["on-demand"] = Field(description="By the second, when there is capacity.")


class Spot(PurchaseModel):
    """Spare capacity, taken back with thirty seconds' notice."""

    foreign: ClassVar[Mapping[str, str]] = {
        "reservation": f"spot capacity takes nothing from a reservation. Choose one model of {MODELS}.",
        "queued": "spot capacity cannot be queued (GKE refuses queued provisioning of spot nodes). Choose model "
        "flex-start with queued: true, or spot without the key.",
    }
    model: Literal["spot"] = Field(description="Spare capacity, taken back with thirty seconds' notice.")

    def node_arguments(self) -> dict[str, Any]:
        return {"spot": True, "reservation_affinity": NO_RESERVATION}

    def usd_per_hour(self, machine: GcpMachine, region: str) -> Decimal | None:
        return node_price(machine, region, spot=True)


class Reservation(PurchaseModel):
    """A specific reservation that exists already; also how calendar-mode and cluster-director capacity is used."""

    foreign: ClassVar[Mapping[str, str]] = {
        "queued": "reserved capacity is not queued. Choose model flex-start with queued: true, or reservation without "
        "the key.",
        "max-run-hours": "reserved nodes run as long as the reservation. Choose model flex-start, or leave the key "
        "out.",
    }
    model: Literal["reservation"] = Field(description="A specific reservation that exists already.")
    reservation: ReservationName = Field(
        description="Name of the reservation; projects/<project>/reservations/<name> for one that is shared, "
        "<name>/reservationBlocks/<block> for one block of it."
    )

    def node_arguments(self) -> dict[str, Any]:
        affinity = {
            "consume_reservation_type": "SPECIFIC_RESERVATION",
            "key": RESERVATION_KEY,
            "values": [self.reservation],
        }
        return {"reservation_affinity": affinity}


class FlexStart(PurchaseModel):
    """Capacity of Dynamic Workload Scheduler: it comes when there is some and stays up to seven days."""

    static = False
    repairs = False
    foreign: ClassVar[Mapping[str, str]] = {
        "reservation": "flex-start takes nothing from a reservation (its nodes must have affinity NO_RESERVATION). "
        f"Choose one model of {MODELS}: reservation with this name, or flex-start without the key.",
        "reservation-id": f"flex-start takes nothing from a reservation. Choose one model of {MODELS}.",
    }
    model: Literal["flex-start"] = Field(description="Comes when there is capacity, stays up to seven days.")
    max_run_hours: int = Field(
        LONGEST_RUN_HOURS, ge=1, le=LONGEST_RUN_HOURS, description="Hours after which the nodes go."
    )
    queued: bool = Field(
        False,
        description="Whether all nodes of a job come at once or none (queued provisioning): jobs must then ask with a "
        "ProvisioningRequest, which Kueue does.",
    )

    def node_arguments(self) -> dict[str, Any]:
        return {
            "flex_start": True,
            "max_run_duration": f"{self.max_run_hours * 3600}s",
            "reservation_affinity": NO_RESERVATION,
        }

    def pool_arguments(self) -> dict[str, Any]:
        return {"queued_provisioning": {"enabled": True}} if self.queued else {}

    def usd_per_hour(self, machine: GcpMachine, region: str) -> Decimal | None:
        """Its discount is in no table."""
        del machine, region
        return None


Purchase = Annotated[OnDemand | Spot | Reservation | FlexStart, Field(discriminator="model")]


def node_price(machine: GcpMachine, region: str, *, spot: bool) -> Decimal | None:
    """USD per hour of one node; a TPU host costs what its chips cost."""
    term = "spot" if spot else "on-demand"
    if machine.name in tpus:
        chip = prices.tpu(tpus[machine.name].generation, region, term=term)
        return chip.usd * tpus[machine.name].chips if chip else None
    price = prices.gcp_instance(machine.name, region, term)
    return price.usd if price else None
