"""Usage that is counted and paid by the unit: several meters of one resource, each an item, a usage key and a price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from catalog.price import Price
from cost.model import Amount
from cost.subject import Found, Subject

MILLION = 1_000_000


class Meter(NamedTuple):
    """One thing that is metered."""

    item: str
    key: str
    """Usage key."""
    per: int = 1
    """How many make one unit of the price."""
    asked: bool = False
    """Whether the estimate says that the key is wanted when it is not given."""


def metered(it: Subject, price: Callable[[str], Price | None], *meters: Meter) -> Iterator[Found]:
    """Each meter at the price of its item."""
    for meter in meters:
        yield from it.used(meter.item, meter.key, price(meter.item), per=meter.per, quiet=not meter.asked)


def beyond(it: Subject, item: str, key: str, free: int, price: Price | None, *, per: int = 1) -> Iterator[Found]:
    """Usage above a monthly allowance."""
    amount, assumed = it.usage.get(key)
    if amount is None:
        yield it.depends(item, key)
        return
    paid = Amount(*(max(value - free, Decimal(0)) for value in amount))
    yield from it.metered(item, paid, price, key, per=per, assumed=assumed)
