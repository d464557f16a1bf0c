"""Prices, each with its date, its source and whether it was observed or derived. Money is Decimal US dollars.

A price that the tables do not hold is None: never 0, and never that of another region. AWS services other than EC2 are
known for us-east-1 (a few for one other region); data transfer for 27 regions. Spot is what a pool cost on one day:
use `spot_advisor` for the usual saving. Google Cloud is in `gcp_prices`, reachable from here too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from catalog.gcp_prices import gcp_gpu, gcp_instance, gcp_service, tpu
from catalog.package import table_info
from catalog.price import Ambiguous, Price, meets
from catalog.source import cite
from catalog.table import Row, rows
from catalog.ultraserver import ultraservers

__all__ = [
    "Ambiguous",
    "Price",
    "SpotAdvisor",
    "capacity_block",
    "capacity_block_locations",
    "dimensions",
    "gcp_gpu",
    "gcp_instance",
    "gcp_service",
    "on_demand",
    "regions",
    "service",
    "spot",
    "spot_advisor",
    "tpu",
]
OBSERVED = "observed"
SPOT = "observed on one day, cheapest zone of the region"


@dataclass(frozen=True, slots=True)
class SpotAdvisor:
    """What AWS's Spot Advisor said of one type and region."""

    saving_pct: int
    """Average saving against on demand over the month before `date`."""
    interruption: str
    """Share of instances interrupted in that month: "<5%", "5-10%", "10-15%", "15-20%", ">20%"."""
    date: str
    source: str


@cache
def _instance_rows() -> dict[tuple[str, str], Row]:
    found: dict[tuple[str, str], Row] = {}
    for row in rows("aws_instance_prices"):
        key = (row.values["instance_type"], row.values["region"])
        if key not in found or found[key].values["basis"] != OBSERVED:
            found[key] = row
    return found


@cache
def on_demand(instance_type: str, region: str) -> Price | None:
    """USD per hour of a Linux instance with shared tenancy."""
    row = _instance_rows().get((instance_type, region))
    if row is None:
        return None
    source, basis = cite(row.text("source_id")), row.text("basis")
    return Price(row.money("on_demand_usd_h"), "hour", row.text("price_date"), source, basis)


@cache
def spot(instance_type: str, region: str) -> Price | None:
    """USD per hour that the cheapest zone of the region asked on one day, which may be years ago."""
    row = _instance_rows().get((instance_type, region))
    usd = row.maybe_money("spot_usd_h") if row else None
    if row is None or usd is None:
        return None
    return Price(usd, "hour", row.text("spot_date"), cite(row.text("spot_source_id")), SPOT)


@cache
def _spot_advice() -> dict[tuple[str, str], Row]:
    return {(row.values["instance_type"], row.values["region"]): row for row in rows("aws_spot_advisor")}


def spot_advisor(instance_type: str, region: str) -> SpotAdvisor | None:
    """Saving and interruption band of a type in a region."""
    row = _spot_advice().get((instance_type, region))
    if row is None:
        return None
    table = table_info("aws_spot_advisor")
    saving, band = row.integer("savings_pct_vs_on_demand"), row.text("interruption_band")
    return SpotAdvisor(saving, band, table.date, "; ".join(map(cite, table.source_ids)))


@cache
def _blocks() -> dict[tuple[str, str], Price]:
    """Block prices by name and location. An instance that is only sold in UltraServers has its share of one."""
    found = {
        (row.values["instance_type"], row.values["region"]): Price(
            row.money("usd_h"), "hour", row.text("date"), row.text("source"), OBSERVED
        )
        for row in rows("aws_capacity_block_prices")
    }
    for (name, location), price in list(found.items()):
        server = ultraservers.get(name)
        if server and server.instance_type:
            basis = f"derived: 1/{server.instances} of {name}, which is sold whole"
            share = replace(price, usd=price.usd / server.instances, basis=basis)
            found.setdefault((server.instance_type, location), share)
    return found


def capacity_block(name: str, location: str) -> Price | None:
    """USD per hour of an instance type or UltraServer bought as a Capacity Block.

    `location` is a region, or the local zone that the price page names: us-east-1-dfw-2a.
    """
    return _blocks().get((name, location))


def capacity_block_locations(name: str) -> tuple[str, ...]:
    """Regions and local zones with a Capacity Block price for this type or UltraServer."""
    return tuple(location for known, location in _blocks() if known == name)


def regions(instance_type: str) -> tuple[str, ...]:
    """Regions with an on-demand price for this type."""
    return tuple(region for known, region in _instance_rows() if known == instance_type)


@cache
def _service_rows() -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows("aws_service_prices"):
        key = (row.values["service"], row.values["dimension"], row.values["region"])
        found.setdefault(key, []).append(row)
    for row in rows("aws_data_transfer_prices"):
        # The 27-region table is the fuller one: it replaces the us-east-1 rows of the general table, which equal it.
        found["aws_data_transfer", row.values["dimension"], row.values["region"]] = [row]
    return found


def service(service: str, dimension: str, region: str, **attributes: Any) -> Price | None:
    """Price of one dimension of a service, such as ("aws_nat_gateway", "NAT gateway", "us-east-1").

    Names are those of `data/aws_service_prices.csv`; the service of data transfer is "aws_data_transfer". Where a
    dimension has one price per condition (gp3 and io1 IOPS), name the attribute: `type="gp3"`. Raises Ambiguous when
    several prices remain.
    """
    candidates = [row for row in _service_rows().get((service, dimension, region), ()) if meets(row, attributes)]
    found = {(row.money("usd"), row.text("unit")): row for row in candidates}
    if not found:
        return None
    if len(found) > 1:
        conditions = "; ".join(row.values.get("condition", "") for row in found.values())
        raise Ambiguous(f"{service}, {dimension}: {len(found)} prices; choose by an attribute of: {conditions}")
    row = next(iter(found.values()))
    note = row.values.get("note")
    basis = f"{OBSERVED}; {note}" if note else OBSERVED
    return Price(row.money("usd"), row.text("unit"), row.text("date"), row.text("source"), basis)


def dimensions(service: str, region: str) -> tuple[str, ...]:
    """Names of the priced dimensions of a service in a region."""
    return tuple(name for known, name, place in _service_rows() if (known, place) == (service, region))
