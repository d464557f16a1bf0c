"""Promises about a refresh of Google's prices, against a small billing catalog on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlparse

import pytest
from typer.testing import CliRunner

from catalog import refresh_google, table
from catalog.__main__ import app
from terminal import InvalidInput, UserError

DAY, REGION = "2026-11-22", "us-central1"
COMPUTE = "6F81-5844-456A"


def sku(
    description: str, group: str, nanos: int, unit: str, *, usage: str = "OnDemand", currency: str = "USD"
) -> dict[str, Any]:
    price = {"currencyCode": currency, "units": "0", "nanos": nanos}
    return {
        "description": description,
        "category": {"resourceGroup": group, "usageType": usage},
        "serviceRegions": [REGION],
        "pricingInfo": [
            {
                "effectiveTime": "2026-11-01T00:00:00Z",
                "pricingExpression": {"usageUnit": unit, "tieredRates": [{"unitPrice": price}]},
            }
        ],
    }


class Catalog(BaseHTTPRequestHandler):
    """Answers with one SKU a page; throttles the first calls."""

    skus: ClassVar[dict[str, list[dict[str, Any]]]] = {}
    throttled = 0
    calls: ClassVar[list[str]] = []
    keys: ClassVar[set[str | None]] = set()

    def do_GET(self) -> None:
        kind, asked = type(self), urlparse(self.path)
        kind.calls.append(self.path)
        kind.keys.add(self.headers.get("X-Goog-Api-Key"))
        if len(kind.calls) <= kind.throttled:
            self._answer(429, {"error": {"message": "Quota exceeded"}})
            return
        found = kind.skus.get(asked.path.split("/")[3], [])
        at = int(parse_qs(asked.query).get("pageToken", ["0"])[0] or 0)
        token = str(at + 1) if at + 1 < len(found) else ""
        self._answer(200, {"skus": found[at : at + 1], "nextPageToken": token})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    Catalog.skus = {
        COMPUTE: [
            sku("Balanced PD Capacity", "SSD", 110_000_000, "GiBy.mo"),
            sku("N2 Instance Core running in Americas", "CPU", 30_000_000, "h"),
            sku("N2 Instance Ram running in Americas", "RAM", 4_000_000, "GiBy.h"),
            sku("Nvidia Tesla T4 GPU running in Americas", "GPU", 350_000_000, "h"),
        ],
        "E505-1604-58F8": [sku("Networking Cloud Nat Data Processing", "Nat", 45_000_000, "GiBy")],
        "95FF-2EF5-5EA1": [sku("Standard Storage Iowa", "RegionalStorage", 21_000_000, "GiBy.mo")],
    }
    Catalog.throttled = 0
    Catalog.calls.clear()
    Catalog.keys.clear()
    server = HTTPServer(("127.0.0.1", 0), Catalog)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(endpoint: str, region: str = REGION) -> Any:
    return refresh_google.run(region, DAY, endpoint=endpoint, key="secret")


def rows(name: str, **wanted: str) -> list[dict[str, str]]:
    return [row.values for row in table.rows(name) if all(row.values[key] == value for key, value in wanted.items())]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_services_machines_and_gpus_get_new_prices_with_todays_date(data: Path, endpoint: str) -> None:
    elsewhere = rows("gcp_service_prices", region="europe-west4")
    outcome = run(endpoint)
    disk = rows("gcp_service_prices", service="compute-disk", dimension="balanced", region=REGION)[0]
    assert (disk["usd"], disk["date"], disk["source_id"]) == ("0.11", DAY, "GB")
    machine = rows("gcp_instance_prices", machine_type="n2-standard-8", region=REGION)[0]
    assert Decimal(machine["on_demand_usd_h"]) == 8 * Decimal("0.03") + 32 * Decimal("0.004")
    gpu = next(row for row in rows("gcp_gpu_prices", accelerator="T4", region=REGION) if not row["machine_type"])
    assert (gpu["on_demand_usd_h"], gpu["date"]) == ("0.35", DAY)
    assert rows("gcp_service_prices", region="europe-west4") == elsewhere
    changed = {change.name: (change.before, change.after) for change in outcome.changes}
    assert changed["compute-disk, balanced in us-central1"] == (Decimal("0.1"), Decimal("0.11"))
    assert not list(data.glob("*.part"))


def test_an_equal_price_is_confirmed_and_not_a_change(data: Path, endpoint: str) -> None:
    run(endpoint)
    outcome = run(endpoint)
    assert outcome.changes == []
    assert outcome.confirmed


def test_every_page_is_read_and_the_key_is_in_no_address(data: Path, endpoint: str) -> None:
    run(endpoint)
    assert sum(COMPUTE in call for call in Catalog.calls) == len(Catalog.skus[COMPUTE])
    assert Catalog.keys == {"secret"}
    assert not any("secret" in call for call in Catalog.calls)


def test_throttling_is_waited_out(data: Path, endpoint: str) -> None:
    Catalog.throttled = 2
    assert run(endpoint).changes


def test_lasting_throttling_changes_nothing(data: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(data)
    Catalog.throttled = 1000
    monkeypatch.setattr(refresh_google, "ATTEMPTS", 1)
    with pytest.raises(UserError, match="Nothing was changed"):
        run(endpoint)
    assert contents(data) == before


@pytest.mark.parametrize("region", [REGION, "mars-north1"])
def test_an_empty_answer_changes_nothing(data: Path, endpoint: str, region: str) -> None:
    before = contents(data)
    if region == REGION:
        Catalog.skus = {}
    with pytest.raises(UserError, match=f"has nothing in {region}"):
        run(endpoint, region)
    assert contents(data) == before


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (sku("Balanced PD Capacity", "SSD", 1000, "GiBy.d"), "the unit is GiBy.d, expected GiBy.mo"),
        (sku("Balanced PD Capacity", "SSD", 1000, "GiBy.mo", currency="EUR"), "not priced in US dollars"),
    ],
)
def test_a_changed_unit_or_currency_keeps_the_old_price_and_is_told(
    data: Path, endpoint: str, other: dict[str, Any], reason: str
) -> None:
    Catalog.skus[COMPUTE][0] = other
    outcome = run(endpoint)
    disk = rows("gcp_service_prices", service="compute-disk", dimension="balanced", region=REGION)[0]
    assert disk["usd"] == "0.1"
    assert any(reason in problem for problem in outcome.problems)


def test_prices_that_contradict_each_other_are_not_taken(data: Path, endpoint: str) -> None:
    Catalog.skus[COMPUTE].append(sku("Balanced PD Capacity in Iowa", "SSD", 120_000_000, "GiBy.mo"))
    assert any("2 different prices" in problem for problem in run(endpoint).problems)


def test_without_a_key_nothing_is_asked(data: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(InvalidInput, match="GOOGLE_API_KEY"):
        refresh_google.run(REGION, DAY, endpoint=endpoint)
    assert not Catalog.calls


def test_the_command_tells_what_changed_and_the_tables_hold_together_after_it(
    data: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "secret")
    found = CliRunner().invoke(app, ["refresh", "--region", REGION, "--endpoint", endpoint])
    assert found.exit_code == 0, found.output
    assert "compute-disk, balanced in us-central1: 0.1 -> 0.11 USD" in found.output
    assert "prices changed" in found.output
    assert CliRunner().invoke(app, ["check"]).exit_code == 0
