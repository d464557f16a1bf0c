"""Google Cloud prices: machines, machines with GPUs, single GPUs, TPU chips and services.

A price whose source is doubtful says so in `basis`; a machine that the price list prices but that Google does not list
in the region says that too. What is in no table is None.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from catalog.price import Ambiguous, Price, meets
from catalog.source import cite
from catalog.table import Row, rows

Term = Literal["on-demand", "spot", "1y", "3y"]
OBSERVED = "observed"
_COLUMNS = {"on-demand": "on_demand_usd_h", "spot": "spot_usd_h", "1y": "usd_h_1y", "3y": "usd_h_3y"}


@cache
def _machines() -> dict[tuple[str, str], Row]:
    found = {(row.values["machine_type"], row.values["region"]): row for row in rows("gcp_instance_prices")}
    for row in rows("gcp_gpu_prices"):
        if row.values["machine_type"]:
            found[row.values["machine_type"], row.values["region"]] = row
    return found


@cache
def _gpus() -> dict[tuple[str, str], Row]:
    return {
        (row.values["accelerator"], row.values["region"]): row
        for row in rows("gcp_gpu_prices")
        if not row.values["machine_type"]
    }


def _price(row: Row | None, term: Term) -> Price | None:
    column = _COLUMNS[term]
    if row is None or column not in row.values:
        return None
    usd = row.maybe_money(column)
    if usd is None:
        return None
    basis = row.values.get("basis") or OBSERVED
    if row.values.get("listed_in_region") == "no":
        basis += "; in the price list, but Google lists no such machine in this region"
    return Price(usd, "hour", row.text("date"), cite(row.text("source_id")), basis)


def gcp_instance(machine_type: str, region: str, term: Term = "on-demand") -> Price | None:
    """USD per hour of a machine, its GPUs included. `term`: on demand, spot, or a 1- or 3-year commitment."""
    return _price(_machines().get((machine_type, region)), term)


def gcp_gpu(accelerator: str, region: str, term: Term = "on-demand") -> Price | None:
    """USD per hour of one GPU attached to a machine, such as ("T4", "us-central1")."""
    return _price(_gpus().get((accelerator, region)), term)


@cache
def _tpus() -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows("gcp_tpu_prices"):
        found.setdefault((row.values["tpu"], row.values["region"]), []).append(row)
    return found


def tpu(
    generation: str,
    region: str,
    *,
    variant: Literal["single-host", "pod-slice"] | None = None,
    term: Literal["on-demand", "spot"] = "on-demand",
) -> Price | None:
    """USD per hour of one chip. v2 and v3 cost differently as a single host and as part of a pod: give `variant`."""
    candidates = _tpus().get((generation, region), [])
    matching = [row for row in candidates if row.values["variant"] == "any" or variant in (None, row.values["variant"])]
    if len(matching) > 1:
        raise Ambiguous(f"TPU {generation} in {region} has a price per variant: give single-host or pod-slice")
    if not matching:
        return None
    row = matching[0]
    usd = row.money("on_demand_usd_chip_h") if term == "on-demand" else row.maybe_money("spot_usd_chip_h")
    if usd is None:
        return None
    return Price(usd, "chip-hour", row.text("date"), cite(row.text("source_id")), OBSERVED)


@cache
def _services() -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for table in ("gcp_service_prices", "gcp_service_prices_infracost"):
        for row in rows(table):
            key = (row.values["service"], row.values["dimension"], row.values["region"])
            found.setdefault(key, []).append(row)
    return found


def gcp_service(service: str, dimension: str, region: str, **attributes: Any) -> Price | None:
    """Price of one dimension of a service: ("compute-disk", "balanced", "us-central1").

    Names are those of `data/gcp_service_prices.csv` (all regions) and `data/gcp_service_prices_infracost.csv`
    (us-central1, services named google_...). Where a dimension has one price per condition, name the attribute:
    `type="pd-extreme"`. Raises Ambiguous when several prices remain.
    """
    rows_found = [row for row in _services().get((service, dimension, region), ()) if meets(row, attributes)]
    found = {(row.money("usd"), row.text("unit")): row for row in rows_found}
    if not found:
        return None
    if len(found) > 1:
        amounts = ", ".join(f"{usd} per {unit}" for usd, unit in found)
        raise Ambiguous(f"{service}, {dimension} in {region}: {amounts}; the table does not say when which holds")
    row = next(iter(found.values()))
    source = row.values.get("source") or cite(row.text("source_id"))
    return Price(row.money("usd"), row.text("unit"), row.text("date"), source, OBSERVED)
