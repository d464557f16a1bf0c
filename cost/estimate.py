"""A plan becomes an estimate: the function of each resource's type yields charges and gaps."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from catalog.price import Ambiguous
from catalog.regions import known_regions, parent
from cost import carbon, power, registry, usage
from cost.book import Book, Group
from cost.model import SMALLEST, WIDE, Estimate, Line, Machines, Unpriced
from cost.subject import BadInput, CannotTell, Charge, Fleet, Found, Gap, Subject
from cost.terms import PROJECT
from plan import Plan, Resource
from terminal import InvalidInput

CLOUDS = frozenset({"aws", "gcp"})
LOGICAL = ("pulumi:", "random:", "tls:", "command:", "time:", "null:", "std:", "synced-folder:")
"""Packages whose resources are no cloud resources: they cost nothing."""
HUNDRED = Decimal(100)


@dataclass
class _Entries:
    """What is collected while a plan is priced."""

    lines: list[Line] = field(default_factory=list)
    unpriced: list[Unpriced] = field(default_factory=list)
    machines: list[Machines] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    free: int = 0
    resources: int = 0


def estimate(plan: Plan, given: usage.Usage | None = None, *, today: date | None = None) -> Estimate:
    """Price a plan.

    Without `given` a stack of this project gets its usage file and the assumptions, any other plan no usage at all.
    Raises InvalidInput with every input that cannot be a quantity and every usage name that matches nothing.
    """
    day = today or datetime.now(UTC).date()
    own = given is None  # a deployed state may lack what the stack's usage file names already
    if given is None:
        given = usage.of_stack(plan.stack) if plan.project == PROJECT else usage.Usage()
    book = Book(plan, given, day)
    _ = book.discounts  # a mistake in them is told before anything is priced with them
    strangers = given.unmatched(plan.resources)
    found = _Entries(warnings=strangers) if own else _Entries(problems=strangers)
    for misspelt, line in given.idle_types(plan.resources):
        (found.problems if misspelt and not own else found.warnings).append(line)
    for resource in plan:
        if resource.custom and not resource.external and not resource.is_provider and ":" in resource.type:
            _price(resource, book, found)
    if found.problems:
        raise InvalidInput(found.problems)
    return _assemble(plan, day, found, given)


def _assemble(plan: Plan, day: date, found: _Entries, given: usage.Usage) -> Estimate:
    from cost import hints

    found.warnings += sorted(
        {f"{line.resource}: {line.item}: the price is doubtful ({line.basis})" for line in found.lines if line.doubtful}
    )
    region = plan.config.get("aws:region") or plan.config.get("gcp:region")
    drawn = power.report(found.machines)
    result = Estimate(
        stack=plan.stack,
        region=region,
        lines=tuple(found.lines),
        unpriced=tuple(found.unpriced),
        free=found.free,
        resources=found.resources,
        machines=tuple(found.machines),
        power=drawn,
        carbon=carbon.report(drawn),
        date=day.isoformat(),
        incomplete=plan.incomplete,
        warnings=tuple(found.warnings),
        plan=plan,
    )
    return replace(result, hints=tuple(hints.find(plan, result, given)))


def _price(resource: Resource, book: Book, found: _Entries) -> None:
    found.resources += 1
    rate = registry.find(resource.type)
    group = book.group(resource)
    if rate is None:
        if registry.is_free(resource.type) or resource.type.startswith(LOGICAL):
            found.free += 1
        else:
            reason = f"no rate for the type {resource.type}"
            if resource.type.startswith(registry.KUBERNETES):
                reason += ": a custom resource may make machines, volumes or services of the cloud"
            found.unpriced.append(_unpriced(resource, group, Gap("everything", reason, "type")))
        return
    region = book.region(resource)
    if (wrong := _wrong_region(resource, region)) is not None:
        if wrong not in found.problems:  # one line a region, not one a resource
            found.problems.append(wrong)
        return
    subject = Subject(resource, region, book.usage.of(resource), book)
    tags = book.tags(resource)
    before = len(found.lines) + len(found.unpriced)
    for entry in _yielded(rate, subject, found):
        _add(subject, group, tags, entry, found)
    found.problems += usage.misspelt(subject.usage)
    ignored = sorted(usage.unread(subject.usage))
    if ignored:
        found.warnings.append(f"{resource.name}: usage keys that do not change its price: {', '.join(ignored)}")
    if before == len(found.lines) + len(found.unpriced):
        found.free += 1


def _add(subject: Subject, group: Group, tags: dict[str, str], entry: Found, found: _Entries) -> None:
    resource = subject.resource
    if isinstance(entry, Gap):
        found.unpriced.append(_unpriced(resource, group, entry))
    elif isinstance(entry, Fleet):
        found.machines.append(_machines(subject, group, entry))
    else:
        try:
            found.lines.append(_line(subject, group, tags, entry))
        except InvalidOperation:  # more digits than any amount of money has
            found.problems.append(f"{resource.name} ({resource.type}): {entry.item}: its quantity is too large")


def _wrong_region(resource: Resource, region: str | None) -> str | None:
    """What is wrong with a region that no table of the catalog names."""
    provider = resource.type.partition(":")[0]
    if region is None or provider not in CLOUDS or parent(region.lower()) in known_regions(provider):
        return None
    near = difflib.get_close_matches(region, sorted(known_regions(provider)), n=1)
    return f"region {region}: no such region of {provider}{f'; did you mean {near[0]}?' if near else ''}"


def _yielded(rate: registry.Rate, subject: Subject, found: _Entries) -> Iterator[Found]:
    name = subject.resource.name
    try:
        yield from rate(subject)
    except CannotTell as unknown:
        yield Gap("the rest", str(unknown), "input")
    except Ambiguous as several:
        yield Gap("the rest", str(several), "price")
    except (AttributeError, TypeError, ValueError, LookupError, ArithmeticError) as shape:
        # Loose documents may hold anything; a rate reads the inputs as the provider's schema has them.
        yield Gap("the rest", f"its inputs have not the shape of {subject.resource.type}: {shape}", "input")
    except BadInput as bad:
        found.problems.append(f"{name} ({subject.resource.type}): {bad}")


def _line(subject: Subject, group: Group, tags: dict[str, str], charge: Charge) -> Line:
    resource, price = subject.resource, charge.price
    unit_price, discount, off = price.usd, None, Decimal(1)
    if found := _discount(subject, charge):
        percent, name = found
        off = (HUNDRED - percent) / HUNDRED
        unit_price, discount = price.usd * off, f"{percent.normalize():f} % off ({name})"
    return Line(
        resource=resource.name,
        urn=resource.urn,
        type=resource.type,
        item=charge.item,
        quantity=charge.quantity,
        unit=charge.unit,
        unit_price=unit_price,
        monthly_usd=charge.quantity.times(unit_price).rounded(),
        usage_based=charge.usage_based,
        source=price.source,
        priced_at=price.date,
        basis=price.basis,
        purchase=charge.purchase,
        list_price=price.usd if discount else None,
        discount=discount,
        upfront_usd=(charge.upfront_usd * off).quantize(SMALLEST, context=WIDE),
        steps=charge.steps,
        hours=charge.hours,
        component=group.component,
        pool=group.pool,
        region=subject.region,
        tags=tags,
    )


def _discount(subject: Subject, charge: Charge) -> tuple[Decimal, str] | None:
    """The most specific discount: a pool's, that of a purchase model, of a service, the contract's."""
    service = subject.resource.type.split(":")[1].partition("/")[0] if subject.resource.type.count(":") > 1 else ""
    scopes = []
    if charge.purchase:
        scopes += [f"pool-{subject.book.group(subject.resource).pool}", charge.purchase]
        if charge.purchase in ("on-demand", "reservation"):
            scopes.append("savings-plan")
        if charge.purchase in ("spot", "capacity-block"):
            return subject.book.discount(*scopes)  # neither takes part in savings plans or contracts by default
    return subject.book.discount(*scopes, service, "contract")


def _unpriced(resource: Resource, group: Group, gap: Gap) -> Unpriced:
    return Unpriced(
        resource.name, resource.urn, resource.type, gap.item, gap.reason, gap.kind, group.component, group.pool
    )


def _machines(subject: Subject, group: Group, fleet: Fleet) -> Machines:
    resource = subject.resource
    return Machines(
        resource=resource.name,
        urn=resource.urn,
        provider=fleet.provider,
        region=parent(subject.region) if subject.region and fleet.provider == "aws" else subject.region,
        instance_type=fleet.instance_type,
        count=fleet.count,
        minimum=fleet.minimum,
        maximum=fleet.maximum,
        purchase=fleet.purchase,
        hours=fleet.hours,
        component=group.component,
        pool=group.pool,
    )
