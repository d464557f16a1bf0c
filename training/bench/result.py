"""The result: one versioned JSON object made of what the ranks reported. Pure.

Nothing in it is made up: a figure is there when it was measured on every rank it speaks of, else it is missing and
`errors` says why. Thresholds and the verdict are not in here (verdict.py).
"""

from __future__ import annotations

from typing import Any

from . import transport
from .figures import of as figures_of
from .reports import Message
from .settings import Settings

SCHEMA_VERSION = 2
KIND = "acceptance-benchmark"


def build(
    settings: Settings,
    reports: dict[int, Message],
    errors: list[str],
    started: str,
    finished: str,
    thresholds: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Put the reports of all ranks together; `started` and `finished` are RFC 3339."""
    whole = [reports[rank] for rank in sorted(reports) if reports[rank].get("figures") is not None]
    figures = {part: figures_of(part, whole, settings.world_size) for part in settings.parts}
    first = whole[0] if whole else {}
    skipped: dict[str, str] = {}
    for report in whole:
        skipped |= report.get("skipped") or {}
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "measured": any(figures.values()),
        "started": started,
        "finished": finished,
        "world_size": settings.world_size,
        "parts": list(settings.parts),
        "method": {"warmup": settings.warmup, "repetitions": settings.repetitions},
        "ranks": [_rank(reports[rank]) for rank in sorted(reports)],
        "environment": {"machine": first.get("machine"), "software": first.get("software")},
        "transport": _transport(whole),
        "allreduce": [],
        "gemm": [],
        **figures,
        "not_measured": {part: skipped[part] for part in settings.parts if part in skipped},
        "thresholds": thresholds,
        "checks": _checks(settings, reports, figures),
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
        "fabric_interfaces": _interfaces(report),
        "reported": report.get("figures") is not None,
        "error": report.get("error"),
    }


def _interfaces(report: Message) -> int | None:
    """Fabric interfaces that the library found, else those that the container may use; None when nobody looked."""
    told = (report.get("transport") or {}).get("interfaces")
    return told if told is not None else (report.get("machine") or {}).get("rdma_devices")


def _transport(whole: list[Message]) -> dict[str, Any]:
    """The first one that was found; on CPUs rank 0 cannot tell, its connection to itself is no network."""
    found = [report["transport"] for report in whole if report.get("transport")]
    return next((one for one in found if one["name"]), found[0] if found else transport.unknown("no rank reported"))


def _checks(
    settings: Settings, reports: dict[int, Message], figures: dict[str, list[dict[str, Any]]]
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
        rows = figures["allreduce"]
        wrong, sums = sum(one["wrong_sums"] for one in rows), sum(one["repetitions"] for one in rows)
        found.append(_check("every sum is right", bool(rows) and wrong == 0, f"{wrong} wrong, {sums} timed"))
    if "gemm" in settings.parts:
        rows = figures["gemm"]
        bad = sum(not one["right"] for one in rows)
        found.append(_check("every product is right", bool(rows) and bad == 0, f"{bad} of {len(rows)} wrong"))
    for part, figure in (("alltoall", "wrong"), ("checkpoint", "wrong")):
        wrong = sum(one[figure] for one in figures.get(part) or ())
        if figures.get(part):
            found.append(_check(f"{part} is right", wrong == 0, f"{wrong} wrong"))
    return found


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
