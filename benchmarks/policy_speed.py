"""How long the pack takes: `python benchmarks/policy_speed.py`. Start of the process, a stack, and 1,000 resources."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from record import machine, store

import plan
from plan import offline
from policies import check

PACK = Path(__file__).resolve().parent.parent / "policies"
RUNS = 5


def main() -> None:
    """Measure and store."""
    wanted = offline.run("prod-h200")
    thousand = plan.Plan("p", "s", tuple(_copies(wanted, 1000)), wanted.config)
    result = {
        "machine": machine(),
        "start_s": _median(_start),
        "prod_h200_s": _median(lambda: check.run(wanted)),
        "prod_h200_resources": len(wanted),
        "thousand_s": _median(lambda: check.run(thousand)),
    }
    lines = [
        "| what | median seconds | goal |",
        "|---|---|---|",
        f"| the pack's process, until it names its port | {result['start_s']} | 0.6 |",
        f"| prod-h200 ({len(wanted)} resources) after the plan, no engine | {result['prod_h200_s']} | 1.0 |",
        f"| 1,000 resources | {result['thousand_s']} | 3 |",
    ]
    store("policy_speed", "How long the policies take", result, lines)


def _copies(wanted: plan.Plan, count: int) -> list[plan.Resource]:
    """The custom resources of a plan again and again, under other URNs and names."""
    custom = [resource for resource in wanted if resource.custom]
    found = []
    for number in range(count):
        one = custom[number % len(custom)]
        turn = number // len(custom)
        found.append(
            plan.Resource(
                urn=f"{one.urn}-{turn}",
                type=one.type,
                name=f"{one.name}-{turn}",
                provider=one.provider,
                inputs=one.inputs,
                dependencies=tuple(f"{urn}-{turn}" for urn in one.dependencies),
                property_dependencies={
                    key: tuple(f"{urn}-{turn}" for urn in urns) for key, urns in one.property_dependencies.items()
                },
            )
        )
    return found


def _start() -> None:
    with subprocess.Popen([sys.executable, "-u", str(PACK)], cwd=PACK, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()


def _median(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return round(statistics.median(taken), 3)


if __name__ == "__main__":
    main()
