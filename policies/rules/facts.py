"""What the rules know of machines: `facts.json` beside the pack, generated from the catalog."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "facts.json"


@cache
def _facts() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


def machines() -> dict[str, dict[str, Any]]:
    """Facts of each accelerator or EFA instance type."""
    return _facts()["machines"]


def machine(instance_type: object) -> dict[str, Any] | None:
    """Facts of a type; None for one that has neither accelerator nor EFA, or that nobody knows."""
    return machines().get(instance_type) if isinstance(instance_type, str) else None


@cache
def _plain() -> frozenset[str]:
    return frozenset(_facts()["plain"].split())


def listed(instance_type: str) -> bool:
    """Whether a table holds an instance type, be it one without accelerator and EFA."""
    return instance_type in machines() or instance_type in _plain()


def gpus(machine_type: object) -> int:
    """GPUs that are built into a machine type of Google Cloud."""
    return _facts()["gke"]["accelerators"].get(machine_type, 0) if isinstance(machine_type, str) else 0


def gke_zones() -> int:
    """Zones of a region in which GKE places nodes unless told otherwise."""
    return _facts()["gke"]["zones"]


def gke_nodes() -> int:
    """Nodes in each zone of a pool that names no number."""
    return _facts()["gke"]["nodes"]


def tpu(machine_type: object) -> dict[str, Any] | None:
    """Facts of a TPU machine type; None for any other."""
    return _facts()["tpus"].get(machine_type) if isinstance(machine_type, str) else None


def kubernetes() -> dict[str, Any]:
    """`minimum`: the oldest version in standard support."""
    return _facts()["kubernetes"]
