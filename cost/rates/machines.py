"""EC2 machines, wherever they appear: single, in auto-scaling groups, in node groups, by launch template.

Prices are for Linux with shared tenancy. Another operating system, dedicated tenancy and reserved terms have a price in
the catalog for a few types only; for any other they become gaps. A Capacity Block is paid before it begins, for its
whole window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog import instances, prices
from catalog.price import Price
from cost.model import HOURS, Amount
from cost.rates.volumes import volume
from cost.subject import BadInput, Charge, Fleet, Found, Gap, Subject, number

LINUX = frozenset({"", "linux", "linux/unix"})
BURSTABLE = ("t2.", "t3.", "t3a.", "t4g.")
UNLIMITED_BY_DEFAULT = ("t3.", "t3a.", "t4g.")
OPTIMIZED_AT_A_FEE = frozenset({
    "c1.xlarge", "c3.xlarge", "c3.2xlarge", "c3.4xlarge", "g2.2xlarge", "i2.xlarge", "i2.2xlarge", "i2.4xlarge",
    "m1.large", "m1.xlarge", "m2.2xlarge", "m2.4xlarge", "m3.xlarge", "m3.2xlarge", "r3.xlarge", "r3.2xlarge",
    "r3.4xlarge",
})  # fmt: skip
"""Types that can be EBS-optimised for a fee; later ones include it (EC2 User Guide, "EBS-optimized instances")."""
OPTIMIZED_PRICED = frozenset({"r3.xlarge"})
"""Sizes whose fee the catalog holds."""
TERMS, OPTIONS = ("1_year", "3_year"), ("no_upfront", "partial_upfront", "all_upfront")
METRICS = 7
"""Metrics that detailed monitoring of a machine sends (amazon-ec2 pricing, CloudWatch)."""
DAY = Decimal(24)


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides the price of one machine."""

    instance_type: str
    purchase: str = "on-demand"
    tenancy: str = "default"
    monitoring: bool = False
    credits: str = ""
    """standard, unlimited, or empty for the family's default."""
    ebs_optimized: bool = False
    root: Mapping[str, Any] | None = None
    """Root volume; None: nothing is said about it."""
    volumes: Sequence[tuple[str, Mapping[str, Any]]] = field(default=())
    """Further volumes by label."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many machines."""

    count: Decimal
    minimum: Decimal
    maximum: Decimal


ONE = Size(Decimal(1), Decimal(1), Decimal(1))


def machines(it: Subject, machine: Machine, size: Size = ONE) -> Iterator[Found]:
    """Everything equal machines cost."""
    if not size.count:
        if size.maximum:
            most = size.maximum.normalize()
            yield it.depends(f"Machines (none now, up to {most:f} x {machine.instance_type})", "instances")
        return
    yield from _compute(it, machine, size)
    yield from _extras(it, machine, size.count)
    if machine.root is not None:
        yield from volume(it, machine.root, times=size.count, prefix="root_block_device")
    for name, settings in machine.volumes:
        yield from volume(it, settings, times=size.count, prefix=name)


def _compute(it: Subject, machine: Machine, size: Size) -> Iterator[Found]:
    kind, purchase = machine.instance_type, machine.purchase
    if machine.tenancy == "host":
        return  # the host is paid for, not what runs on it
    reserved = it.usage.text("reserved_instance_term")
    system = it.usage.text("operating_system").lower()
    hours = _hours(it, machine)
    sold = "reserved" if reserved else purchase
    item = f"Instance usage (Linux/UNIX, {sold}, {kind})"
    yield Fleet("aws", kind, size.count, size.minimum, size.maximum, purchase, hours)
    if system not in LINUX:
        item = item.replace("Linux/UNIX", system.title())
        yield _special(it, item, item, machine, size, hours, what=system)
    elif machine.tenancy == "dedicated":
        dimension = f"Instance usage (Linux/UNIX, {_listed(purchase)}, dedicated, {kind})"
        yield _special(it, item, dimension, machine, size, hours, what="dedicated tenancy")
    elif reserved:
        yield from reserved_hours(
            it, "aws_instance", item, size.count, hours=hours, type=it.usage.text("reserved_instance_type", "standard")
        )
    elif purchase == "capacity-block":
        yield from _block(it, machine, size, item)
    elif purchase == "spot":
        yield from _spot(it, machine, size, item, hours)
    else:
        price = prices.on_demand(kind, it.region) if it.region else None
        yield _charge(it, item, machine, size, price, hours)


def _listed(purchase: str) -> str:
    """The price list's word. A machine in a reservation costs what it costs on demand."""
    return "on-demand" if purchase == "reservation" else purchase


def _hours(it: Subject, machine: Machine) -> Decimal:
    given = it.usage.given("monthly_hrs") or it.usage.given("monthly_hours")
    if given is not None:
        return given.base
    days = it.book.purchase(_pool(it)).get("days") if machine.purchase == "capacity-block" else None
    return min(HOURS, Decimal(str(days)) * DAY) if days else HOURS


def _pool(it: Subject) -> str | None:
    return it.book.group(it.resource).pool


def _charge(it: Subject, item: str, machine: Machine, size: Size, price: Price | None, hours: Decimal) -> Found:
    return _no_price(it, item, machine) if price is None else _priced(it, item, machine, size, price, hours)


def _special(
    it: Subject, item: str, dimension: str, machine: Machine, size: Size, hours: Decimal, *, what: str
) -> Found:
    price = it.aws("aws_instance", dimension)
    if price is None:
        return it.gap(item, f"no price of {machine.instance_type} with {what} in the catalog for {it.region}")
    return _priced(it, item, machine, size, price, hours)


def _priced(it: Subject, item: str, machine: Machine, size: Size, price: Price, hours: Decimal) -> Found:
    return it.hours(item, price, size.count, hours=hours, purchase=machine.purchase, what=machine.instance_type)


def reserved_hours(
    it: Subject, service: str, item: str, count: Decimal, *, hours: Decimal = HOURS, **attributes: Any
) -> Iterator[Found]:
    """What a reserved term costs by the hour. What is paid before it begins is in no price list here: a gap."""
    term = it.usage.text("reserved_instance_term")
    option = it.usage.text("reserved_instance_payment_option", "no_upfront")
    words = f"{term.replace('_', ' ')}, {option.replace('_', ' ')}"
    if term not in TERMS or option not in OPTIONS:
        raise BadInput(
            f"reserved_instance_term {term}, reserved_instance_payment_option {option}: "
            f"the term is one of {', '.join(TERMS)}, the option one of {', '.join(OPTIONS)}"
        )
    if option != "all_upfront":
        price = it.aws(service, item, term=term, payment=option, **attributes)
        if price is None:
            yield Gap(item, f"reserved ({words}): no such price in the catalog")
        else:
            yield it.hours(item, price, count, hours=hours, purchase="reserved", what=f"reserved, {words}")
    if option != "no_upfront":
        yield Gap(f"{item} up-front fee", f"reserved ({words}): its up-front fee is not in the catalog")


def _no_price(it: Subject, item: str, machine: Machine) -> Gap:
    kind, purchase = machine.instance_type, _listed(machine.purchase)
    if it.region is None:
        return it.gap(item)
    if purchase == "on-demand" and (places := prices.capacity_block_locations(kind)):
        return Gap(
            item,
            f"no {purchase} price of {kind} in {it.region}; sold as a Capacity Block in {', '.join(places)}",
        )
    if kind not in instances and not prices.regions(kind):
        return Gap(item, f"{kind} is not an instance type that the catalog knows")
    return Gap(item, f"no {purchase} price of {kind} in {it.region}")


def _block(it: Subject, machine: Machine, size: Size, item: str) -> Iterator[Found]:
    price = prices.capacity_block(machine.instance_type, it.region) if it.region else None
    if price is None:
        yield _no_price(it, item, machine)
        return
    terms = it.book.purchase(_pool(it))
    days = terms.get("days")
    if not days:
        yield it.hours(item, price, size.count, purchase=machine.purchase, what=machine.instance_type)
        yield Gap(f"{item} up-front fee", "the length of the block is not given (purchase.days)", "input")
        return
    window = Decimal(str(days)) * DAY
    hours = min(HOURS, window)
    start = f" from {terms['start']}" if terms.get("start") else ""
    steps = (
        f"{size.count} {machine.instance_type} x {hours} hours in the month; the block is {days} days{start}",
        f"paid up front: {size.count} x {window} hours x {price.usd} USD",
    )
    upfront = size.count * window * price.usd
    yield Charge(item, Amount.of(size.count * hours), price, "hours", False, machine.purchase, upfront, steps, hours)


def _spot(it: Subject, machine: Machine, size: Size, item: str, hours: Decimal) -> Iterator[Found]:
    """The price last seen as base; where the Spot Advisor tells an average saving, that as the other end."""
    kind, region = machine.instance_type, it.region
    seen = prices.spot(kind, region) if region else None
    full = prices.on_demand(kind, region) if region else None
    advice = prices.spot_advisor(kind, region) if region else None
    if seen is None and not (full and advice):
        yield _no_price(it, item, machine)
        return
    steps = [f"{size.count} {kind} x {hours} hours a month"]
    average = full.usd * (100 - advice.saving_pct) / 100 if full and advice else None
    if advice and average is not None:
        steps.append(
            f"Spot Advisor {advice.date}: {advice.saving_pct} % below on demand ({average:.4f} USD), "
            f"interrupted in a month: {advice.interruption}"
        )
    if seen is None:
        assert full and advice and average is not None
        basis = f"derived: on demand less {advice.saving_pct} %, the Spot Advisor's average saving"
        seen = Price(average, "hour", advice.date, advice.source, basis)
    quantity = size.count * hours
    ends = [quantity, quantity * (average / seen.usd) if average is not None and seen.usd else quantity]
    if full and seen.usd:
        ends = [min(end, quantity * full.usd / seen.usd) for end in ends]
    amount = Amount(min(ends), quantity, max(ends))
    yield Charge(item, amount, seen, "hours", False, "spot", steps=tuple(steps), hours=hours)


def _extras(it: Subject, machine: Machine, count: Decimal) -> Iterator[Found]:
    kind = machine.instance_type
    if machine.monitoring:
        price = it.aws("aws_instance", "EC2 detailed monitoring")
        steps = (f"{METRICS} metrics x {count}",)
        yield it.fixed("EC2 detailed monitoring", count * METRICS, price, unit="metrics", steps=steps)
    if machine.ebs_optimized and kind in OPTIMIZED_AT_A_FEE:
        item = "EBS-optimized usage"
        price = it.aws("aws_instance", item) if kind in OPTIMIZED_PRICED else None
        yield it.hours(item, price, count, hours=_hours(it, machine))
    if kind.startswith(BURSTABLE):
        default = "unlimited" if kind.startswith(UNLIMITED_BY_DEFAULT) else "standard"
        if (machine.credits or default) == "unlimited":
            yield from _credits(it, kind, count)


def _credits(it: Subject, kind: str, count: Decimal) -> Iterator[Found]:
    known = instances.get(kind)
    given = it.usage.given("vcpu_count")
    cpus = given.base if given else Decimal(known.vcpus) if known else None
    used = it.usage.given("monthly_cpu_credit_hrs")
    if used is None or cpus is None:
        return
    price = None if kind.startswith("t4g.") else it.aws("aws_instance", "CPU credits")
    yield from it.metered("CPU credits", used.times(cpus * count), price, "monthly_cpu_credit_hrs", unit="vCPU-hours")


def sized(it: Subject, desired: Any, minimum: Any, maximum: Any, given: str = "instances") -> Size:
    """Machines of a group: the usage key, else the desired size, else the minimum; at least one where none is said."""
    low, high = (number(value or 0, name) for value, name in ((minimum, "minimum size"), (maximum, "maximum size")))
    used = it.usage.given(given)
    if used is not None:
        count = used.base
    elif desired is not None:
        count = number(desired, "desired size")
    else:
        count = low or Decimal(1)
    return Size(count, min(low, count), max(high, count))
