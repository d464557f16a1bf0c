"""What changes between two estimates, and which property is the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeVar

from cost import properties
from cost.model import Amount, Estimate, Line, Totals, Unpriced, total

Change = Literal["added", "removed", "changed"]
Key = tuple[str, str, str]
Entry = TypeVar("Entry", Line, Unpriced)


@dataclass(frozen=True, slots=True)
class Changed:
    """One item of one resource that costs something else than before."""

    change: Change
    resource: str
    type: str
    item: str
    before: Totals
    after: Totals
    reason: str

    @property
    def before_usd(self) -> Decimal:
        return self.before.monthly_usd.base

    @property
    def after_usd(self) -> Decimal:
        return self.after.monthly_usd.base

    @property
    def monthly_usd(self) -> Decimal:
        return self.after_usd - self.before_usd

    @property
    def range_usd(self) -> Amount:
        return _rise(self.before, self.after)

    @property
    def upfront_usd(self) -> Decimal:
        return self.after.upfront_usd - self.before.upfront_usd


@dataclass(frozen=True, slots=True)
class ChangedGap:
    """Something without a price that is new, or gone: how much it costs is in neither sum."""

    change: Change
    resource: str
    type: str
    item: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """From one estimate to another."""

    changes: tuple[Changed, ...]
    before: Totals
    after: Totals
    notes: tuple[str, ...] = ()
    unpriced: tuple[ChangedGap, ...] = ()

    @property
    def before_usd(self) -> Decimal:
        return self.before.monthly_usd.base

    @property
    def after_usd(self) -> Decimal:
        return self.after.monthly_usd.base

    @property
    def monthly_usd(self) -> Decimal:
        return self.after_usd - self.before_usd

    @property
    def range_usd(self) -> Amount:
        """The rise with low, base and high usage."""
        return _rise(self.before, self.after)

    @property
    def upfront_usd(self) -> Decimal:
        """How much more is paid up front."""
        return self.after.upfront_usd - self.before.upfront_usd

    @property
    def percent(self) -> Decimal | None:
        """Rise in per cent of what it was; None when it was nothing."""
        return self.monthly_usd / self.before_usd * 100 if self.before_usd else None


def _rise(before: Totals, after: Totals) -> Amount:
    return after.monthly_usd.plus(before.monthly_usd.times(Decimal(-1)))


def compare(before: Estimate, after: Estimate) -> Difference:
    """Compare two estimates line by line."""
    inputs = properties.Comparison(before.plan, after.plan)
    old, new = _by_key(before.lines), _by_key(after.lines)
    was, now = _resources(before), _resources(after)
    changes = []
    for key in [*old, *(key for key in new if key not in old)]:
        entry = _change(old.get(key, []), new.get(key, []), key[:2] in was, key[:2] in now, inputs)
        if entry:
            changes.append(entry)
    changes.sort(key=lambda entry: (-abs(entry.monthly_usd), -abs(entry.upfront_usd)))
    notes = tuple(_notes(before, after))
    gaps = tuple(_gaps(before, after, was, now, inputs))
    return Difference(tuple(changes), before.totals, after.totals, notes, gaps)


def _resources(estimate: Estimate) -> set[tuple[str, str]]:
    return {(entry.type, entry.resource) for entry in (*estimate.lines, *estimate.unpriced)}


def _by_key(entries: Iterable[Entry]) -> dict[Key, list[Entry]]:
    """Entries by what they are about; the instance type in an item's name is not part of that."""
    found: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.type, entry.resource, entry.item.partition(" (")[0]].append(entry)
    return dict(found)


def _change(
    before: list[Line], after: list[Line], existed: bool, exists: bool, inputs: properties.Comparison
) -> Changed | None:
    old, new = total(before), total(after)
    same = (old.monthly_usd, old.upfront_usd) == (new.monthly_usd, new.upfront_usd)
    if same and bool(before) == bool(after):
        return None
    shown = (after or before)[0]
    change: Change = "changed" if before and after else "added" if after else "removed"
    reason = _reason(before, after) if change == "changed" else _arrival(change, existed, exists)
    if existed and exists and (causes := inputs.causes(shown.type, shown.resource)):
        reason = f"{causes}; {reason}"
    return Changed(change, shown.resource, shown.type, shown.item, old, new, reason)


def _arrival(change: Change, existed: bool, exists: bool) -> str:
    if change == "added":
        return "the resource exists already, this item is new" if existed else "new resource"
    return "the resource stays, this item goes" if exists else "the resource goes"


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
    elif (ranges := [_range(lines) for lines in (before, after)])[0] != ranges[1]:
        found.append(f"usage {ranges[0]} -> {ranges[1]} {second.unit}")
    if first.unit_price != second.unit_price:
        found.append(f"unit price {first.unit_price.normalize():f} -> {second.unit_price.normalize():f} USD")
    if first.discount != second.discount:
        found.append(f"discount {first.discount or 'none'} -> {second.discount or 'none'}")
    fees = [sum((line.upfront_usd for line in lines), Decimal(0)) for lines in (before, after)]
    if fees[0] != fees[1]:
        found.append(f"paid up front {fees[0]:,.2f} -> {fees[1]:,.2f} USD")
    if first.region != second.region:
        found.append(f"region {first.region} -> {second.region}")
    return "; ".join(found) or "several lines changed"


def _range(lines: list[Line]) -> str:
    low = sum((line.quantity.low for line in lines), Decimal(0))
    high = sum((line.quantity.high for line in lines), Decimal(0))
    return f"{low.normalize():f} to {high.normalize():f}"


def _gaps(
    before: Estimate,
    after: Estimate,
    was: set[tuple[str, str]],
    now: set[tuple[str, str]],
    inputs: properties.Comparison,
) -> Iterable[ChangedGap]:
    """What has no price and came, went, or is of other properties: its cost changed by nobody knows how much."""
    old, new = _by_key(before.unknown), _by_key(after.unknown)
    for key in [*new, *(key for key in old if key not in new)]:
        entry = (new.get(key) or old[key])[0]
        causes = inputs.causes(entry.type, entry.resource) if key[:2] in was and key[:2] in now else ""
        if key in old and key in new:
            if causes:
                yield ChangedGap("changed", entry.resource, entry.type, entry.item, f"{causes}; {entry.reason}")
        else:
            change: Change = "added" if key in new else "removed"
            reason = f"{causes}; {entry.reason}" if causes else entry.reason
            yield ChangedGap(change, entry.resource, entry.type, entry.item, reason)


def _notes(before: Estimate, after: Estimate) -> list[str]:
    return [
        f"{name}: {'1 entry' if len(found.unknown) == 1 else f'{len(found.unknown)} entries'} without a price "
        f"{'is' if len(found.unknown) == 1 else 'are'} in neither sum"
        for name, found in (("before", before), ("after", after))
        if found.unknown
    ]
