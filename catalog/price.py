"""The shape of a price, and whether a row of a price table holds for given attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.table import Row


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


def meets(row: Row, attributes: Mapping[str, Any]) -> bool:
    """A row without a condition holds for every attribute; one with a condition only for the attributes it names."""
    text = row.values.get("condition")
    if not text or not attributes:
        return True
    try:
        condition = json.loads(text)
    except ValueError:
        raise row.refuse("condition", "a JSON object") from None
    return all(name in condition and condition[name] == value for name, value in attributes.items())
