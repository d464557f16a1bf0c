"""Network interfaces of a node: from the catalog's plan to the arguments of a launch template. Pure.

Rules that the plans obey (EC2 User Guide, "Elastic Fabric Adapter"; EKS User Guide, "Run machine learning training with
EFA"): card 0, device 0 is an ENA; all EFAs are `efa-only`, because the node agent of EKS would try to manage a second
interface that has an address; at most one EFA a card. `run-instances --dry-run` does not notice a wrong layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog import efa_plans
from catalog.efa import NetworkInterface, efa_count

if TYPE_CHECKING:
    import pulumi
    from pulumi_aws.ec2 import LaunchTemplateNetworkInterfaceArgsDict

Plan = tuple[NetworkInterface, ...]
LEAN = "lean"
"""The plan that every EFA type has: one address, all fabric interfaces."""

__all__ = ["LEAN", "Plan", "efa_count", "interfaces", "plan_names", "plan_of"]


def plan_names(instance_type: str) -> tuple[str, ...]:
    """Plans of a type; empty when it has no EFA."""
    return tuple(efa_plans[instance_type]) if instance_type in efa_plans else ()


def plan_of(instance_type: str, name: str = LEAN) -> Plan:
    """One plan of a type. Raises KeyError when there is none."""
    return efa_plans[instance_type][name]


def interfaces(
    plan: Plan, security_group_ids: Sequence[pulumi.Input[str]]
) -> list[LaunchTemplateNetworkInterfaceArgsDict]:
    """Launch-template arguments, one per interface, in the order of the plan.

    Nothing is said about addresses: EC2 refuses address settings on `efa-only` interfaces and public addresses on
    instances with more than one interface. EKS refuses subnets here.
    """
    groups = list(security_group_ids)
    return [
        {
            "network_card_index": interface.network_card_index,
            "device_index": interface.device_index,
            "interface_type": interface.interface_type,
            "security_groups": groups,
            "delete_on_termination": "true",
        }
        for interface in plan
    ]
