"""The last screen of `make up` and of `make status`: verdicts, outputs, what to type next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from operations import history
from operations.benchmark import Verdict
from operations.stack import Stack
from terminal import out

STYLES = {"PASS": "bold green", "FAIL": "bold red"}
BAD = {"FAIL", "WARN"}
WHEREABOUTS = {"benchmarks", "training"}
"""Outputs that say where results lie; their verdicts are shown instead."""


def after_up(stack: Stack, outputs: Mapping[str, Any], verdicts: Sequence[Verdict]) -> None:
    """Print verdicts, the stack's outputs and the next commands."""
    console = out()
    for verdict in verdicts:
        show_verdict(verdict)
    console.print(f"stack {stack.name}", style="bold")
    for key in sorted(set(outputs) - WHEREABOUTS):
        console.print(f"  {key:<11} {_short(outputs[key])}", markup=False, soft_wrap=True)
    console.print()
    for command, what in next_commands(stack):
        console.print(f"  {command:<44} {what}", markup=False)


def show_verdict(verdict: Verdict) -> None:
    """One line for the verdict, then the figures it rests on."""
    console = out()
    console.print(f"{verdict.subject}: ", end="", markup=False)
    console.print(verdict.word, style=STYLES.get(verdict.word, "bold yellow"), end="")
    console.print(f" ({verdict.summary})" if verdict.summary else "", markup=False)
    _show_gates(verdict)
    if verdict.result and "ranks" in verdict.result:
        _show_figures(verdict.result)


def _show_gates(verdict: Verdict) -> None:
    """What was expected of the hardware and what it delivered; for what is too little, where to look first."""
    if not verdict.gates:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("check", "verdict", "measured", "expected", "ratio"):
        table.add_column(column, justify="right" if column == "ratio" else "left")
    for check in verdict.gates:
        ratio = "" if check.ratio is None else f"{check.ratio:.0%}"
        table.add_row(check.name, check.outcome.value, check.measured or "-", check.expected, ratio)
    out().print(table)
    for check in verdict.gates:
        if check.outcome.value in BAD and check.likely:
            out().print(f"  {check.name}: look first at {'; '.join(check.likely)}", markup=False, soft_wrap=True)


def _show_figures(result: Mapping[str, Any]) -> None:
    """Bus bandwidth by message size, matrix products by size, and what was measured on what."""
    console = out()
    where = (result.get("transport") or {}).get("name") or "an unknown transport"
    ranks = {(rank.get("hostname"), rank.get("pid")) for rank in result.get("ranks") or ()}
    console.print(f"  measured by {len(ranks)} processes over {where}", markup=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("all-reduce", "median", "bus bandwidth"):
        table.add_column(column, justify="right")
    for row in result.get("allreduce") or ():
        table.add_row(
            _size(row["bytes"]), f"{row['seconds']['median'] * 1e3:.2f} ms", f"{row['busbw_gb_per_s']:.3f} GB/s"
        )
    console.print(table)
    for line in _further(result):
        console.print(f"  {line}", markup=False)
    best: dict[tuple[int, str], float] = {}
    for row in result.get("gemm") or ():
        key = (row["n"], row["dtype"])
        best[key] = max(best.get(key, 0.0), row["tflop_per_s"])
    for (n, dtype), speed in sorted(best.items()):
        console.print(f"  matrix product {n} x {n} {dtype}: {speed:.3f} TFLOP/s a rank", markup=False)


def _further(result: Mapping[str, Any]) -> Iterator[str]:
    """One line for each of the other measurements that were made, and one for those that were not."""
    for row in result.get("memory") or ():
        if row["operation"] == "triad":
            yield f"memory, rank {row['rank']}: {row['gb_per_s']:.1f} GB/s"
    for row in result.get("storage") or ():
        how = "past the cache" if row["direct"] else "through the cache"
        yield f"file system {row['operation']}: {row['gb_per_s']:.3f} GB/s by {row['tool']}, {how}"
    for row in result.get("metadata") or ():
        yield f"files: {row['create_per_s']:,.0f} made, {row['stat_per_s']:,.0f} looked at, per second"
    for row in result.get("checkpoint") or ():
        yield f"checkpoint: saved at {row['save_gb_per_s']:.3f} GB/s, loaded at {row['load_gb_per_s']:.3f} GB/s"
    for row in result.get("train") or ():
        speed = row.get("tokens_per_second") or row.get("samples_per_second")
        what = "tokens" if row.get("tokens_per_second") else "samples"
        mfu = "" if row.get("mfu") is None else f", MFU {row['mfu']:.1%} ({row['flops_accounting']} attention)"
        yield f"training step of {row['preset']}: {speed or 0:,.0f} {what} per second{mfu}"
    reasons: dict[str, list[str]] = {}
    for part, why in (result.get("not_measured") or {}).items():
        reasons.setdefault(why, []).append(part)
    for why, parts in reasons.items():
        yield f"{', '.join(parts)}: not measured ({why})"


def _size(count: int) -> str:
    """A number of bytes in the largest binary unit that divides it."""
    for unit in ("B", "KiB", "MiB"):
        if count % 1024 or count < 1024:
            return f"{count} {unit}"
        count //= 1024
    return f"{count} GiB"


def next_commands(stack: Stack) -> list[tuple[str, str]]:
    """What a user would want to type now."""
    suffix = "" if stack.name == "local" else f" STACK={stack.name}"
    commands = [(f"make status{suffix}", "what runs where"), (f"make cost{suffix}", "the estimate, line by line")]
    if stack.is_local:
        commands.append(
            ('eval "$(.venv/bin/python -m sandbox env)"', "then pulumi, kubectl and aws speak to the local cloud")
        )
    return [*commands, (f"make down{suffix}", "destroy it and prove that nothing is left")]


def past(stack: Stack) -> None:
    """The stack's history of verdicts, newest last."""
    table = Table(box=None, pad_edge=False)
    for column in ("when", "commit", "subject", "verdict", "summary"):
        table.add_column(column, no_wrap=column != "summary")
    for entry in history.entries(stack):
        when = dt.datetime.fromisoformat(entry["at"]).strftime("%Y-%m-%d %H:%M")
        table.add_row(when, entry.get("commit") or "-", entry["subject"], entry["verdict"], entry.get("summary") or "")
    out().print(table)


def _short(value: Any) -> str:
    """An output on one line; a kubeconfig is left to `pulumi stack output`."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_short(item)}" for name, item in value.items() if name != "kubeconfig")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
