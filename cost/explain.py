"""How the price of a line came about, in words."""

from __future__ import annotations

from collections.abc import Iterator

from cost.model import Estimate, Line
from cost.table import number, usd
from terminal import InvalidInput

SHOWN = 20


def lines(estimate: Estimate, wanted: str) -> Iterator[str]:
    """The lines whose resource or item holds the text, each explained. Raises InvalidInput when none does."""
    text = wanted.lower()
    found = [line for line in estimate.lines if text in f"{line.resource} {line.item} {line.type}".lower()]
    gaps = [gap for gap in estimate.unpriced if text in f"{gap.resource} {gap.item} {gap.type}".lower()]
    if not found and not gaps:
        names = sorted({line.resource for line in estimate.lines})[:SHOWN]
        raise InvalidInput(
            f"--explain {wanted}: no line of this name; resources with a price: {', '.join(names) or 'none'}"
        )
    for line in found:
        yield from _explained(line)
    for gap in gaps:
        yield f"{gap.resource} ({gap.type}): {gap.item}"
        yield f"  not priced: {gap.reason}"


def _explained(line: Line) -> Iterator[str]:
    yield f"{line.resource} ({line.type}): {line.item}"
    for step in line.steps:
        yield f"  {step}"
    if line.discount:
        yield f"  list price {line.list_price} USD, {line.discount}"
    quantity, price = number(line.quantity.base), f"{line.unit_price.normalize():f}"
    yield f"  {quantity} {line.unit} x {price} USD = {usd(line.monthly_usd.base)} USD a month"
    if line.monthly_usd.low != line.monthly_usd.high:
        yield f"  low usage {usd(line.monthly_usd.low)}, high usage {usd(line.monthly_usd.high)} USD"
    if line.upfront_usd:
        yield f"  {usd(line.upfront_usd)} USD are paid up front"
    yield f"  price of {line.priced_at}, {line.basis}"
    yield f"  source: {line.source}"
