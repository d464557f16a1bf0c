"""Holds the figures of a result against thresholds: one check each. Pure, standard library only.

The thresholds are data (made by whoever deploys the benchmark): name, what is measured, expected value, parts of it
below which the check fails or warns. What was not measured is neither a pass nor a failure here; `verdict` decides what
it means for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Result = Mapping[str, Any]
RDMA_WORDS = ("efa", "ofi", "libfabric", "ib", "rdma", "gib", "fastrak")
"""How names of transports begin that pass the kernel by (FasTrak: GPUDirect-TCPXO)."""
TCP_WORDS = ("socket", "tcp")


class Outcome(StrEnum):
    """Of a check and of the whole."""

    PASS = "PASS"  # noqa: S105 - not a password
    WARN = "WARN"
    FAIL = "FAIL"
    NOT_MEASURED = "not measured"
    SCHEDULED = "scheduled, not measured"
    """The job's pods were placed on simulated nodes: that they fit is shown, how fast they are is not."""


@dataclass(frozen=True)
class Check:
    """One question to a result."""

    name: str
    outcome: Outcome
    measured: str
    """What the result says, with its unit; empty when it says nothing."""
    expected: str
    reason: str = ""
    """Why it is no pass."""
    ratio: float | None = None
    """Measured over expected; None where one of them is no number or unknown."""
    likely: tuple[str, ...] = ()
    """What the cause may be, most likely first; for a check that fails or warns."""
    required: bool = False
    """Whether the whole cannot pass without this having been measured."""
    headline: bool = False
    """Whether the figure stands for the whole where there is room for one line."""


def held(result: Result, thresholds: Mapping[str, Any] | None = None) -> list[Check]:
    """One check per threshold; those of the result itself unless others are given."""
    known = thresholds if thresholds is not None else result.get("thresholds") or {}
    return [_hold(result, one) for one in known.get("checks") or ()]


def _hold(result: Result, threshold: Mapping[str, Any]) -> Check:
    name, expected, unit = threshold["name"], threshold.get("expected"), threshold.get("unit") or ""
    if expected is None:
        return Check(name, Outcome.NOT_MEASURED, "", "unknown", f"nothing to hold it against: {threshold['basis']}")
    if threshold["of"] == "transport":
        return _transport(result, threshold)
    measured = MEASURES[threshold["of"]](result, threshold)
    wanted = f"at least {_text(expected * threshold['fail_below'], unit)} of {_text(expected, unit)}"
    if threshold["fail_below"] >= 1:
        wanted = _text(expected, unit)
    if measured is None:
        why = _why_not(result, threshold)
        return Check(name, Outcome.NOT_MEASURED, "", wanted, why, required=True)
    ratio = measured / expected
    outcome = Outcome.PASS
    if ratio < threshold["fail_below"]:
        outcome = Outcome.FAIL
    elif ratio < threshold["warn_below"]:
        outcome = Outcome.WARN
    if outcome is Outcome.PASS:
        return Check(name, outcome, _text(measured, unit), wanted, ratio=ratio, required=True)
    reason = f"{_text(measured, unit)} is {ratio:.0%} of the expected {_text(expected, unit)} ({threshold['basis']})"
    likely = tuple(threshold.get("likely") or ())
    return Check(name, outcome, _text(measured, unit), wanted, reason, ratio, likely, required=True)


def _text(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".rstrip()


def _why_not(result: Result, threshold: Mapping[str, Any]) -> str:
    """Why there is no figure, in the words of the run where it gave any."""
    part = threshold["of"].partition("-")[0]
    told = (result.get("not_measured") or {}).get(part)
    if told:
        return str(told)
    size = threshold.get("at_least_bytes")
    return f"no message of {size} bytes or more was measured" if size else "the result says nothing of it"


def _transport(result: Result, threshold: Mapping[str, Any]) -> Check:
    """Named and of the kind that is expected; TCP is a fall-back and fails."""
    name, expected = threshold["name"], str(threshold["expected"])
    found = (result.get("transport") or {}).get("name")
    if not found:
        why = (result.get("transport") or {}).get("found_by") or "the result names no transport"
        return Check(name, Outcome.NOT_MEASURED, "", expected, str(why), required=True)
    words = str(found).lower().replace(",", " ").replace("(", " ").replace(")", " ").replace("/", " ").split()
    tcp = any(word in TCP_WORDS for word in words)
    if not tcp and any(word.startswith(RDMA_WORDS) for word in words):
        return Check(name, Outcome.PASS, str(found), expected, required=True)
    reason = f"it went by {found}, expected {expected} ({threshold['basis']})"
    return Check(name, Outcome.FAIL, str(found), expected, reason, None, tuple(threshold.get("likely") or ()), True)


def _devices(result: Result, _: Mapping[str, Any]) -> float | None:
    """Accelerators that took part, over all ranks."""
    counts = [rank.get("local_devices") for rank in result.get("ranks") or ()]
    platforms = {rank.get("platform") for rank in result.get("ranks") or ()}
    if not counts or any(count is None for count in counts):
        return None
    return 0 if platforms <= {"cpu"} else sum(counts)


def _interfaces(result: Result, _: Mapping[str, Any]) -> float | None:
    """Fabric interfaces of the rank that has the fewest."""
    counts = [rank.get("fabric_interfaces") for rank in result.get("ranks") or ()]
    return None if not counts or any(count is None for count in counts) else min(counts)


def _allreduce(result: Result, threshold: Mapping[str, Any]) -> float | None:
    """Best bus bandwidth over messages that are large enough to fill the network."""
    least = threshold.get("at_least_bytes") or 0
    return _best(row["busbw_gb_per_s"] for row in result.get("allreduce") or () if row["bytes"] >= least)


def _alltoall(result: Result, threshold: Mapping[str, Any]) -> float | None:
    least = threshold.get("at_least_bytes") or 0
    return _best(row["busbw_gb_per_s"] for row in result.get("alltoall") or () if row["bytes"] >= least)


def _gemm(result: Result, threshold: Mapping[str, Any]) -> float | None:
    """The slowest device at its best order."""
    rows = [row for row in result.get("gemm") or () if row["dtype"] == threshold.get("dtype", row["dtype"])]
    return _slowest(rows, "tflop_per_s")


def _memory(result: Result, _: Mapping[str, Any]) -> float | None:
    rows = [row for row in result.get("memory") or () if row["operation"] == "copy"]
    return _slowest(rows, "gb_per_s")


def _storage(result: Result, threshold: Mapping[str, Any]) -> float | None:
    """All ranks together."""
    operation = threshold["of"].partition("-")[2]
    return _best(row["gb_per_s"] for row in result.get("storage") or () if row["operation"] == operation)


def _slowest(rows: Sequence[Mapping[str, Any]], figure: str) -> float | None:
    best: dict[tuple[Any, Any], float] = {}
    for row in rows:
        device = (row.get("rank"), row.get("device"))
        best[device] = max(best.get(device, 0.0), row[figure])
    return min(best.values(), default=None)


def _best(figures: Iterator[float]) -> float | None:
    return max(figures, default=None)


MEASURES: Mapping[str, Callable[[Result, Mapping[str, Any]], float | None]] = {
    "devices": _devices,
    "interfaces": _interfaces,
    "allreduce": _allreduce,
    "alltoall": _alltoall,
    "gemm": _gemm,
    "memory": _memory,
    "storage-write": _storage,
    "storage-read": _storage,
}
