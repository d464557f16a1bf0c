"""The worker of a rank: runs JAX and writes one JSON line per finding to its standard output.

A process of its own, because a collective may hang and JAX ends the process when another rank dies.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import json
import os
import sys
from typing import Any, TextIO

from . import settings as options
from .settings import Settings


def run(settings: Settings, out: TextIO) -> None:
    """Measure everything asked for. Whatever goes wrong is raised."""
    import jax

    if settings.world_size > 1:
        jax.distributed.initialize(
            coordinator_address=f"{settings.master}:{settings.port}",
            num_processes=settings.world_size,
            process_id=settings.rank,
            initialization_timeout=int(settings.start_seconds),
            coordinator_bind_address=f"0.0.0.0:{settings.port}",
        )
    from . import allreduce, environment, gemm

    on_cpu = jax.default_backend() == "cpu"
    _tell(out, "software", environment.software())
    if "allreduce" in settings.parts:
        for size in settings.sizes or (options.CPU_SIZES if on_cpu else options.ACCELERATOR_SIZES):
            _tell(out, "allreduce", allreduce.measure(size, settings.warmup, settings.repetitions))
    if "gemm" in settings.parts:
        for order in settings.orders or (options.CPU_ORDERS if on_cpu else options.ACCELERATOR_ORDERS):
            for dtype in settings.dtypes:
                _tell(out, "gemm", gemm.measure(order, dtype, settings.warmup, settings.repetitions))
    _tell(out, "done", {"pid": os.getpid()})
    if settings.world_size > 1:
        jax.distributed.shutdown()


def main(settings: Settings) -> None:
    # What libraries print must not get between the findings.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    run(settings, out)


def _tell(out: TextIO, kind: str, finding: dict[str, Any]) -> None:
    out.write(json.dumps({"kind": kind, **finding}) + "\n")
    out.flush()
