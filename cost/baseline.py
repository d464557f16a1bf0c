"""What an estimate is compared with: an earlier estimate, a preview, a deployed state, or another stack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from cost.carbon import CarbonReport
from cost.document import SCHEMA_VERSION
from cost.estimate import estimate
from cost.model import Amount, Estimate, Line, Unpriced
from cost.power import PowerReport
from cost.usage import Usage
from plan import Plan, document
from terminal import InvalidInput


def read(path: Path, like: Plan, given: Usage | None) -> Estimate:
    """The estimate in a file of `--format json`, or that of a preview or a state, priced with the terms of `like`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise InvalidInput(f"{path}: not JSON ({error})") from None
    if isinstance(found, Mapping) and "totals" in found and "lines" in found:
        return _stored(found, str(path))
    before = document.load(found, str(path))
    if like.config and not before.config:
        before = replace(before, config=like.config)
    # Names of the usage file that only the newer plan has are no mistake here.
    if given is not None:
        named = {name: entry for name, entry in given.named.items() if not given.unmatched_in(name, before)}
        given = replace(given, named=named)
    return estimate(before, given)


def _stored(found: Mapping[str, Any], origin: str) -> Estimate:
    if found.get("schema_version") != SCHEMA_VERSION:
        raise InvalidInput(
            f"{origin}: schema_version {found.get('schema_version')}; this program reads {SCHEMA_VERSION}."
        )
    try:
        lines = tuple(_line(entry) for entry in found["lines"])
        gaps = tuple(_gap(entry) for entry in found.get("unpriced", ()))
    except (KeyError, TypeError, InvalidOperation) as error:
        raise InvalidInput(f"{origin}: not an estimate of this program ({error}); make it anew") from None
    return Estimate(
        stack=str(found.get("stack") or ""),
        region=None,
        lines=lines,
        unpriced=gaps,
        free=0,
        resources=0,
        machines=(),
        power=PowerReport(()),
        carbon=CarbonReport(()),
        date=str(found.get("date") or ""),
    )


def _line(entry: Mapping[str, Any]) -> Line:
    base = Decimal(entry["monthly_usd"])
    monthly = Amount(Decimal(entry.get("monthly_usd_low", base)), base, Decimal(entry.get("monthly_usd_high", base)))
    return Line(
        resource=entry["resource"],
        urn="",
        type=entry["type"],
        item=entry["item"],
        quantity=Amount.of(Decimal(entry["quantity"])),
        unit=entry["unit"],
        unit_price=Decimal(entry["unit_price"]),
        monthly_usd=monthly,
        usage_based=bool(entry["usage_based"]),
        source=entry["source"],
        priced_at=entry["priced_at"],
        basis=str(entry.get("basis") or ""),
        purchase=entry.get("purchase"),
        upfront_usd=Decimal(entry.get("upfront_usd") or 0),
        component=entry.get("component"),
        pool=entry.get("pool"),
        region=entry.get("region"),
    )


def _gap(entry: Mapping[str, Any]) -> Unpriced:
    return Unpriced(
        entry["resource"], "", entry["type"], entry["item"], entry["reason"], entry.get("kind", "price"),
        entry.get("component"), entry.get("pool"),
    )  # fmt: skip
