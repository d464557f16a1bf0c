"""How long a user waits for the price of a stack: fresh processes of `python -m cost`, without a warm cache of ours.

Run: `python benchmarks/preview_time.py [--stack prod-h200] [--runs 5]`. Wall time tells what a user sees and grows with
whatever else runs; processor time is what the command itself needs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from record import FOLDER, machine, store

TARGET_S = 4.0
"""Seconds of wall time on two free cores that the preview may take."""


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="prod-h200")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    where = machine()
    command = [sys.executable, "-m", "cost", "--stack", given.stack, "--format", "json"]
    runs = [once(command) for _ in range(given.runs)]
    best, middle = min(wall for wall, _ in runs), statistics.median(wall for wall, _ in runs)
    busy = statistics.median(cpu for _, cpu in runs)
    result = {
        "schema_version": 1,
        "benchmark": "preview_time",
        "stack": given.stack,
        "runs": given.runs,
        "wall_s": {"best": round(best, 2), "median": round(middle, 2)},
        "processor_s": {"median": round(busy, 2)},
        "target_wall_s": TARGET_S,
        "machine": where,
    }
    lines = [
        f"`python -m cost --stack {given.stack}` in a fresh process, {given.runs} runs: plan, catalog, estimate.",
        "",
        "| | seconds |",
        "| --- | --- |",
        f"| wall, best | {best:.2f} |",
        f"| wall, median | {middle:.2f} |",
        f"| processor, median | {busy:.2f} |",
        f"| target, wall on two free cores | {TARGET_S:.2f} |",
    ]
    store("preview_time", "Time to a price", result, lines)


def once(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, cwd=FOLDER.parent, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


if __name__ == "__main__":
    main()
