"""Generates `facts.json`: what the rules need to know of machines. `python -m policies.facts` writes it.

The pack imports nothing of the toolkit, so that it can be used alone; a test holds the file equal to the catalog.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from catalog import gcp_machines, instances, releases, tpus
from catalog.table import rows
from cost.rates.gcp_container import NODES, ZONES

PATH = Path(__file__).with_name("facts.json")


def generate() -> dict[str, Any]:
    """Facts of every accelerator instance type, and of Kubernetes. A figure nobody has is null."""
    machines, plain, unsure = {}, [], _without_efa_figure()
    for name in sorted(instances):
        instance = instances[name]
        if instance.accelerator is None and instance.efa is None:
            plain.append(name)
            continue
        accelerator = instance.accelerator
        machines[name] = {
            "accelerators": accelerator.count if accelerator else 0,
            "vendor": accelerator.vendor if accelerator else None,
            "resource": accelerator.resource_name if accelerator else None,
            "arch": instance.arch,
            "efa": None if name in unsure else instance.efa.interfaces if instance.efa else 0,
            "cards": instance.network_cards,
            "capacity_block": instance.capacity_block,
            "spot": instance.spot,
        }
    kubernetes = {"minimum": releases["eks"].minimum}
    return {
        "schema_version": 4,
        "machines": machines,
        "plain": " ".join(plain),
        "kubernetes": kubernetes,
        "tpus": _tpus(),
        "gke": {"zones": ZONES, "nodes": int(NODES), "accelerators": _google()},
    }


def _without_efa_figure() -> set[str]:
    """Types of which no source says how many EFA interfaces they take."""
    table = rows("aws_accelerator_instances")
    return {row.text("instance_type") for row in table if row.maybe_integer("max_efa_interfaces") is None}


def _google() -> dict[str, int]:
    """GPUs of each machine type of Google Cloud that has some built in."""
    found = {name: gcp_machines[name].accelerator for name in sorted(gcp_machines)}
    return {name: gpus.count for name, gpus in found.items() if gpus is not None and name not in tpus}


def _tpus() -> dict[str, Any]:
    """Facts of every TPU machine type: chips of a machine, machines of each topology."""
    return {
        name: {
            "chips": tpus[name].chips,
            "generation": tpus[name].generation,
            "single": dict(tpus[name].single_host),
            "multi": dict(tpus[name].multi_host),
            "dimensions": tpus[name].topology_dimensions,
            "most": tpus[name].max_chips_per_slice,
        }
        for name in sorted(tpus)
    }


def text() -> str:
    """The file's content."""
    return json.dumps(generate(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    temporary = PATH.with_suffix(".new")
    temporary.write_text(text(), encoding="utf-8")
    os.replace(temporary, PATH)
