"""How the tables of `catalog/data` are read: rows whose cells are parsed on demand, and lookups that load on first use.

Holds no facts. An empty cell means "unknown" and becomes None, never 0. A cell that does not parse is one clear message
with file, line, column and value; a name that is not in a table is one with near matches.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from terminal import InvalidInput

DATA = Path(__file__).resolve().parent / "data"
T = TypeVar("T")


class CatalogError(InvalidInput):
    """A table is missing or a cell of it does not parse."""


class UnknownName(InvalidInput, KeyError):
    """A name that the catalog does not hold. A KeyError too, so that `in`, `.get` and mappings behave as usual."""

    def __str__(self) -> str:
        return "\n".join(self.problems)


class Row:
    """One line of a table. `maybe_*` gives None for an empty cell; the others refuse it."""

    __slots__ = ("line", "table", "values")

    def __init__(self, table: str, line: int, values: dict[str, str]) -> None:
        self.table, self.line, self.values = table, line, values

    def refuse(self, column: str, needs: str) -> CatalogError:
        """The error for one cell, ready to raise."""
        value = self.values.get(column)
        what = "is missing" if value is None else "is empty" if value == "" else f"is {value!r}"
        where = f"catalog/data/{self.table}.csv line {self.line}"
        return CatalogError(f"{where}: {column} {what}; it must be {needs}. Correct the row or restore the file.")

    def _parse(self, column: str, needs: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(self.values[column])
        except (KeyError, ValueError, InvalidOperation, TypeError):
            raise self.refuse(column, needs) from None

    def _maybe(self, column: str, parse: Callable[[str], T]) -> T | None:
        return None if self.values.get(column) == "" else parse(column)

    def text(self, column: str) -> str:
        return self._parse(column, "a text", _filled)

    def integer(self, column: str) -> int:
        return self._parse(column, "a whole number", int)

    def number(self, column: str) -> float:
        return self._parse(column, "a number", _finite)

    def money(self, column: str) -> Decimal:
        return self._parse(column, "an amount of money", _amount)

    def flag(self, column: str) -> bool:
        return self._parse(column, "y or n", {"y": True, "n": False, "yes": True, "no": False}.__getitem__)

    def maybe_text(self, column: str) -> str | None:
        return self._maybe(column, self.text)

    def maybe_integer(self, column: str) -> int | None:
        return self._maybe(column, self.integer)

    def maybe_number(self, column: str) -> float | None:
        return self._maybe(column, self.number)

    def maybe_money(self, column: str) -> Decimal | None:
        return self._maybe(column, self.money)

    def maybe_flag(self, column: str) -> bool | None:
        return self._maybe(column, self.flag)


def _filled(value: str) -> str:
    if not value:
        raise ValueError(value)
    return value


def _finite(value: str) -> float:
    number = float(value)
    if number in (float("inf"), float("-inf")) or number != number:  # noqa: PLR0124 - the test for NaN
        raise ValueError(value)
    return number


def _amount(value: str) -> Decimal:
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise ValueError(value)
    return amount


def rows(table: str) -> Iterator[Row]:
    """The lines of `catalog/data/<table>.csv` in file order. Raises CatalogError when the file cannot be read."""
    path = DATA / f"{table}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            width = len(header)
            for cells in reader:
                if len(cells) != width:
                    raise CatalogError(
                        f"catalog/data/{table}.csv line {reader.line_num}: {len(cells)} cells, the header has {width}. "
                        "Correct the row or restore the file."
                    )
                yield Row(table, reader.line_num, dict(zip(header, cells, strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"catalog/data/{table}.csv cannot be read: {error}. Restore the file.") from None


def near(name: str, known: Mapping[str, Any]) -> str:
    """`; near: a, b` for names that look like `name`, else an empty text."""
    import difflib  # only an error needs it

    matches = difflib.get_close_matches(name, list(known), n=4, cutoff=0.6)
    return f"; near: {', '.join(matches)}" if matches else ""


class Lookup(Mapping[str, T], Generic[T]):
    """A read-only mapping by name whose table is read on first use."""

    def __init__(self, noun: str, load: Callable[[], dict[str, T]], error: type[UnknownName] = UnknownName) -> None:
        """`noun` is what a name stands for in the message of an unknown one: "instance type"."""
        self._noun, self._load, self._error = noun, cache(load), error

    def __getitem__(self, name: str) -> T:
        known = self._load()
        if name not in known:
            raise self._error(f"{name}: not a known {self._noun}{near(name, known)}")
        return known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._load()

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict; without the search for near names that an unknown name costs."""
        return self._load().get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())
