"""All that the catalog knows of one type, as plain data: what `python -m catalog show` prints and writes as JSON."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from catalog import power, prices
from catalog.crossref import known_gaps
from catalog.efa import efa_count, efa_plans
from catalog.instance import Instance, UnknownInstance, instances
from catalog.table import near
from catalog.tpu import TpuMachine, tpus
from catalog.ultraserver import UltraServer, ultraservers

SCHEMA_VERSION = 1
Record = dict[str, Any]


def plain(value: Any) -> Any:
    """JSON-ready copy: money as decimal text, parts as numbers, dataclasses and mappings as objects."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def record(name: str, region: str | None = None) -> Record:
    """What is known of an EC2 instance type, an UltraServer or a TPU machine type; prices of one region if given.

    Raises UnknownInstance, whose message names near matches of all three kinds.
    """
    if name in instances:
        return _instance(instances[name], region)
    if name in ultraservers:
        return _ultraserver(ultraservers[name], region)
    if name in tpus:
        return _tpu(tpus[name], region)
    everything = {**instances, **ultraservers, **tpus}
    raise UnknownInstance(f"{name}: not an EC2 instance type, UltraServer or TPU machine type{near(name, everything)}")


def _head(kind: str, name: str) -> Record:
    return {"schema_version": SCHEMA_VERSION, "kind": kind, "name": name}


def _instance(instance: Instance, region: str | None) -> Record:
    facts = plain(instance)
    facts["sources"] = dict(instance.sources)
    plans = efa_plans.get(instance.name) or {}
    return _head("instance", instance.name) | {
        "facts": facts,
        "efa_plans": {name: {"efa": efa_count(plan), "interfaces": plain(plan)} for name, plan in plans.items()},
        "power": plain(power.node(instance.name)),
        "prices": _instance_prices(instance.name, region),
        "gaps": [
            {"what": gap.what, "reason": reason}
            for gap, reason in known_gaps().items()
            if gap.instance_type == instance.name
        ],
    }


def _instance_prices(name: str, region: str | None) -> list[Record]:
    found: list[Record] = []
    for place in prices.regions(name):
        advice = prices.spot_advisor(name, place)
        found += _lines(place, {"on-demand": prices.on_demand(name, place), "spot": prices.spot(name, place)})
        if advice:
            found.append({"location": place, "purchase": "spot advisor"} | plain(advice))
    return [line for line in found + _blocks(name) if region is None or line["location"].startswith(region)]


def _blocks(name: str) -> list[Record]:
    return [
        line
        for location in prices.capacity_block_locations(name)
        for line in _lines(location, {"capacity-block": prices.capacity_block(name, location)})
    ]


def _lines(location: str, found: Mapping[str, prices.Price | None]) -> list[Record]:
    return [{"location": location, "purchase": purchase} | plain(price) for purchase, price in found.items() if price]


def _ultraserver(server: UltraServer, region: str | None) -> Record:
    lines = [line for line in _blocks(server.name) if region is None or line["location"].startswith(region)]
    return _head("ultraserver", server.name) | {"facts": plain(server), "prices": lines}


def _tpu(machine: TpuMachine, region: str | None) -> Record:
    facts = plain(machine)
    facts["sources"] = dict(machine.sources)
    lines = [
        line
        for place in machine.regions
        if region is None or place == region
        for line in _lines(
            place,
            {
                "on-demand, per chip": prices.tpu(machine.generation, place),
                "spot, per chip": prices.tpu(machine.generation, place, term="spot"),
            },
        )
    ]
    return _head("tpu", machine.name) | {"facts": facts, "prices": lines}


def listing(
    accelerator: str | None = None,
    efa: bool | None = None,
    capacity_block: bool | None = None,
    region: str | None = None,
) -> list[Record]:
    """Accelerator types, or those that fit: by part of the accelerator's name, EFA, and how they are sold."""
    wanted = (accelerator or "").lower()
    return [
        _entry(instance, region)
        for instance in instances.values()
        if instance.accelerator is not None
        and wanted in instance.accelerator.name.lower()
        and efa in (None, instance.efa is not None)
        and capacity_block in (None, instance.capacity_block)
    ]


def _entry(instance: Instance, region: str | None) -> Record:
    accelerator = instance.accelerator
    price = prices.on_demand(instance.name, region) if region else None
    return {
        "name": instance.name,
        "accelerator": accelerator.name if accelerator else None,
        "accelerators": float(accelerator.count * accelerator.share) if accelerator else 0,
        "accelerator_memory_gib": accelerator.memory_gib if accelerator else None,
        "vcpus": instance.vcpus,
        "memory_gib": instance.memory_gib,
        "network_gbps": instance.network_gbps,
        "efa_interfaces": instance.efa.interfaces if instance.efa else 0,
        "local_nvme_gb": instance.local_nvme_gb,
        "capacity_block": instance.capacity_block,
        "on_demand_usd_per_hour": plain(price.usd) if price else None,
        "price_date": price.date if price else None,
    }
