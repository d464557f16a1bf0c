"""Promises about a refresh of prices, against a small price list on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config

from catalog import refresh, table
from terminal import UserError

DAY = "2026-11-22"


def product(usd: str, unit: str, **attributes: str) -> str:
    price = {"unit": unit, "beginRange": "0", "pricePerUnit": {"USD": usd}}
    return json.dumps(
        {"product": {"attributes": attributes}, "terms": {"OnDemand": {"t": {"priceDimensions": {"d": price}}}}}
    )


class PriceList(BaseHTTPRequestHandler):
    """Answers GetProducts in pages of one product; throttles the first calls."""

    machines: ClassVar[list[str]] = []
    services: ClassVar[dict[str, list[str]]] = {}
    throttled = 0
    calls = 0

    def do_POST(self) -> None:
        kind = type(self)
        kind.calls += 1
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if kind.calls <= kind.throttled:
            self._answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
            return
        names = {entry["Field"] for entry in asked["Filters"]}
        found = kind.machines if "operatingSystem" in names else kind.services.get(asked["ServiceCode"], [])
        at = int(asked.get("NextToken") or 0)
        page: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": found[at : at + 1]}
        if at + 1 < len(found):
            page["NextToken"] = str(at + 1)
        self._answer(200, page)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small copy of the tables that a refresh writes."""
    for name in ("aws_instance_prices", "aws_service_prices"):
        lines = (table.DATA / f"{name}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [
            line for line in lines[1:] if line.startswith(("m7i.large,us-east-1", "aws_nat_gateway", "m7i.large,eu"))
        ]
        (tmp_path / f"{name}.csv").write_text(lines[0] + "".join(kept), encoding="utf-8")
    for name in ("price_list_dimensions", "sources"):
        (tmp_path / f"{name}.csv").write_text(
            (table.DATA / f"{name}.csv").read_text(encoding="utf-8"), encoding="utf-8"
        )
    monkeypatch.setattr(table, "DATA", tmp_path)
    return tmp_path


@pytest.fixture
def client() -> Iterator[Any]:
    PriceList.machines = [product("0.2", "Hrs", instanceType="m7i.large")]
    PriceList.services = {"AmazonEC2": [product("0.05", "Hrs", usagetype="USE1-NatGateway-Hours")]}
    PriceList.throttled = PriceList.calls = 0
    server = HTTPServer(("127.0.0.1", 0), PriceList)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield boto3.client(
        "pricing",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 4, "mode": "standard"}),
    )
    server.shutdown()
    server.server_close()


def rows(name: str, **wanted: str) -> list[dict[str, str]]:
    return [row.values for row in table.rows(name) if all(row.values[key] == value for key, value in wanted.items())]


def test_new_prices_get_todays_date_and_other_regions_stay(prices: Path, client: Any) -> None:
    elsewhere = rows("aws_instance_prices", region="eu-west-1")
    outcome = refresh.run("us-east-1", DAY, client)
    machine = rows("aws_instance_prices", region="us-east-1")[0]
    assert (machine["on_demand_usd_h"], machine["price_date"], machine["source_id"]) == ("0.2", DAY, "PL")
    assert rows("aws_instance_prices", region="eu-west-1") == elsewhere
    gateway = rows("aws_service_prices", service="aws_nat_gateway", dimension="NAT gateway")[0]
    assert (gateway["usd"], gateway["date"]) == ("0.05", DAY)
    assert {change.name: change.after for change in outcome.changes} == {
        "m7i.large in us-east-1": Decimal("0.2"),
        "aws_nat_gateway, NAT gateway in us-east-1": Decimal("0.05"),
    }
    assert not list(prices.glob("*.part"))


def test_an_equal_price_is_confirmed_and_not_a_change(prices: Path, client: Any) -> None:
    refresh.run("us-east-1", DAY, client)
    outcome = refresh.run("us-east-1", DAY, client)
    assert (outcome.changes, outcome.confirmed) == ([], 2)


def test_throttling_is_waited_out(prices: Path, client: Any) -> None:
    PriceList.throttled = 2
    assert refresh.run("us-east-1", DAY, client).changes


def test_lasting_throttling_changes_nothing(prices: Path, client: Any) -> None:
    before = {path.name: path.read_bytes() for path in prices.iterdir()}
    PriceList.throttled = 1000
    with pytest.raises(UserError, match="Nothing was changed"):
        refresh.run("us-east-1", DAY, client)
    assert {path.name: path.read_bytes() for path in prices.iterdir()} == before


def test_an_empty_answer_changes_nothing(prices: Path, client: Any) -> None:
    before = {path.name: path.read_bytes() for path in prices.iterdir()}
    PriceList.machines = []
    with pytest.raises(UserError, match="no Linux machines for mars-1"):
        refresh.run("mars-1", DAY, client)
    assert {path.name: path.read_bytes() for path in prices.iterdir()} == before


def test_a_changed_unit_keeps_the_old_price_and_is_told(prices: Path, client: Any) -> None:
    PriceList.services = {"AmazonEC2": [product("0.00001", "Seconds", usagetype="NatGateway-Hours")]}
    outcome = refresh.run("us-east-1", DAY, client)
    gateway = rows("aws_service_prices", service="aws_nat_gateway", dimension="NAT gateway")[0]
    assert gateway["usd"] == "0.045"
    assert any("the unit is Seconds" in problem for problem in outcome.problems)


def test_a_price_that_the_table_did_not_hold_is_added(prices: Path, client: Any) -> None:
    PriceList.services["AmazonFSx"] = [product("0.21", "GB-Mo", usagetype="USE1-Storage.SSD.250")]
    refresh.run("us-east-1", DAY, client)
    found = rows("aws_service_prices", service="aws_fsx_lustre_file_system")
    assert [(row["dimension"], row["usd"], row["unit"]) for row in found] == [
        ("SSD storage, PERSISTENT_2, 250 MB/s/TiB", "0.21", "GB-month")
    ]


def test_prices_that_contradict_each_other_are_not_taken(prices: Path, client: Any) -> None:
    twice = [product(usd, "Hrs", usagetype="NatGateway-Hours") for usd in ("0.05", "0.06")]
    PriceList.services = {"AmazonEC2": twice}
    outcome = refresh.run("us-east-1", DAY, client)
    assert any("2 different prices" in problem for problem in outcome.problems)
