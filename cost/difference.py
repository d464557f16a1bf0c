"""What changes between two estimates, and which property is the reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from cost.model import Estimate, Line, total

Change = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Changed:
    """One item of one resource that costs something else than before."""

    change: Change
    resource: str
    type: str
    item: str
    before_usd: Decimal
    after_usd: Decimal
    reason: str

    @property
    def monthly_usd(self) -> Decimal:
        return self.after_usd - self.before_usd


@dataclass(frozen=True)
class Difference:
    """From one estimate to another."""

    changes: tuple[Changed, ...]
    before_usd: Decimal
    after_usd: Decimal
    upfront_usd: Decimal
    """How much more is paid up front."""
    notes: tuple[str, ...] = ()

    @property
    def monthly_usd(self) -> Decimal:
        return self.after_usd - self.before_usd

    @property
    def percent(self) -> Decimal | None:
        """Rise in per cent of what it was; None when it was nothing."""
        return self.monthly_usd / self.before_usd * 100 if self.before_usd else None


def compare(before: Estimate, after: Estimate) -> Difference:
    """Compare two estimates line by line."""
    old, new = _by_key(before), _by_key(after)
    was = {(line.type, line.resource) for line in before.lines}
    now = {(line.type, line.resource) for line in after.lines}
    changes = []
    for key in [*old, *(key for key in new if key not in old)]:
        first, second = old.get(key, []), new.get(key, [])
        entry = _change(first, second, key[:2] in was, key[:2] in now)
        if entry:
            changes.append(entry)
    changes.sort(key=lambda entry: -abs(entry.monthly_usd))
    totals = before.totals, after.totals
    return Difference(
        tuple(changes),
        totals[0].monthly_usd.base,
        totals[1].monthly_usd.base,
        totals[1].upfront_usd - totals[0].upfront_usd,
        tuple(_notes(before, after)),
    )


def _by_key(estimate: Estimate) -> dict[tuple[str, str, str], list[Line]]:
    """Lines by what they are about; the instance type in an item's name is not part of that."""
    found: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in estimate.lines:
        found[line.type, line.resource, line.item.partition(" (")[0]].append(line)
    return dict(found)


def _change(before: list[Line], after: list[Line], existed: bool, exists: bool) -> Changed | None:
    old, new = (total(lines).monthly_usd.base for lines in (before, after))
    if old == new and bool(before) == bool(after):
        return None
    shown = (after or before)[0]
    change: Change = "changed" if before and after else "added" if after else "removed"
    if change == "changed":
        reason = _reason(before, after)
    elif change == "added":
        reason = "the resource exists already, this item is new" if existed else "new resource"
    else:
        reason = "the resource stays, this item goes" if exists else "the resource goes"
    return Changed(change, shown.resource, shown.type, shown.item, old, new, reason)


def _reason(before: list[Line], after: list[Line]) -> str:
    first, second = before[0], after[0]
    found = []
    if first.item != second.item:
        found.append(f"{first.item} -> {second.item}")
    if first.purchase != second.purchase:
        found.append(f"purchase {first.purchase} -> {second.purchase}")
    quantities = [sum((line.quantity.base for line in lines), Decimal(0)) for lines in (before, after)]
    if quantities[0] != quantities[1]:
        found.append(f"quantity {quantities[0].normalize():f} -> {quantities[1].normalize():f} {second.unit}")
    if first.unit_price != second.unit_price:
        found.append(f"unit price {first.unit_price.normalize():f} -> {second.unit_price.normalize():f} USD")
    if first.region != second.region:
        found.append(f"region {first.region} -> {second.region}")
    return "; ".join(found) or "several lines changed"


def _notes(before: Estimate, after: Estimate) -> list[str]:
    return [
        f"{name}: {len(found.unknown)} entries without a price are in neither sum"
        for name, found in (("before", before), ("after", after))
        if found.unknown
    ]
