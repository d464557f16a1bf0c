"""Layout of network interfaces on EFA instance types, one row per interface and plan.

A plan is what a launch template must list, in its order. `lean` exists for every EFA type: one ENA with an address, all
further interfaces EFA-only. `ip-bandwidth` adds ENAs for IP traffic; p6e-gb200 has a second way to cut its cards.
Card 0, device 0 is always an ENA: EC2 refuses an EFA-only interface there. Security groups and subnets are not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

from catalog.table import Lookup, UnknownName, rows


class NoEfaPlan(UnknownName):
    """An instance type for which no EFA layout is known."""


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface of a plan. An EFA-only interface carries no IP address."""

    network_card_index: int
    device_index: int
    interface_type: Literal["interface", "efa-only"]
    has_ip: bool
    note: str | None = None

    @property
    def is_efa(self) -> bool:
        return self.interface_type == "efa-only"


Plan = tuple[NetworkInterface, ...]


def _load() -> dict[str, Mapping[str, Plan]]:
    found: dict[str, dict[str, list[NetworkInterface]]] = {}
    for row in rows("aws_efa_nic_plans"):
        kind = row.text("interface_type")
        if kind not in ("interface", "efa-only"):
            raise row.refuse("interface_type", "interface or efa-only")
        interface = NetworkInterface(
            network_card_index=row.integer("network_card_index"),
            device_index=row.integer("device_index"),
            interface_type=cast(Literal["interface", "efa-only"], kind),
            has_ip=row.flag("has_ip"),
            note=row.maybe_text("note"),
        )
        found.setdefault(row.text("instance_type"), {}).setdefault(row.text("plan"), []).append(interface)
    return {
        name: MappingProxyType({plan: tuple(interfaces) for plan, interfaces in plans.items()})
        for name, plans in found.items()
    }


efa_plans: Lookup[Mapping[str, Plan]] = Lookup("instance type with EFA", _load, NoEfaPlan)
"""Plans by instance type, then by plan name: `efa_plans["p5en.48xlarge"]["lean"]`."""


def efa_count(plan: Plan) -> int:
    """EFA interfaces of a plan: what a node will offer as `vpc.amazonaws.com/efa`."""
    return sum(interface.is_efa for interface in plan)
