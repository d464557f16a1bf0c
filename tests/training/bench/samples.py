"""Reports of ranks as they come in, and a whole result made of them."""

from __future__ import annotations

from typing import Any

from training.bench import result
from training.bench.settings import Settings, load

STARTED, FINISHED = "2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"


def settings(world: int = 2, **flags: str) -> Settings:
    return load(("allreduce", "gemm"), flags, {"WORLD_SIZE": str(world)})


def process(rank: int) -> dict[str, Any]:
    return {"hostname": f"job-{rank}", "pid": 1, "pid_namespace": f"pid:[{rank}]", "boot_id": "b", "node": None}


def report(rank: int, seconds: tuple[float, ...] = (0.001, 0.002, 0.004), wrong: int = 0) -> dict[str, Any]:
    """What a healthy rank says: one all-reduce of 1 MiB, one product of order 1000."""
    return {
        "kind": "report",
        "rank": rank,
        "process": process(rank) | {"worker_pid": 7, "address": f"100.64.0.{rank + 2}"},
        "machine": {"cpus": 2},
        "software": {"platform": "cpu", "local_devices": 1, "jax": "0"},
        "transport": {"name": f"gloo {rank}" if rank else None, "interface": None, "driver": None, "found_by": ""},
        "figures": {
            "allreduce": [
                {"bytes": 1 << 20, "dtype": "float32", "devices": 2, "seconds": list(seconds), "wrong_sums": wrong}
            ],
            "gemm": [{"n": 1000, "dtype": "float32", "seconds": [0.1, 0.2, 0.3], "relative_error": 0.0, "right": True}],
        },
        "error": None,
    }


def document(reports: dict[int, dict[str, Any]] | None = None, errors: list[str] | None = None) -> dict[str, Any]:
    """A result of two ranks."""
    reports = {0: report(0), 1: report(1, (0.003, 0.001, 0.002))} if reports is None else reports
    return result.build(settings(), reports, errors or [], STARTED, FINISHED)
