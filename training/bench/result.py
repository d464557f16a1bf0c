"""The result: one versioned JSON object made of what the ranks reported. Pure.

Nothing in it is made up: a figure is there when it was measured on every rank it speaks of, else it is missing and
`errors` says why. Thresholds and the verdict are not in here (verdict.py).
"""

from __future__ import annotations

from typing import Any

from . import transport
from .arithmetic import algorithm_bandwidth, bus_bandwidth, matmul_tflops, slowest, summary
from .reports import Message
from .settings import Settings

SCHEMA_VERSION = 1
KIND = "acceptance-benchmark"


def build(
    settings: Settings, reports: dict[int, Message], errors: list[str], started: str, finished: str
) -> dict[str, Any]:
    """Put the reports of all ranks together; `started` and `finished` are RFC 3339."""
    whole = [reports[rank] for rank in sorted(reports) if reports[rank].get("figures") is not None]
    allreduce = [_allreduce(group) for group in _groups(whole, "allreduce", settings.world_size)]
    gemm = [_gemm(report["rank"], one) for report in whole for one in report["figures"]["gemm"]]
    first = whole[0] if whole else {}
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "measured": bool(allreduce or gemm),
        "started": started,
        "finished": finished,
        "world_size": settings.world_size,
        "parts": list(settings.parts),
        "method": {"warmup": settings.warmup, "repetitions": settings.repetitions},
        "ranks": [_rank(reports[rank]) for rank in sorted(reports)],
        "environment": {"machine": first.get("machine"), "software": first.get("software")},
        "transport": _transport(whole),
        "allreduce": allreduce,
        "gemm": gemm,
        "checks": _checks(settings, reports, allreduce, gemm),
        "errors": list(errors),
    }


def succeeded(result: dict[str, Any]) -> bool:
    return not result["errors"] and all(check["ok"] for check in result["checks"])


def _rank(report: Message) -> dict[str, Any]:
    software = report.get("software") or {}
    return {
        "rank": report["rank"],
        **report["process"],
        "platform": software.get("platform"),
        "local_devices": software.get("local_devices"),
        "transport": report.get("transport"),
        "reported": report.get("figures") is not None,
        "error": report.get("error"),
    }


def _transport(whole: list[Message]) -> dict[str, Any]:
    """The first one that was found; on CPUs rank 0 cannot tell, its connection to itself is no network."""
    found = [report["transport"] for report in whole if report.get("transport")]
    return next((one for one in found if one["name"]), found[0] if found else transport.unknown("no rank reported"))


def _groups(whole: list[Message], part: str, world_size: int) -> list[list[Message]]:
    """Findings that belong together: the n-th of every rank. Nothing when a rank is missing."""
    if len(whole) < world_size:
        return []
    return [list(group) for group in zip(*(report["figures"][part] for report in whole), strict=False)]


def _allreduce(group: list[Message]) -> dict[str, Any]:
    size, devices = group[0]["bytes"], group[0]["devices"]
    seconds = summary(slowest([one["seconds"] for one in group]))
    return {
        "bytes": size,
        "dtype": group[0]["dtype"],
        "devices": devices,
        "repetitions": len(group[0]["seconds"]),
        "seconds": seconds,
        "algbw_gb_per_s": algorithm_bandwidth(size, seconds["median"]),
        "busbw_gb_per_s": bus_bandwidth(size, seconds["median"], devices),
        "wrong_sums": sum(one["wrong_sums"] for one in group),
    }


def _gemm(rank: int, one: Message) -> dict[str, Any]:
    seconds = summary(one["seconds"])
    return {
        "rank": rank,
        "n": one["n"],
        "dtype": one["dtype"],
        "repetitions": len(one["seconds"]),
        "seconds": seconds,
        "tflop_per_s": matmul_tflops(one["n"], seconds["median"]),
        "relative_error": one["relative_error"],
        "right": one["right"],
    }


def _checks(
    settings: Settings, reports: dict[int, Message], allreduce: list[dict[str, Any]], gemm: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What must hold for the figures to mean something."""
    reported = [rank for rank in sorted(reports) if reports[rank].get("figures") is not None]
    identities = {
        tuple(reports[rank]["process"].get(key) for key in ("boot_id", "hostname", "pid_namespace", "pid"))
        for rank in reported
    }
    found = [
        _check("all ranks reported", len(reported) == settings.world_size, f"{len(reported)} of {settings.world_size}"),
        _check("ranks are distinct processes", len(identities) == len(reported), f"{len(identities)} processes"),
    ]
    if "allreduce" in settings.parts:
        wrong = sum(one["wrong_sums"] for one in allreduce)
        sums = sum(one["repetitions"] for one in allreduce)
        found.append(_check("every sum is right", bool(allreduce) and wrong == 0, f"{wrong} wrong, {sums} timed"))
    if "gemm" in settings.parts:
        bad = sum(not one["right"] for one in gemm)
        found.append(_check("every product is right", bool(gemm) and bad == 0, f"{bad} of {len(gemm)} wrong"))
    return found


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
