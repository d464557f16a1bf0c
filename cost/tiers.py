"""Prices that fall with the quantity: how much of an amount lies in which tier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from cost.model import Amount
from cost.subject import Found, Subject


class Tier(NamedTuple):
    """A band of quantity. `size` None: everything above the bands before."""

    label: str
    size: int | None

    @classmethod
    def free(cls, size: int) -> Tier:
        """A band that costs nothing."""
        return cls("", size)


def split(amount: Amount, tiers: Sequence[Tier]) -> list[Amount]:
    """The part of an amount in each tier."""
    found: list[Amount] = []
    lower = Decimal(0)
    for tier in tiers:
        upper = None if tier.size is None else lower + tier.size
        found.append(Amount(*(_within(value, lower, upper) for value in amount)))
        lower = upper if upper is not None else lower
    return found


def _within(value: Decimal, lower: Decimal, upper: Decimal | None) -> Decimal:
    top = value if upper is None else min(value, upper)
    return max(top - lower, Decimal(0))


def tiered(
    it: Subject,
    item: str,
    key: str,
    service: str,
    tiers: Sequence[Tier],
    *,
    per: Decimal | int = 1,
    quiet: bool = False,
    anywhere: bool = False,
    **attributes: Any,
) -> Iterator[Found]:
    """Usage under `key`, each tier at the AWS price "<item> (<tier>)". `anywhere`: the service has no region."""
    amount, _ = it.usage.get(key)
    if amount is None:
        if not quiet:
            yield it.depends(item, key)
        return
    yield from metered(it, item, amount, key, service, tiers, per=per, anywhere=anywhere, **attributes)


def metered(
    it: Subject,
    item: str,
    amount: Amount,
    key: str,
    service: str,
    tiers: Sequence[Tier],
    *,
    per: Decimal | int = 1,
    anywhere: bool = False,
    **attributes: Any,
) -> Iterator[Found]:
    """An amount from usage, each tier at the AWS price "<item> (<tier>)"."""
    for tier, part in zip(tiers, split(amount, tiers), strict=True):
        if not any(part) or not tier.label:
            continue
        name = f"{item} ({tier.label})"
        _, assumed = it.usage.get(key)
        price = (it.globally if anywhere else it.aws)(service, name, **attributes)
        yield from it.metered(name, part, price, key, per=per, assumed=assumed)
