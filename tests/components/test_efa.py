"""Every EFA type gets exactly the interfaces that the catalog lists for it, in the launch template that is rendered."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from catalog import efa_plans, instances
from components.accelerator_pool import AMI_TYPES
from components.efa import LEAN, efa_count, interfaces, plan_names, plan_of
from plan import Plan
from tests.stacks.support import REMOVED, changed
from tests.stacks.support import plan_of as planned

TABLE = [(kind, plan) for kind in efa_plans for plan in efa_plans[kind]]
RENDERED = [
    (kind, plan)
    for kind, plan in TABLE
    if (accelerator := instances[kind].accelerator)
    and (accelerator.vendor, instances[kind].arch) in AMI_TYPES
    and not instances[kind].min_nvidia_driver
]
"""All but types for which EKS has no image, or none with their driver."""
BLOCK = {"model": "capacity-block", "reservation-id": "cr-0123456789abcdef0"}


def pool_name(kind: str, plan: str) -> str:
    return f"{kind.replace('.', '-')}-{plan}"[:32].rstrip("-")


@functools.cache
def data_center() -> Plan:
    """A stack with one pool per type and plan of the table."""
    pools = {
        pool_name(kind, plan): {
            "instance-type": kind,
            "zone": "us-east-1a",
            "nodes": 1,
            "network-plan": plan,
            "purchase": BLOCK if instances[kind].on_demand is False else {"model": "on-demand"},
        }
        for kind, plan in RENDERED
    }
    return planned(changed({"pools": pools, "benchmark": REMOVED, "training": REMOVED}), "up")


def layout(rendered: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(one["networkCardIndex"], one["deviceIndex"], one["interfaceType"]) for one in rendered]


def rows(kind: str, plan: str) -> list[tuple[int, int, str]]:
    return [(row.network_card_index, row.device_index, row.interface_type) for row in efa_plans[kind][plan]]


def test_the_table_covers_the_types_that_are_sold_for_training() -> None:
    assert {kind for kind, _ in RENDERED} >= {
        "p4d.24xlarge", "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge", "p6-b300.48xlarge",
        "p6e-gb200.36xlarge", "trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge", "g6e.48xlarge", "g7e.48xlarge",
    }  # fmt: skip
    assert len({pool_name(*entry) for entry in RENDERED}) == len(RENDERED)


@pytest.mark.parametrize(("kind", "plan"), RENDERED)
def test_the_launch_template_lists_the_interfaces_of_the_catalog(kind: str, plan: str) -> None:
    pool = pool_name(kind, plan)
    (template,) = [
        resource for resource in data_center().of_type("aws:ec2/launchTemplate:LaunchTemplate")
        if resource.name == f"{pool}-template"
    ]  # fmt: skip
    rendered = template.inputs["networkInterfaces"]
    assert layout(rendered) == rows(kind, plan)
    for one in rendered:
        assert len(one["securityGroups"]) == 2, "the cluster's group and the pool's own"
        assert "associatePublicIpAddress" not in one, "EC2 refuses it where there are several interfaces"
        assert "subnetId" not in one, "EKS refuses it"


@pytest.mark.parametrize(("kind", "plan"), TABLE)
def test_card_0_device_0_is_a_plain_interface_and_no_card_has_two_efas(kind: str, plan: str) -> None:
    rendered: list[Any] = list(interfaces(plan_of(kind, plan), ["sg-1"]))
    first, *others = [(one["network_card_index"], one["device_index"], one["interface_type"]) for one in rendered]
    assert first == (0, 0, "interface")
    assert len({(card, device) for card, device, _ in [first, *others]}) == len(rendered)
    cards = [card for card, _, interface in others if interface == "efa-only"]
    assert len(cards) == len(set(cards))
    assert all(interface != "efa" for _, _, interface in others), "a second address breaks the join of an EKS node"


def test_b300_has_sixteen_efas_and_none_on_card_0() -> None:
    """Generators that place interfaces by a formula fail on this type."""
    plan = plan_of("p6-b300.48xlarge")
    assert efa_count(plan) == 16
    assert all(row.network_card_index > 0 for row in plan if row.is_efa)


def test_lean_plans_use_all_the_fabric_a_type_has() -> None:
    """A type whose API maximum is above the plan's count is cut otherwise: 4 x 400 Gbps instead of 8 x 200."""
    short = {
        kind: efa_count(efa_plans[kind][LEAN])
        for kind in efa_plans
        if (known := instances[kind].efa) and efa_count(efa_plans[kind][LEAN]) != known.interfaces
    }
    assert short in ({}, {"p6e-gb200.36xlarge": 4})


def test_a_type_without_efa_has_no_plans() -> None:
    assert plan_names("g6e.xlarge") == ()


def test_fabric_groups_let_a_pool_talk_to_itself_and_to_nobody_else() -> None:
    """EFA counts only rules that name the group itself, in and out."""
    whole = data_center()
    groups = [group for group in whole.of_type("aws:ec2/securityGroup:SecurityGroup") if group.name.endswith("-fabric")]
    assert len(groups) == len(RENDERED)
    for group in groups:
        for kind in ("Ingress", "Egress"):
            rules = [
                rule
                for rule in whole.of_type(f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule")
                if group in whole.referred(rule, "securityGroupId")
            ]
            (own,) = rules
            assert whole.referred(own, "referencedSecurityGroupId") == (group,)
            assert own.inputs["ipProtocol"] == "-1"
            assert not {"cidrIpv4", "cidrIpv6"} & set(own.inputs)


def test_nodes_of_a_fabric_pool_stand_close_together_unless_a_block_puts_them_there() -> None:
    whole = data_center()
    groups = whole.of_type("aws:ec2/placementGroup:PlacementGroup")
    assert len(groups) == sum(instances[kind].on_demand is not False for kind, _ in RENDERED)
    assert {group.inputs["strategy"] for group in groups} == {"cluster"}
    bought = planned(changed({"pools/h100/purchase": BLOCK}))
    assert not bought.of_type("aws:ec2/placementGroup:PlacementGroup")
