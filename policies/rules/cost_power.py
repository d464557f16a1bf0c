"""What the stack may cost, draw and emit. Totals come from configuration; without them nothing can be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .machines import NODE_GROUP, SCALING_GROUP, accelerated_groups
from .model import (
    CannotTell,
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    any_of,
    each,
    independently,
    stack_rule,
)

BUDGET = "aws:budgets/budget:Budget"
RESERVED = "aws:ec2/capacityReservation:CapacityReservation"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
GOOGLE = ("gcp:container/nodePool:NodePool", "gcp:lustre/instance:Instance", "gcp:container/cluster:Cluster")
MACHINES = ("aws:ec2/instance:Instance", "gcp:compute/instance:Instance")
EARLY = 80
"""Per cent of a budget at which somebody must have been told."""
BUYING = (NODE_GROUP, SCALING_GROUP, RESERVED, LUSTRE, *GOOGLE)


@stack_rule(
    id="budget-exists-and-bounded",
    title="Stacks with accelerators have a budget that warns",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP, SCALING_GROUP, RESERVED],
    fix="add an aws.budgets.Budget of type COST with a notification at 80 % or less.",
    references=["AWS Budgets"],
    parameters={"max-monthly-usd": 1000000},
)
def budget_exists(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The bill comes weeks after the mistake."""
    budgets = stack.of(BUDGET)

    def absent() -> Iterator[Violation]:
        for machines in (accelerated_groups(stack), iter(stack.of(RESERVED))):
            first = next(machines, None)
            if first is not None and not any_of(budgets, _of_cost):
                yield Violation("there is no cost budget.", check="exists", resource=first)
                return

    def limit(budget: Resource) -> Iterator[Violation]:
        amount = budget.number("limitAmount")
        if _of_cost(budget) and amount is not None and amount > given["max-monthly-usd"]:
            message = f"the budget of {amount:g} USD is above {given['max-monthly-usd']:g}."
            yield Violation(message, check="limit", resource=budget)

    def notification(budget: Resource) -> Iterator[Violation]:
        if not _of_cost(budget) or budget.has("autoAdjustData"):
            return
        if not any_of(budget.views("notifications"), lambda note: _early(note, budget)):
            yield Violation("nobody is told at 80 % or before.", check="notification", resource=budget)

    yield from independently(absent(), each(budgets, limit), each(budgets, notification))


def _of_cost(budget: Resource) -> bool:
    return budget.get("budgetType") == "COST"


def _early(note: View, budget: Resource) -> bool:
    """Whether a notification comes at 80 % of the budget or before, be it given in per cent or in dollars."""
    threshold = note.number("threshold")
    if threshold is None:
        return False
    if note.get("thresholdType", "PERCENTAGE") != "ABSOLUTE_VALUE":
        return threshold <= EARLY
    amount = budget.number("limitAmount")
    return amount is not None and threshold <= amount * EARLY / 100


@stack_rule(
    id="cost-estimate-within-budget",
    title="The stack costs no more than agreed",
    severity="high",
    level="advisory",
    types=["*"],
    fix="buy less or cheaper, or agree on more and raise the budget; `python -m cost` shows the lines.",
    parameters={
        "hourly-usd": None,
        "max-hourly-usd": None,
        "monthly-usd": None,
        "max-monthly-usd": None,
        "upfront-usd": None,
        "max-upfront-usd": None,
        "unpriced": (),
    },
)
def cost_within_budget(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """What a stack costs is known before it exists. A price that is missing is never counted as nothing."""
    periods = [period for period in ("hourly", "monthly", "upfront") if given.get(f"max-{period}-usd") is not None]
    if not periods and not stack.of(*BUYING):
        return
    subject = _subject(stack)
    if unpriced := [str(entry) for entry in given["unpriced"]]:
        yield Violation(f"no price for {', '.join(unpriced[:5])}.", check="unpriced", resource=subject)
    if not periods:
        given["max-monthly-usd"]  # nothing to compare with: cannot tell
    for period in periods:
        limit = given[f"max-{period}-usd"]
        if given[f"{period}-usd"] > limit:
            message = f"{given[f'{period}-usd']:.2f} USD {period} are more than {limit:g}."
            yield Violation(message, check=period, resource=subject)


@stack_rule(
    id="power-within-budget",
    title="The stack draws no more than agreed",
    severity="high",
    level="advisory",
    types=["*"],
    fix="use fewer machines or ones that draw less, or agree on more and raise max-kw.",
    parameters={"kw": None, "max-kw": None, "kwh": None, "max-kwh": None},
)
def power_within_budget(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The power of a site is a limit that money does not move; it includes the building (PUE)."""
    limits = [unit for unit in ("kw", "kwh") if given.get(f"max-{unit}") is not None]
    if not limits and not stack.of(*BUYING):
        return
    subject = _subject(stack)
    if not limits:
        given["max-kw"]  # nothing to compare with: cannot tell
    for unit in sorted(limits, key=lambda unit: given.get(unit) is None):  # what cannot be told comes last
        if given[unit] > given[f"max-{unit}"]:
            what = f"{given[unit]:.1f} kW" if unit == "kw" else f"{given[unit]:.0f} kWh a month"
            message = f"{what} are more than {given[f'max-{unit}']:g}."
            yield Violation(message, check="" if unit == "kw" else "energy", resource=subject)


@stack_rule(
    id="carbon-region-threshold",
    title="Work that can wait runs where power is clean",
    severity="low",
    level="advisory",
    types=["*"],
    fix="move the work to a region with less carbon a kilowatt hour, or agree on more and raise budget.carbon-kg.",
    parameters={"factors": {}, "g-per-kwh": None, "threshold": 200, "kg": None, "max-kg": None},
)
def carbon_threshold(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The same training run emits fifty times as much in one region as in another."""

    def budget() -> Iterator[Violation]:
        if given.get("max-kg") is not None and given["kg"] > given["max-kg"]:
            message = f"{given['kg']:.0f} kgCO2e a month are more than {given['max-kg']:g}."
            yield Violation(message, check="budget", resource=_subject(stack))

    def one(resource: Resource) -> Iterator[Violation]:
        if str(_said(resource, "deferrable")).lower() != "true":
            return
        grams = _grams(resource, given)
        if grams > given["threshold"]:
            message = f"its region emits {grams:g} g CO2e a kWh, more than {given['threshold']:g}."
            yield Violation(message, resource=resource)

    yield from independently(each(stack.of(*BUYING, *MACHINES), one), budget())


def _subject(stack: Stack) -> Resource:
    """What a finding about a total is said of: the first thing that is bought, else the first there is."""
    return next(iter((*stack.of(*BUYING), *stack.of("*"))))


def _said(resource: Resource, key: str) -> Any:
    """A tag of AWS, or a label of Google Cloud."""
    if not resource.type.startswith("gcp:"):
        return resource.tag(key)
    for path in ("labels", "resourceLabels", "nodeConfig.resourceLabels"):
        if key in (labels := resource.entries(path)):
            return labels[key]
    return None


def _grams(resource: Resource, given: Parameters) -> float:
    """Grams of CO2 equivalent a kWh where a resource runs; where it says no place, in the stack's region."""
    places = [
        entry.get(path) for entry in (resource, resource.provider) if entry for path in ("region", "location", "zone")
    ]
    place = next((str(found).lower() for found in places if found), "")
    if not place:
        return given["g-per-kwh"]
    factors = given["factors"]
    region = place if place in factors or place[-2:-1] != "-" else place[:-2]
    if region not in factors:
        raise CannotTell(region, "has no known emissions")
    return factors[region]
