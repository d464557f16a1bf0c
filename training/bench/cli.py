"""The command: settings, one rank's part, and on rank 0 the result on stdout and in the config map.

Exit codes: 0 measured and every check holds, 1 failure, 2 wrong usage.
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
from typing import Any

from . import configmap, rank, result, settings, worker
from .reports import Board
from .settings import Settings, UsageError

BEGIN, END = "----- BENCHMARK RESULT BEGIN -----", "----- BENCHMARK RESULT END -----"
FLAGS = ("sizes", "orders", "dtypes", "warmup", "repetitions", "start-seconds", "limit-seconds")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Acceptance benchmark over the ranks of a job.")
    parser.add_argument("parts", nargs="*", metavar="|".join(settings.PARTS), help="what to measure; all by default")
    for flag in FLAGS:
        parser.add_argument(f"--{flag}", help=f"as BENCH_{flag.upper().replace('-', '_')}")
    given = vars(parser.parse_args(arguments))
    try:
        chosen = settings.load(tuple(given["parts"]), {flag: given[flag.replace("-", "_")] for flag in FLAGS})
    except UsageError as error:
        _complain(error.problems)
        return 2
    if os.environ.get(rank.WORKER_VARIABLE):
        worker.main(chosen)
        return 0
    return asyncio.run(_lead(chosen) if chosen.rank == 0 else _follow(chosen))


async def _follow(chosen: Settings) -> int:
    """A rank other than 0."""
    try:
        problem = await rank.take_part(chosen, chosen.master, _ended())
    except TimeoutError as late:
        problem = str(late)
    _complain([f"rank {chosen.rank}: {problem}"] if problem else [])
    return 1 if problem else 0


async def _lead(chosen: Settings) -> int:
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
    found = result.build(chosen, board.reports, board.errors, started, _now())
    return _publish(chosen, found)


def _publish(chosen: Settings, found: dict[str, Any]) -> int:
    sys.stdout.write(f"{BEGIN}\n{json.dumps(found, sort_keys=True)}\n{END}\n")
    sys.stdout.flush()
    problems = [*found["errors"], *(f"{one['name']}: {one['detail']}" for one in found["checks"] if not one["ok"])]
    if chosen.config_map:
        try:
            configmap.write(chosen.config_map, found)
        except configmap.WriteError as problem:
            problems.append(str(problem))
    _complain(problems)
    return 1 if problems else 0


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
