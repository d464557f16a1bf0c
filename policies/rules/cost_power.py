"""What the stack may cost, draw and emit. Totals come from configuration; without them nothing can be told."""

from __future__ import annotations

from collections.abc import Iterator

from .machines import NODE_GROUP, SCALING_GROUP, accelerated_groups
from .model import Parameters, Resource, Stack, Violation, relation_rule, stack_rule

BUDGET = "aws:budgets/budget:Budget"
RESERVED = "aws:ec2/capacityReservation:CapacityReservation"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
PROVIDER = "pulumi:providers:aws"
GOOGLE = ("gcp:container/nodePool:NodePool", "gcp:lustre/instance:Instance", "gcp:container/cluster:Cluster")
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
    groups = accelerated_groups(stack) or stack.of(RESERVED)
    budgets = [budget for budget in stack.of(BUDGET) if budget.get("budgetType") == "COST"]
    if groups and not budgets:
        yield Violation("there is no cost budget.", check="exists", resource=groups[0])
    for budget in budgets:
        amount = budget.number("limitAmount")
        if amount is not None and amount > given["max-monthly-usd"]:
            message = f"the budget of {amount:g} USD is above {given['max-monthly-usd']:g}."
            yield Violation(message, check="limit", resource=budget)
        early = [note for note in budget.views("notifications") if (note.number("threshold", 101) or 101) <= 80]
        if not early and not budget.has("autoAdjustData"):
            yield Violation("nobody is told at 80 % or before.", check="notification", resource=budget)


@stack_rule(
    id="cost-estimate-within-budget",
    title="The stack costs no more than agreed",
    severity="high",
    level="advisory",
    types=[*BUYING],
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
    subject = stack.of(*BUYING)[0]
    if unpriced := [str(entry) for entry in given["unpriced"]]:
        yield Violation(f"no price for {', '.join(unpriced[:5])}.", check="unpriced", resource=subject)
    periods = [period for period in ("hourly", "monthly", "upfront") if given.get(f"max-{period}-usd") is not None]
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
    types=[*BUYING],
    fix="use fewer machines or ones that draw less, or agree on more and raise max-kw.",
    parameters={"kw": None, "max-kw": None, "kwh": None, "max-kwh": None},
)
def power_within_budget(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The power of a site is a limit that money does not move; it includes the building (PUE)."""
    subject = stack.of(*BUYING)[0]
    limits = [unit for unit in ("kw", "kwh") if given.get(f"max-{unit}") is not None]
    if not limits:
        given["max-kw"]  # nothing to compare with: cannot tell
    for unit in sorted(limits, key=lambda unit: given.get(unit) is None):  # what cannot be told comes last
        if given[unit] > given[f"max-{unit}"]:
            what = f"{given[unit]:.1f} kW" if unit == "kw" else f"{given[unit]:.0f} kWh a month"
            message = f"{what} are more than {given[f'max-{unit}']:g}."
            yield Violation(message, check="" if unit == "kw" else "energy", resource=subject)


@relation_rule(
    id="carbon-region-threshold",
    title="Work that can wait runs where power is clean",
    severity="low",
    level="advisory",
    types=[*BUYING],
    fix="move the work to a region with less carbon a kilowatt hour, or agree on more and raise budget.carbon-kg.",
    parameters={"g-per-kwh": None, "threshold": 200, "kg": None, "max-kg": None},
)
def carbon_threshold(subject: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The same training run emits fifty times as much in one region as in another."""
    limited = given.get("max-kg") is not None and subject is stack.of(*BUYING)[0]
    if limited and given["kg"] > given["max-kg"]:
        yield Violation(f"{given['kg']:.0f} kgCO2e a month are more than {given['max-kg']:g}.", check="budget")
    if str(subject.tag("deferrable")).lower() == "true" and given["g-per-kwh"] > given["threshold"]:
        message = f"its region emits {given['g-per-kwh']:g} g CO2e a kWh, more than {given['threshold']:g}."
        yield Violation(message)
