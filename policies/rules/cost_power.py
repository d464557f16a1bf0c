"""What the stack may cost, draw and emit. Totals come from configuration; without them nothing can be told."""

from __future__ import annotations

from collections.abc import Iterator

from .machines import NODE_GROUP, SCALING_GROUP, accelerated_groups
from .model import Parameters, Resource, Stack, Violation, relation_rule, stack_rule

BUDGET = "aws:budgets/budget:Budget"
RESERVED = "aws:ec2/capacityReservation:CapacityReservation"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
PROVIDER = "pulumi:providers:aws"
BUYING = (NODE_GROUP, SCALING_GROUP, RESERVED, LUSTRE)


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
        "unpriced": (),
    },
)
def cost_within_budget(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """What a stack costs is known before it exists. A price that is missing is never counted as nothing."""
    subject = stack.of(*BUYING)[0]
    if unpriced := [str(entry) for entry in given["unpriced"]]:
        yield Violation(f"no price for {', '.join(unpriced[:5])}.", check="unpriced", resource=subject)
    if given.get("max-hourly-usd") is None and given.get("max-monthly-usd") is None:
        given["max-monthly-usd"]  # nothing to compare with: cannot tell
    for period in ("hourly", "monthly"):
        limit = given.get(f"max-{period}-usd")
        if limit is not None and given[f"{period}-usd"] > limit:
            message = f"{given[f'{period}-usd']:.2f} USD {period} are more than {limit:g}."
            yield Violation(message, check=period, resource=subject)


@stack_rule(
    id="power-within-budget",
    title="The stack draws no more than agreed",
    severity="high",
    level="advisory",
    types=[*BUYING],
    fix="use fewer machines or ones that draw less, or agree on more and raise max-kw.",
    parameters={"kw": None, "max-kw": None},
)
def power_within_budget(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The power of a site is a limit that money does not move; it includes the building (PUE)."""
    if given["kw"] > given["max-kw"]:
        message = f"{given['kw']:.1f} kW are more than {given['max-kw']:g}."
        yield Violation(message, resource=stack.of(*BUYING)[0])


@relation_rule(
    id="carbon-region-threshold",
    title="Work that can wait runs where power is clean",
    severity="low",
    level="advisory",
    types=[*BUYING],
    fix="move the work to a region with less carbon a kilowatt hour, or remove the tag deferrable.",
    parameters={"g-per-kwh": None, "threshold": 200},
)
def carbon_threshold(subject: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """The same training run emits fifty times as much in one region as in another."""
    if str(subject.tag("deferrable")).lower() == "true" and given["g-per-kwh"] > given["threshold"]:
        message = f"its region emits {given['g-per-kwh']:g} g CO2e a kWh, more than {given['threshold']:g}."
        yield Violation(message)
