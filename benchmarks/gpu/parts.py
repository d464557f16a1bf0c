"""What a run needs besides its steps: what a checkpoint costs, and how fast the data comes."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from trainers import Runner

from training.checkpoint.interval import lost_fraction, young_interval_s

EVERY = 10
"""Steps between the checkpoints that are timed."""
PIPELINE_S = 3.0


def checkpoints(runner: Runner, preset: str, mtbf_hours: float) -> dict[str, Any]:
    """Our trainer with checkpoints: how long one stops it, and the share of the time at Young's interval.

    The first one also pays for the memory that the others use again: it is left out where there is another.
    """
    every = min(EVERY, runner.shape.steps // 3)
    found = runner.ours(preset, 1, f"checkpoint.every={every}", "checkpoint.keep=1")
    stalls = found["stall_s"][1:] or found["stall_s"]
    stall, mtbf_s = statistics.median(stalls), mtbf_hours * 3600
    interval = young_interval_s(stall, mtbf_s)
    return {
        "stall_s": found["stall_s"],
        "step_s": found["step_s"],
        "mtbf_hours": mtbf_hours,
        "young_interval_s": interval,
        "stall_share": stall / interval if interval else 0.0,
        "lost_share": lost_fraction(stall, interval, mtbf_s) if interval else 0.0,
    }


def pipeline(runner: Runner) -> dict[str, Any]:
    """Tokens per second of the loader alone, from prepared shards to (pinned) batches of the shape."""
    from training.data import DataSpec, example, open_stream
    from training.data.prepare import prepare
    from training.data.recipe import Recipe

    shape, count = runner.shape, 0
    with tempfile.TemporaryDirectory() as folder:
        example.write("tokens", Path(folder, "source"), 4000)
        prepare([Path(folder, "source")], Path(folder, "data"), Recipe("tokens"))
        spec = DataSpec("tokens", str(Path(folder, "data")), sequence_length=shape.length, vocabulary=50_000)
        accelerator = 0 if shape.device == "cuda" else None
        with open_stream(spec, rank=0, world=1, seed=0, batch_size=shape.batch, accelerator=accelerator) as stream:
            for _ in range(5):  # checksums, threads
                next(stream)
            began = time.perf_counter()
            while (passed := time.perf_counter() - began) < PIPELINE_S:
                next(stream)
                count += 1
    return {"tokens_per_s": count * shape.batch * shape.length / passed, "seconds": passed}
