"""What `efa_plans` promises: layouts that EC2 accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import efa_plans, instances
from catalog.efa import NoEfaPlan, efa_count

PLANS = [(name, plan) for name, plans in efa_plans.items() for plan in plans]


@given(st.sampled_from(PLANS))
def test_every_plan_keeps_the_rules_of_ec2(which: tuple[str, str]) -> None:
    name, plan_name = which
    plan, instance = efa_plans[name][plan_name], instances[name]
    assert instance.efa
    assert (plan[0].network_card_index, plan[0].device_index, plan[0].interface_type) == (0, 0, "interface")
    places = [(each.network_card_index, each.device_index) for each in plan]
    assert len(set(places)) == len(places)
    cards = [each.network_card_index for each in plan if each.is_efa]
    assert len(set(cards)) == len(cards) <= instance.efa.interfaces
    assert all(each.has_ip is not each.is_efa for each in plan)
    assert all(each.device_index == (1 if each.network_card_index == 0 else 0) for each in plan if each.is_efa)


@pytest.mark.parametrize("name", [name for name in efa_plans if name != "p6e-gb200.36xlarge"])
def test_the_lean_plan_attaches_every_efa_and_one_address(name: str) -> None:
    plan, efa = efa_plans[name]["lean"], instances[name].efa
    assert efa and efa_count(plan) == efa.interfaces
    assert sum(each.has_ip for each in plan) == 1


def test_every_accelerator_type_with_efa_has_a_lean_plan_and_no_other_has() -> None:
    with_efa = {name for name, instance in instances.items() if instance.efa and instance.accelerator}
    assert set(efa_plans) == with_efa
    assert all("lean" in plans for plans in efa_plans.values())


def test_p6_b300_has_no_efa_on_its_first_card() -> None:
    plan = efa_plans["p6-b300.48xlarge"]["lean"]
    assert [each.network_card_index for each in plan if each.is_efa] == list(range(1, 17))


def test_gb200_can_be_cut_into_four_or_eight() -> None:
    plans = efa_plans["p6e-gb200.36xlarge"]
    assert {name: efa_count(plan) for name, plan in plans.items()} == {"lean": 4, "eight-by-200": 8}
    assert [each.network_card_index for each in plans["lean"] if each.is_efa] == [1, 5, 9, 13]


def test_more_addresses_cost_no_efa() -> None:
    for plans in efa_plans.values():
        if "ip-bandwidth" in plans:
            assert efa_count(plans["ip-bandwidth"]) == efa_count(plans["lean"])
            assert sum(each.has_ip for each in plans["ip-bandwidth"]) > 1


def test_a_type_without_efa_says_so_with_near_matches() -> None:
    with pytest.raises(NoEfaPlan, match=r"g6e\.4xlarge: not a known instance type with EFA; near: g6e\.48xlarge"):
        efa_plans["g6e.4xlarge"]
