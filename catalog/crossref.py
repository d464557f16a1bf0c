"""What the tables must say about each other, and the committed list of where they do not yet.

Every EC2 accelerator type must be in the general table, have a price somewhere, a node figure for power, and a lean
interface plan with all its EFA interfaces. `data/known_gaps.csv` lists the exceptions with their reason; an entry that
is no gap any more is a problem too, so the list cannot rot. A type that has a price but is in no table of machines is a
gap as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog import power, prices
from catalog.efa import Plan, efa_count, efa_plans
from catalog.instance import Instance, instances
from catalog.source import sources
from catalog.table import rows

WHATS = ("specs", "price", "power", "efa-plan")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the catalog should hold of an instance type and does not."""

    instance_type: str
    what: str
    """specs, price, power or efa-plan."""


def gaps() -> frozenset[Gap]:
    """What is missing, as the tables are now."""
    general = {row.text("instance_type") for row in rows("aws_instance_specs")}
    priced = {row.text("instance_type") for row in rows("aws_instance_prices")}
    found = {
        Gap(instance.name, what)
        for instance in instances.values()
        if instance.accelerator is not None
        for what in _missing(instance, general)
    }
    return frozenset(found | {Gap(name, "specs") for name in priced if name not in instances})


def _missing(instance: Instance, general: set[str]) -> Iterator[str]:
    if instance.name not in general:
        yield "specs"
    if not prices.regions(instance.name) and not prices.capacity_block_locations(instance.name):
        yield "price"
    node = power.node(instance.name)
    if node is None or node.idle_w is None:
        yield "power"
    expected = instance.efa.interfaces if instance.efa else 0
    plan = efa_plans[instance.name]["lean"] if instance.name in efa_plans else ()
    if efa_count(plan) != expected:
        yield "efa-plan"


def known_gaps() -> Mapping[Gap, str]:
    """The committed gaps and their reasons."""
    return {Gap(row.text("instance_type"), row.text("what")): row.text("reason") for row in rows("known_gaps")}


def problems() -> Iterator[str]:
    """One line per contradiction between tables, unlisted gap and stale entry of the list."""
    found, known = gaps(), known_gaps()
    for gap in sorted(found - known.keys(), key=str):
        yield f"{gap.instance_type}: no {gap.what}. Add the fact, or list the gap and its reason in known_gaps.csv."
    for gap in sorted(known.keys() - found, key=str):
        yield f"{gap.instance_type}: known_gaps.csv says it has no {gap.what}, but it has. Remove the entry."
    for name, plans in efa_plans.items():
        for plan_name, plan in plans.items():
            yield from _plan_problems(f"{name}, plan {plan_name}", plan, instances.get(name))
    yield from _price_problems()
    for provider in rows("provider_pue"):
        if (source := provider.text("source")) not in sources and " " not in source:
            yield str(provider.refuse("source", "an id of sources.csv or a page"))


def _plan_problems(where: str, plan: Plan, instance: Instance | None) -> Iterator[str]:
    if instance is None or instance.efa is None:
        yield f"{where}: the type has no EFA in aws_accelerator_instances.csv"
        return
    first = plan[0]
    if (first.network_card_index, first.device_index, first.interface_type) != (0, 0, "interface"):
        yield f"{where}: card 0, device 0 must be an ENA `interface`"
    cards = [interface.network_card_index for interface in plan if interface.is_efa]
    if len(cards) != len(set(cards)):
        yield f"{where}: more than one EFA on a network card"
    if len(cards) > instance.efa.interfaces:
        yield f"{where}: {len(cards)} EFAs, the type has {instance.efa.interfaces}"
    if 0 in cards and instance.efa.card0 is False:
        yield f"{where}: an EFA on card 0, which is ENA only"
    highest = max(interface.network_card_index for interface in plan)
    if instance.network_cards is not None and highest >= instance.network_cards:
        yield f"{where}: uses card {highest}, the type has {instance.network_cards} cards"
    if any(interface.has_ip == interface.is_efa for interface in plan):
        yield f"{where}: an ENA must have an address and an EFA-only interface none"


def _price_problems() -> Iterator[str]:
    """Rows of the general price table that the data transfer table repeats must agree with it."""
    for row in rows("aws_service_prices"):
        if row.text("service") == "aws_data_transfer":
            price = prices.service("aws_data_transfer", row.text("dimension"), row.text("region"))
            if price is None or price.usd != row.money("usd"):
                yield str(row.refuse("usd", "what aws_data_transfer_prices.csv says"))
