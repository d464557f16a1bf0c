"""The shape of a price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """A unit price in US dollars."""

    usd: Decimal
    unit: str
    """What one costs: "hour", "GB-month", "1M requests"."""
    date: str
    """When it was true: ISO 8601, sometimes only a month or a year."""
    source: str
    basis: str
    """"observed", or how it was derived."""


class Ambiguous(LookupError):
    """Several prices fit; the caller must say which condition holds."""
