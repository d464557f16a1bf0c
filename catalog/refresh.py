"""New AWS prices from the Price List API: on-demand machines, and the services of `price_list_dimensions.csv`.

One region a run. A price that the API does not give, or gives in another unit, keeps its old value and date and is
named. Spot prices and Capacity Blocks are not in that API and stay as they are; Google is in `refresh_google`. Needs
credentials that may call `pricing:GetProducts`; the API answers in us-east-1 for every region. boto3 is imported when a
refresh runs.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from catalog import table
from catalog.source import sources
from terminal import UserError

SOURCE = "PL"
"""Id of the Price List API in sources.csv."""
API_REGION = "us-east-1"
ATTEMPTS = 8
"""Calls that are throttled are tried again so often, ever more slowly."""
PLAIN_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "productFamily": "Compute Instance",
}
HOURS = frozenset({"Hrs", "Hours", "hours"})
Progress = Callable[[str, int], None]
"""Told what is being read and how many products of it have come."""


@dataclass(frozen=True, slots=True)
class Change:
    """One price of a table."""

    table: str
    name: str
    before: Decimal | None
    after: Decimal


@dataclass
class Outcome:
    """What a refresh found."""

    changes: list[Change] = field(default_factory=list)
    confirmed: int = 0
    problems: list[str] = field(default_factory=list)
    """Prices that stay as they were, each with the reason."""


def run(region: str, day: str, client: Any | None = None, progress: Progress = lambda _what, _count: None) -> Outcome:
    """Bring the prices of a region up to date. Raises UserError when the API cannot be asked or knows no such region.

    Nothing is written unless all answers came; each file is replaced as a whole.
    """
    asked = client or _client()
    outcome = Outcome()
    machines = _machines(asked, region, outcome, progress)
    if not machines:
        raise UserError(f"the Price List API has no Linux machines for {region}: nothing was changed. Is it a region?")
    services = _services(asked, region, outcome, progress)
    written = {
        "aws_instance_prices": _merge_machines(region, day, machines, outcome),
        "aws_service_prices": _merge_services(region, day, services, outcome),
    }
    for name, content in written.items():
        replace_file(table.DATA / f"{name}.csv", content)
    return outcome


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "pricing", region_name=API_REGION, config=Config(retries={"max_attempts": ATTEMPTS, "mode": "standard"})
    )


def _products(client: Any, service: str, filters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in filters.items()]
    try:
        for page in client.get_paginator("get_products").paginate(ServiceCode=service, Filters=wanted):
            for entry in page.get("PriceList", []):
                yield json.loads(entry)
    except (BotoCoreError, ClientError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"Price List API, {service}: {reason}. Nothing was changed; try again later.") from None


def first_price(product: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """US dollars and unit of the on-demand price of a product's first tier; None when it has none."""
    for term in (product.get("terms", {}).get("OnDemand") or {}).values():
        for dimension in (term.get("priceDimensions") or {}).values():
            if dimension.get("beginRange", "0") not in ("0", ""):
                continue
            try:
                usd = Decimal(dimension["pricePerUnit"]["USD"])
            except (KeyError, InvalidOperation):
                continue
            if usd.is_finite() and usd >= 0:
                return usd, str(dimension.get("unit", ""))
    return None


def _machines(client: Any, region: str, outcome: Outcome, progress: Progress) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for count, product in enumerate(_products(client, "AmazonEC2", {**PLAIN_LINUX, "regionCode": region}), 1):
        progress("machines", count)
        name, price = product.get("product", {}).get("attributes", {}).get("instanceType"), first_price(product)
        if not name or price is None or not price[0]:
            continue
        if price[1] not in HOURS:
            outcome.problems.append(f"{name} in {region}: the unit is {price[1]}, not an hour; its old price stays")
            continue
        found[name] = price[0]
    return found


def _services(client: Any, region: str, outcome: Outcome, progress: Progress) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for count, row in enumerate(table.rows("price_list_dimensions"), 1):
        service, dimension = row.text("service"), row.text("dimension")
        progress("services", count)
        filters = dict(part.strip().split("=", 1) for part in row.values["filters"].split(";") if part.strip())
        pattern, units = re.compile(row.text("usage_type")), row.text("api_units").split(";")
        label = f"{service}, {dimension} in {region}"
        prices = set()
        for product in _products(client, row.text("service_code"), {**filters, "regionCode": region}):
            price = first_price(product)
            if price and pattern.search(product.get("product", {}).get("attributes", {}).get("usagetype", "")):
                prices.add(price)
        if not prices:
            outcome.problems.append(f"{label}: no answer; its old price stays")
        elif len(prices) > 1:
            outcome.problems.append(f"{label}: {len(prices)} different prices; its old price stays")
        elif (only := prices.pop())[1] not in units:
            outcome.problems.append(f"{label}: the unit is {only[1]}, expected {units[0]}; its old price stays")
        else:
            found[service, dimension] = only[0]
    return found


def read(name: str) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a table."""
    rows = list(table.rows(name))
    return list(rows[0].values), [dict(row.values) for row in rows]


def note(outcome: Outcome, name: str, label: str, before: str | None, after: Decimal) -> None:
    """Count an equal price as confirmed, any other as a change."""
    old = Decimal(before) if before else None
    if old == after:
        outcome.confirmed += 1
    else:
        outcome.changes.append(Change(name, label, old, after))


def _merge_machines(region: str, day: str, found: Mapping[str, Decimal], outcome: Outcome) -> str:
    """Rows of this region with their new price and date. Types that the table does not hold are left out."""
    name = "aws_instance_prices"
    header, rows = read(name)
    for row in rows:
        usd = found.get(row["instance_type"]) if row["region"] == region else None
        if row["region"] == region and usd is None:
            outcome.problems.append(f"{row['instance_type']} in {region}: no answer; its old price stays")
        if usd is not None:
            note(outcome, name, f"{row['instance_type']} in {region}", row["on_demand_usd_h"], usd)
            row |= {
                "on_demand_usd_h": f"{usd.normalize():f}",
                "price_date": day,
                "basis": "observed",
                "source_id": SOURCE,
            }
    return text(header, rows)


def _merge_services(region: str, day: str, found: Mapping[tuple[str, str], Decimal], outcome: Outcome) -> str:
    name = "aws_service_prices"
    header, rows = read(name)
    units = {
        (row.text("service"), row.text("dimension")): row.text("unit") for row in table.rows("price_list_dimensions")
    }
    source = f"{sources[SOURCE].repository}: {sources[SOURCE].path}"
    for (service, dimension), usd in found.items():
        label = f"{service}, {dimension} in {region}"
        fresh = {"usd": f"{usd.normalize():f}", "date": day, "source_id": SOURCE, "source": source, "note": ""}
        fresh |= {"max_rounding_error_usd": "0", "samples": "1"}
        same = [
            row for row in rows if (row["service"], row["dimension"], row["region"]) == (service, dimension, region)
        ]
        note(outcome, name, label, same[0]["usd"] if same else None, usd)
        if same:
            same[0] |= fresh
        else:
            new = dict.fromkeys(header, "")
            rows.append(new | fresh | {"service": service, "dimension": dimension, "region": region})
            rows[-1]["unit"] = units[service, dimension]
    return text(header, rows)


def text(header: list[str], rows: list[dict[str, str]]) -> str:
    """A table as CSV."""
    file = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(file, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def replace_file(path: Path, content: str) -> None:
    """Write a file as a whole: a reader sees the old one or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, encoding="utf-8", newline="")
    os.replace(part, path)
