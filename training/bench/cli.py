"""The command: settings, one rank's part, and on rank 0 the result on stdout and in the config map.

Exit codes: 0 measured and every check holds, 1 failure, 2 wrong usage, 3 below a threshold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from training import configmap

from . import rank, result, settings, verdict, worker
from .reports import Board
from .settings import Settings, UsageError

BEGIN, END = "----- BENCHMARK RESULT BEGIN -----", "----- BENCHMARK RESULT END -----"
FLAGS = (
    "sizes", "orders", "dtypes", "warmup", "repetitions", "start-seconds", "limit-seconds", "backend", "storage",
    "largest", "memory-bytes", "file-bytes", "preset", "steps", "peak-tflops", "thresholds", "output",
)  # fmt: skip
FAILED, BELOW = 1, 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Acceptance benchmark over the ranks of a job.")
    parser.add_argument(
        "parts", nargs="*", metavar="|".join((*settings.PARTS, settings.ALL)), help="what to measure; all by default"
    )
    parser.add_argument("--cpu", action="store_true", help="leave accelerators alone")
    for flag in FLAGS:
        parser.add_argument(f"--{flag}", help=f"as BENCH_{flag.upper().replace('-', '_')}")
    given = vars(parser.parse_args(arguments))
    try:
        flags = {flag: given[flag.replace("-", "_")] for flag in FLAGS}
        chosen = settings.load(tuple(given["parts"]), flags | {"cpu": "1" if given["cpu"] else None})
        thresholds = _thresholds(chosen.thresholds)
    except UsageError as error:
        _complain(error.problems)
        return 2
    if os.environ.get(rank.WORKER_VARIABLE):
        worker.main(chosen)
        return 0
    return asyncio.run(_lead(chosen, thresholds) if chosen.rank == 0 else _follow(chosen))


async def _follow(chosen: Settings) -> int:
    """A rank other than 0."""
    try:
        problem = await rank.take_part(chosen, chosen.master, _ended())
    except TimeoutError as late:
        problem = str(late)
    _complain([f"rank {chosen.rank}: {problem}"] if problem else [])
    return 1 if problem else 0


async def _lead(chosen: Settings, thresholds: dict[str, Any] | None) -> int:
    """Rank 0: takes part like every other, and collects."""
    started = _now()
    board = Board(chosen.world_size)
    try:
        server = await board.open(chosen.report_port)
    except OSError as problem:
        _complain([f"rank 0: port {chosen.report_port}, one above MASTER_PORT: {problem.strerror}"])
        return 1
    own = asyncio.create_task(rank.take_part(chosen, "127.0.0.1", _ended()))
    await board.preside(chosen.start_seconds, chosen.limit_seconds)
    await board.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(own, 5)
    server.close()
    found = result.build(chosen, board.reports, board.errors, started, _now(), thresholds)
    return _publish(chosen, found)


def _publish(chosen: Settings, found: dict[str, Any]) -> int:
    sys.stdout.write(f"{BEGIN}\n{json.dumps(found, sort_keys=True)}\n{END}\n")
    sys.stdout.flush()
    problems = [*found["errors"], *(f"{one['name']}: {one['detail']}" for one in found["checks"] if not one["ok"])]
    judged = verdict.judge(found)
    below = [reason for reason in judged.reasons if judged.failed] if not problems else []
    problems += _kept(chosen, found)
    _complain([*problems, *below])
    if judged.outcome is not verdict.Outcome.PASS and not judged.failed:
        sys.stderr.writelines(f"{judged.outcome.value}: {reason}\n" for reason in judged.reasons)
    return FAILED if problems else BELOW if below else 0


def _kept(chosen: Settings, found: dict[str, Any]) -> list[str]:
    """Write the result where it is wanted. Returns what went wrong."""
    problems = []
    if chosen.config_map:
        try:
            configmap.write(chosen.config_map, found)
        except configmap.WriteError as problem:
            problems.append(str(problem))
    if chosen.output:
        target = Path(chosen.output) / "result.json"
        temporary = target.with_suffix(".new")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            temporary.replace(target)
        except OSError as problem:
            problems.append(f"{target}: {problem.strerror}")
    return problems


def _thresholds(path: str | None) -> dict[str, Any] | None:
    """Raises UsageError for a file that is no thresholds."""
    if path is None:
        return None
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError([f"--thresholds {path}: cannot be read ({problem})"]) from None
    if not isinstance(document, dict) or not isinstance(document.get("checks"), list):
        raise UsageError([f"--thresholds {path}: it has no list of checks"])
    return document


def _ended() -> asyncio.Event:
    """Set when this process is asked to end."""
    event = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


def _complain(problems: list[str]) -> None:
    for problem in problems:
        sys.stderr.write(f"error: {problem}\n")


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
