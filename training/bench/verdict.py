"""What a result means: pass, warn, fail, or not measured. Pure, standard library only.

For whoever reads results, also where there is neither JAX nor torch. Holds the checks that need no threshold (all ranks
there, sums and products right); those of the hardware come with thresholds (`gates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .gates import Check, Outcome, held

SCHEMA_VERSION = 2
"""The newest result this module understands. Version 1 knew all-reduce and matrix products only."""

__all__ = ["Check", "Outcome", "Verdict", "judge", "not_measured", "scheduled"]


@dataclass(frozen=True)
class Verdict:
    """The answer."""

    outcome: Outcome
    reasons: tuple[str, ...]
    """One line each; empty for a pass."""
    checks: tuple[Check, ...] = ()

    @property
    def failed(self) -> bool:
        return self.outcome is Outcome.FAIL


def not_measured(reason: str) -> Verdict:
    """Nothing could be measured here, for instance without root: no failure, and no pass either."""
    return Verdict(Outcome.NOT_MEASURED, (reason,))


def scheduled(pods: int, nodes: int) -> Verdict:
    """The job ran on simulated nodes only."""
    return Verdict(Outcome.SCHEDULED, (f"{pods} pods were placed on {nodes} simulated nodes",))


def judge(result: Mapping[str, Any] | None, thresholds: Mapping[str, Any] | None = None) -> Verdict:
    """The verdict on one result; None: the job ended without one. `thresholds`: others than those in the result."""
    if result is None:
        return Verdict(Outcome.FAIL, ("the job ended without a result",))
    version = result.get("schema_version")
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        return Verdict(
            Outcome.FAIL, (f"result of schema version {version}: this toolkit reads up to {SCHEMA_VERSION}",)
        )
    errors = tuple(str(error) for error in result.get("errors") or ())
    checks = (_ranks(result), _processes(result), *_parts(result), *held(result, thresholds))
    if failed := _sentences(checks, Outcome.FAIL):
        return Verdict(Outcome.FAIL, errors + failed, checks)
    if errors:
        return Verdict(Outcome.FAIL, errors, checks)
    if not result.get("measured"):
        return Verdict(Outcome.FAIL, ("the result holds no measurement",), checks)
    unknown = tuple(check for check in checks if check.required and check.outcome is Outcome.NOT_MEASURED)
    if unknown:  # a threshold that nothing was held against: whether it holds, nobody knows
        return Verdict(Outcome.NOT_MEASURED, _sentences(unknown, Outcome.NOT_MEASURED), checks)
    if warned := _sentences(checks, Outcome.WARN):
        return Verdict(Outcome.WARN, warned, checks)
    return Verdict(Outcome.PASS, (), checks)


def _sentences(checks: Iterable[Check], outcome: Outcome) -> tuple[str, ...]:
    return tuple(f"{check.name}: {check.reason}" for check in checks if check.outcome is outcome)


def _ranks(result: Mapping[str, Any]) -> Check:
    world = result.get("world_size") or 0
    reported = sum(bool(rank.get("reported")) for rank in result.get("ranks") or ())
    ok = world > 0 and reported == world
    return _check("all ranks reported", ok, f"{reported}", f"{world}", f"{reported} of {world} ranks reported")


def _processes(result: Mapping[str, Any]) -> Check:
    """Ranks count only when they are processes of their own."""
    ranks = result.get("ranks") or ()
    keys = ("boot_id", "hostname", "pid_namespace", "pid")
    found = len({tuple(rank.get(key) for key in keys) for rank in ranks})
    reason = f"{len(ranks)} ranks are {found} processes"
    return _check("ranks are processes of their own", found == len(ranks), f"{found}", f"{len(ranks)}", reason)


def _parts(result: Mapping[str, Any]) -> list[Check]:
    """One check per part that was asked for."""
    found = []
    for part in result.get("parts") or ():
        if why := (result.get("not_measured") or {}).get(part):
            found.append(Check(part, Outcome.NOT_MEASURED, "", "", why))
        elif part == "allreduce":
            found += [_sums(result), _bandwidth(result)]
        elif part == "gemm":
            found.append(_products(result))
        else:
            found.append(_measured(part, result))
    return found


def _measured(part: str, result: Mapping[str, Any]) -> Check:
    """There is a figure, and where something was sent or stored, it arrived."""
    rows = result.get(part) or ()
    wrong = sum(row.get("wrong", 0) for row in rows)
    reason = f"{wrong} are wrong" if rows else "it was not measured, and nothing says why"
    return _check(
        part, bool(rows) and wrong == 0, f"{len(rows)} figures" if rows else "", "measured, none wrong", reason
    )


def _sums(result: Mapping[str, Any]) -> Check:
    rows = result.get("allreduce") or ()
    wrong = sum(row["wrong_sums"] for row in rows)
    reason = f"{wrong} sums are wrong" if rows else "no all-reduce was measured"
    return _check("every sum is right", bool(rows) and wrong == 0, f"{wrong} wrong" if rows else "", "0 wrong", reason)


def _bandwidth(result: Mapping[str, Any]) -> Check:
    """Above zero for every size. One device alone sends nothing and is not asked."""
    rows = result.get("allreduce") or ()
    if rows and all(row["devices"] == 1 for row in rows):
        return Check("bus bandwidth", Outcome.NOT_MEASURED, "", "above 0 GB/s", "one device only, nothing was sent")
    least = min((row["busbw_gb_per_s"] for row in rows), default=None)
    best = max((row["busbw_gb_per_s"] for row in rows), default=None)
    measured = "" if best is None else f"{best:.3g} GB/s at best"
    ok = least is not None and least > 0
    reason = "no all-reduce was measured" if least is None else f"{least:.3g} GB/s at a message size"
    return _check("bus bandwidth", ok, measured, "above 0 GB/s", reason, headline=True)


def _products(result: Mapping[str, Any]) -> Check:
    rows = result.get("gemm") or ()
    wrong = sum(not row["right"] or not row["tflop_per_s"] > 0 for row in rows)
    best = max((row["tflop_per_s"] for row in rows), default=None)
    measured = "" if best is None else f"{best:.3g} TFLOP/s at best"
    reason = f"{wrong} of {len(rows)} are wrong" if rows else "no matrix product was measured"
    right = bool(rows) and wrong == 0
    return _check("every product is right", right, measured, "right, above 0 TFLOP/s", reason, headline=True)


def _check(name: str, ok: bool, measured: str, expected: str, reason: str, *, headline: bool = False) -> Check:
    outcome = Outcome.PASS if ok else Outcome.FAIL
    return Check(name, outcome, measured, expected, "" if ok else reason, headline=headline and bool(measured))
