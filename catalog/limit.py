"""Limits of cloud services that a stack file is held to before anything is planned.

`limits["capacity-block-days"].allows(15)` says whether a number fits; `.describe()` says in words what would. Sizes of
FSx for Lustre are in `lustre`. Quotas of an account, which are raised on request, are not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.table import Lookup, Row, rows


@dataclass(frozen=True, slots=True)
class Limit:
    """The numbers that one argument may take: some single values, and a range with a step."""

    name: str
    unit: str
    minimum: float | None
    maximum: float | None
    step: float | None
    """Values of the range are multiples of this."""
    values: tuple[float, ...]
    """Allowed beside the range."""
    verified: bool
    date: str
    source: str
    note: str | None

    def allows(self, number: float) -> bool:
        """Whether `number`, in `unit`, is allowed."""
        if number in self.values:
            return True
        if self.values and self.step is None:
            return False
        low = self.minimum is None or number >= self.minimum
        high = self.maximum is None or number <= self.maximum
        return low and high and (self.step is None or number % self.step == 0)

    def nearest(self, number: float) -> tuple[float, ...]:
        """The next allowed values below and above `number`; itself when it is allowed, none where nothing bounds it."""
        if self.allows(number):
            return (number,)
        candidates = {*self.values, *(bound for bound in (self.minimum, self.maximum) if bound is not None)}
        if self.step:
            below = number // self.step * self.step
            candidates |= {below, below + self.step}
        fitting = sorted(candidate for candidate in candidates if self.allows(candidate))
        lower = [candidate for candidate in fitting if candidate <= number]
        upper = [candidate for candidate in fitting if candidate >= number]
        return tuple(dict.fromkeys(lower[-1:] + upper[:1]))

    def describe(self) -> str:
        """What is allowed, for a message: "1, 2, ..., 14, then multiples of 7 up to 182 days"."""
        low, high, step = self.minimum, self.maximum, self.step
        singles = _joined(self.values)
        if self.values and step is None:
            return f"{singles} {self.unit}"
        if step is not None and step != 1:
            range_ = f"multiples of {plain(step)}" + (f" up to {plain(high)}" if high is not None else "")
        elif low is not None and high is not None:
            range_ = plain(low) if low == high else f"{plain(low)} to {plain(high)}"
        else:
            range_ = f"at most {plain(high)}" if high is not None else f"at least {plain(low or 0)}"
        return f"{singles + ', then ' if singles else ''}{range_} {self.unit}"


def plain(number: float) -> str:
    """A number without an exponent and without a needless fraction."""
    return str(int(number)) if number == int(number) else str(number)


def _joined(values: tuple[float, ...]) -> str:
    if len(values) > 4:
        return f"{plain(values[0])}, {plain(values[1])}, ..., {plain(values[-1])}"
    return ", ".join(map(plain, values))


def numbers(row: Row, column: str) -> tuple[float, ...]:
    """The numbers of a cell, separated by semicolons."""
    text = row.maybe_text(column)
    try:
        return tuple(float(value) for value in text.split(";")) if text else ()
    except ValueError:
        raise row.refuse(column, "numbers separated by ;") from None


def _load() -> dict[str, Limit]:
    return {
        row.text("name"): Limit(
            name=row.text("name"),
            unit=row.text("unit"),
            minimum=row.maybe_number("minimum"),
            maximum=row.maybe_number("maximum"),
            step=row.maybe_number("step"),
            values=numbers(row, "values"),
            verified=row.flag("verified"),
            date=row.text("date"),
            source=row.text("source"),
            note=row.maybe_text("note"),
        )
        for row in rows("limits")
    }


limits: Lookup[Limit] = Lookup("limit", _load)
"""Limits by name."""
