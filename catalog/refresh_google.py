"""New Google prices from the Cloud Billing catalog: disks, addresses, NAT, buckets, machines by core and GB, GPUs.

One region a run. Which SKU is which price is in `data/gcp_skus.csv`. A machine of a family with predefined sizes costs
its vCPUs times the price of a core and its memory times the price of a GB. What the catalog does not give, gives in
another unit or currency, or gives twice, keeps its old price and date and is named. TPU, A3 and A4 machines are sold by
SKUs whose names are not known here: they stay as they are. Needs an API key (`GOOGLE_API_KEY`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from catalog import table
from catalog.refresh import ATTEMPTS, Outcome, Progress, note, read, replace_file, text
from terminal import InvalidInput, UserError

ENDPOINT = "https://cloudbilling.googleapis.com"
SOURCE = "GB"
"""Id of the billing catalog in sources.csv."""
REGION = re.compile(r"[a-z]+-[a-z]+\d+")
"""How Google writes a region; AWS has a hyphen before the number."""
PAGE = 5000
TIMEOUT_S = 60
RETRIED = (429, 500, 502, 503, 504)
PREDEFINED = re.compile(r"(?P<family>[a-z]\d[a-z]?)-(standard|highmem|highcpu)-\d+")
"""Sizes that cost vCPUs and memory; not shared cores, nor sizes with local disks."""
NANO = Decimal("1e-9")


class Wanted(NamedTuple):
    """A row of gcp_skus.csv."""

    kind: str
    service: str
    dimension: str


Prices = dict[Wanted, Decimal]


def run(
    region: str,
    day: str,
    *,
    endpoint: str = ENDPOINT,
    key: str | None = None,
    progress: Progress = lambda _what, _count: None,
) -> Outcome:
    """Bring Google's prices of a region up to date. Raises UserError when they cannot be read or the region is unknown.

    Nothing is written unless all answers came; each file is replaced as a whole.
    """
    given = key or os.environ.get("GOOGLE_API_KEY")
    if not given:
        raise InvalidInput("GOOGLE_API_KEY is not set: the Cloud Billing catalog needs an API key")
    outcome, found = Outcome(), Prices()
    asked = list(table.rows("gcp_skus"))
    session, seen = _session(given), 0
    for service in dict.fromkeys(row.text("billing_service") for row in asked):
        here = []
        for sku in _skus(session, endpoint, service):
            seen += 1
            progress("SKUs", seen)
            if region in sku.get("serviceRegions", ()) or "global" in sku.get("serviceRegions", ()):
                here.append(sku)
        if not any(region in sku["serviceRegions"] for sku in here):
            raise UserError(f"the billing catalog of service {service} has nothing in {region}: nothing was changed")
        for row in (row for row in asked if row.text("billing_service") == service):
            _take(row, here, region, found, outcome)
    written = {
        "gcp_service_prices": _services(region, day, found, outcome),
        "gcp_instance_prices": _machines(region, day, found, outcome),
        "gcp_gpu_prices": _gpus(region, day, found, outcome),
    }
    for name, content in written.items():
        replace_file(table.DATA / f"{name}.csv", content)
    return outcome


def _session(key: str) -> Any:
    """Throttled and failed calls are tried again, ever more slowly, or when the answer says so."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    session = requests.Session()
    session.headers["X-Goog-Api-Key"] = key  # in a header, so that no log or error shows it as part of an address
    retry = Retry(total=ATTEMPTS, status_forcelist=RETRIED, backoff_factor=0.5, allowed_methods={"GET"})
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _skus(session: Any, endpoint: str, service: str) -> Iterator[dict[str, Any]]:
    import requests

    token = ""
    while True:
        try:
            answer = session.get(
                f"{endpoint}/v1/services/{service}/skus",
                params={"currencyCode": "USD", "pageSize": PAGE, "pageToken": token},
                timeout=TIMEOUT_S,
            )
            answer.raise_for_status()
            page = answer.json()
        except (requests.RequestException, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"Cloud Billing catalog, service {service}: {reason}. Nothing was changed.") from None
        yield from page.get("skus", [])
        token = page.get("nextPageToken", "")
        if not token:
            return


def _take(row: table.Row, skus: list[dict[str, Any]], region: str, found: Prices, outcome: Outcome) -> None:
    """The one price of a row, or a problem that says why there is none."""
    wanted = Wanted(row.text("kind"), row.text("service"), row.text("dimension"))
    label, pattern = f"{wanted.service}, {wanted.dimension} in {region}", re.compile(row.text("description"))
    prices: set[tuple[Decimal, str]] = set()
    for sku in skus:
        category = sku.get("category", {})
        fits = category.get("resourceGroup") == row.text("resource_group")
        fits = fits and category.get("usageType") == row.text("usage_type")
        if fits and pattern.search(sku.get("description", "")):
            price = _price(sku)
            if price is None:
                outcome.problems.append(f"{label}: not priced in US dollars; its old price stays")
            else:
                prices.add(price)
    if not prices:
        outcome.problems.append(f"{label}: no answer; its old price stays")
    elif len(prices) > 1:
        outcome.problems.append(f"{label}: {len(prices)} different prices; its old price stays")
    elif (only := prices.pop())[1] != row.text("api_unit"):
        expected = row.text("api_unit")
        outcome.problems.append(f"{label}: the unit is {only[1]}, expected {expected}; its old price stays")
    else:
        found[wanted] = only[0]


def _price(sku: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """US dollars and unit of the first tier that costs something, of the newest pricing."""
    newest = max(sku.get("pricingInfo") or [{}], key=lambda info: info.get("effectiveTime", ""))
    expression = newest.get("pricingExpression", {})
    for tier in expression.get("tieredRates", ()):
        price = tier.get("unitPrice", {})
        try:
            usd = Decimal(str(price.get("units") or 0)) + Decimal(str(price.get("nanos") or 0)) * NANO
        except InvalidOperation:
            return None
        if price.get("currencyCode") != "USD" or usd < 0:
            return None
        if usd:
            return usd.normalize(), str(expression.get("usageUnit", ""))
    return None


def _services(region: str, day: str, found: Prices, outcome: Outcome) -> str:
    header, rows = read("gcp_service_prices")
    for row in rows:
        usd = found.get(Wanted("service", row["service"], row["dimension"]))
        if row["region"] == region and usd is not None:
            note(outcome, "gcp_service_prices", f"{row['service']}, {row['dimension']} in {region}", row["usd"], usd)
            row |= {"usd": f"{usd:f}", "date": day, "source_id": SOURCE}
    return text(header, rows)


def _machines(region: str, day: str, found: Prices, outcome: Outcome) -> str:
    name = "gcp_instance_prices"
    header, rows = read(name)
    for row in rows:
        named = PREDEFINED.fullmatch(row["machine_type"])
        if row["region"] != region or named is None:
            continue
        for column, term in (("on_demand_usd_h", "on-demand"), ("spot_usd_h", "spot")):
            core, ram = (found.get(Wanted(part, named["family"], term)) for part in ("core", "ram"))
            if core is None or ram is None:
                continue
            usd = (Decimal(row["vcpus"]) * core + Decimal(row["mem_gib"]) * ram).normalize()
            note(outcome, name, f"{row['machine_type']}, {term} in {region}", row[column], usd)
            row[column] = f"{usd:f}"
            row |= {"date": day, "source_id": SOURCE}
    return text(header, rows)


def _gpus(region: str, day: str, found: Prices, outcome: Outcome) -> str:
    name = "gcp_gpu_prices"
    header, rows = read(name)
    for row in rows:
        if row["region"] != region or row["machine_type"]:
            continue
        for column, term in (("on_demand_usd_h", "on-demand"), ("spot_usd_h", "spot")):
            usd = found.get(Wanted("gpu", row["accelerator"], term))
            if usd is not None:
                note(outcome, name, f"{row['accelerator']}, {term} in {region}", row[column], usd)
                row[column] = f"{usd:f}"
                row |= {"date": day, "source_id": SOURCE, "basis": "observed"}
    return text(header, rows)
