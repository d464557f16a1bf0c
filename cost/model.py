"""What an estimate consists of: priced lines, gaps, machines, totals. Plain data; money is Decimal US dollars.

A month has 730 hours. An amount has three values, low, base and high, which differ only where the quantity depends on
how much a thing is used. What is not known is an `Unpriced` entry with its reason, never a line of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from cost.carbon import CarbonReport
    from cost.power import PowerReport
    from plan import Plan

HOURS = Decimal(730)
"""Hours of a month, as cloud providers and other cost tools count."""
SMALLEST = Decimal("0.000001")
"""Amounts are kept to a millionth of a dollar, so that the total of the lines is exact."""

LARGEST = Decimal(10) ** 15
"""No quantity that a document names is above it: a larger one is a mistake, and its cents would not be exact."""
WIDE = Context(prec=60)
"""For rounding: any amount that a document may name has its digits."""

Kind = Literal["type", "price", "input", "usage"]


class Amount(NamedTuple):
    """A quantity or a sum of money for low, base and high usage."""

    low: Decimal
    base: Decimal
    high: Decimal

    @classmethod
    def of(cls, value: Decimal) -> Amount:
        return cls(value, value, value)

    def times(self, factor: Decimal) -> Amount:
        return Amount(self.low * factor, self.base * factor, self.high * factor)

    def plus(self, other: Amount) -> Amount:
        return Amount(self.low + other.low, self.base + other.base, self.high + other.high)

    def rounded(self) -> Amount:
        return Amount(*(value.quantize(SMALLEST, context=WIDE) for value in self))


ZERO = Amount.of(Decimal(0))


@dataclass(frozen=True, slots=True)
class Line:
    """One priced thing of one resource."""

    resource: str
    """Logical name."""
    urn: str
    type: str
    item: str
    """What is priced: "NAT gateway", "Data processed"."""
    quantity: Amount
    """In `unit`, a month."""
    unit: str
    unit_price: Decimal
    """After discounts."""
    monthly_usd: Amount
    usage_based: bool
    source: str
    priced_at: str
    """Date of the price: ISO 8601, sometimes only a month or a year."""
    basis: str
    """"observed", or how the price was derived."""
    purchase: str | None = None
    """How capacity was bought, for machines: "on-demand", "spot", "capacity-block"."""
    list_price: Decimal | None = None
    """Before discounts, where there is one."""
    discount: str | None = None
    """Which discounts were taken off, in words."""
    upfront_usd: Decimal = Decimal(0)
    """Paid before the first hour. The month's share of it is in `monthly_usd` too."""
    steps: tuple[str, ...] = ()
    """How the quantity came about, in words; for `--explain`."""
    hours: Decimal = HOURS
    """Hours a month that it runs: 730, less for a Capacity Block that is shorter than the month."""
    component: str | None = None
    pool: str | None = None
    region: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def doubtful(self) -> bool:
        """Whether the catalog itself trusts the price little."""
        return "LOW CONFIDENCE" in self.basis

    @property
    def hourly_usd(self) -> Decimal:
        """While it runs."""
        return (self.monthly_usd.base / self.hours).quantize(SMALLEST, context=WIDE) if self.hours else Decimal(0)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Something that costs money, or may, and has no price here."""

    resource: str
    urn: str
    type: str
    item: str
    reason: str
    kind: Kind
    """type: unknown resource type; price: no such price in the catalog; input: a value is known only after creation;
    usage: depends on usage that was not given."""
    component: str | None = None
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Machines:
    """Equal machines of one resource, for power, carbon and counts."""

    resource: str
    urn: str
    provider: str
    """aws or gcp."""
    region: str | None
    instance_type: str
    count: Decimal
    minimum: Decimal
    maximum: Decimal
    purchase: str
    hours: Decimal = HOURS
    """Hours a month that one of them runs."""
    component: str | None = None
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the lines."""

    monthly_usd: Amount
    hourly_usd: Decimal
    """While everything runs."""
    upfront_usd: Decimal


@dataclass(frozen=True)
class Estimate:
    """What a plan costs, draws and emits."""

    stack: str
    region: str | None
    lines: tuple[Line, ...]
    unpriced: tuple[Unpriced, ...]
    free: int
    """Resources of a type that costs nothing."""
    resources: int
    """Resources looked at: without components and providers."""
    machines: tuple[Machines, ...]
    power: PowerReport
    carbon: CarbonReport
    date: str
    """Day of the estimate, ISO 8601."""
    incomplete: str | None = None
    """Why resources are missing from the plan, or None."""
    warnings: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    tokens_per_second: Mapping[str, Decimal] = field(default_factory=dict)
    """By pool, where it was given."""
    plan: Plan | None = field(default=None, repr=False, compare=False)
    """What was priced; None when the estimate was read from a file. A comparison finds its reasons there."""

    @cached_property
    def totals(self) -> Totals:
        return total(self.lines)

    @property
    def unknown(self) -> tuple[Unpriced, ...]:
        """What stays unknown whatever the usage: types, prices and inputs."""
        return tuple(entry for entry in self.unpriced if entry.kind != "usage")


@dataclass(frozen=True, slots=True)
class Hint:
    """Money that could be saved."""

    resource: str
    rule: str
    message: str
    monthly_usd: Decimal | None
    """The saving; None: it cannot be put in figures."""


def total(lines: Iterable[Line]) -> Totals:
    """Add lines up."""
    monthly, hourly, upfront = ZERO, Decimal(0), Decimal(0)
    for line in lines:
        monthly = monthly.plus(line.monthly_usd)
        hourly += line.monthly_usd.base / line.hours if line.hours else 0
        upfront += line.upfront_usd
    return Totals(monthly, hourly.quantize(SMALLEST, context=WIDE), upfront)
