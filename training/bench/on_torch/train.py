"""A training step as the trainer takes it: tokens per second, MFU with its rule, energy per token."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch and the trainer are in the environment of the benchmark, not in that of the toolkit.
import json
import os
import shutil
import socket
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch.distributed as dist

from training import presets
from training.train import overrides, session

WARMUP_SHARE = 0.25


def measure(preset: str, steps: int, folder: str, peak_tflops: float | None, *, cpu: bool) -> dict[str, Any]:
    """Run the trainer itself on synthetic data of the preset's shape; figures are medians after the warm-up.

    Nothing is saved, evaluated or exported: other parts measure that. The last part of a run: afterwards the processes
    have left each other. `peak_tflops`: of one accelerator, what MFU is a share of.
    """
    world, first = dist.get_world_size(), dist.get_rank() == 0
    names = [tempfile.mkdtemp(prefix="bench-train-", dir=folder) if dist.get_rank() == 0 else None]
    dist.broadcast_object_list(names)
    place = Path(str(names[0]))
    flags = [f"steps={steps}", "checkpoint.at_end=false", "evaluate_batches=0", "export=false", "telemetry.log_every=1"]
    flags += ["device=cpu"] if cpu else []
    flags += [f"telemetry.peak_tflops={peak_tflops}"] if peak_tflops else []
    config = overrides.combine(presets.load(preset), None, flags)
    _part_ways()
    try:
        code = session.execute(config, place, "never").code
        if code:
            raise RuntimeError(f"the trainer ended with exit code {code}")
        records = _records(place / "metrics.jsonl") if first else []
    finally:
        if first:
            shutil.rmtree(place, ignore_errors=True)
    if first and not records:
        raise RuntimeError("the trainer ended well and left no record of its steps")
    return summary(preset, steps, records, world)


def _part_ways() -> None:
    """Leave the process group, and say where the trainer makes its own: torchrun's store holds keys of this one."""
    port: list[Any] = [None]
    if dist.get_rank() == 0:
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = [probe.getsockname()[1]]
    dist.broadcast_object_list(port)
    dist.barrier()
    dist.destroy_process_group()
    os.environ["MASTER_PORT"] = str(port[0])
    os.environ.pop("TORCHELASTIC_USE_AGENT_STORE", None)


def _records(path: Path) -> list[dict[str, Any]]:
    """What the trainer's rank 0 wrote."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def summary(preset: str, steps: int, records: list[dict[str, Any]], ranks: int = 1) -> dict[str, Any]:
    """Medians over the steps after the warm-up; what no record holds is None."""
    taken = [one for one in records if one.get("loss") is not None and one.get("step") is not None]
    warm = taken[max(int(len(taken) * WARMUP_SHARE), 1) :]

    def median(name: str) -> float | None:
        found = [one[name] for one in warm if isinstance(one.get(name), (int, float))]
        return statistics.median(found) if found else None

    return {
        "preset": preset,
        "steps": steps,
        "loss_first": taken[0]["loss"] if taken else None,
        "loss_last": taken[-1]["loss"] if taken else None,
        "step_seconds": median("step_s"),
        "data_seconds": median("data_s"),
        "tokens_per_second": median("tokens_per_second") or None,
        "samples_per_second": median("samples_per_second"),
        "mfu": median("mfu"),
        "flops_accounting": next((one["flops_accounting"] for one in taken if one.get("flops_accounting")), None),
        "memory_bytes": taken[-1].get("memory_bytes") if taken else None,
        "joules_per_token": joules_per_token(warm, ranks),
    }


def joules_per_token(records: list[dict[str, Any]], ranks: int) -> float | None:
    """Energy of rank 0's accelerator over its share of the tokens; None where no energy was measured."""
    metered = [one for one in records if one.get("energy_j") is not None]
    if len(metered) < 2:
        return None
    tokens = (metered[-1]["tokens"] - metered[0]["tokens"]) / ranks
    return (metered[-1]["energy_j"] - metered[0]["energy_j"]) / tokens if tokens else None
