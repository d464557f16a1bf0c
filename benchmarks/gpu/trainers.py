"""The trainers that are compared, each a process of its own: ours by its command, peers by `../peers/hugging_face.py`.

All take as many samples a step. A trainer that runs out of memory is tried again with half the micro-batch and twice
the accumulation, and the answer says so.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

from training.errors import TrainingError  # noqa: E402 - the path is put right by measure.py
from training.models import size  # noqa: E402

NO_MEMORY = re.compile(r"out of memory|OutOfMemoryError", re.IGNORECASE)
Peer = tuple[str, dict[str, Any]]
PEERS: Sequence[Peer] = (
    ("Hugging Face Trainer", {"loop": "trainer"}),
    ("Hugging Face Trainer + Liger Kernel", {"loop": "trainer", "liger": True}),
    ("torch.compile loop on transformers", {"loop": "compiled"}),
)


@dataclass(frozen=True)
class Shape:
    """What every trainer does."""

    models: dict[str, tuple[str, str]]
    """Preset: name and size of the model."""
    length: int
    batch: int
    """Sequences of a step."""
    steps: int
    skipped: int
    """First steps that do not count: compilation, clocks."""
    precision: str
    device: str


ACCELERATOR = Shape(
    {"bloom-560m": ("bloom", "560m"), "gpt-1.3b": ("gpt", "1.3b")}, 2048, 16, 60, 20, precision="bf16", device="cuda"
)
DRY = Shape({"bloom-560m": ("bloom", "tiny"), "gpt-1.3b": ("gpt", "tiny")}, 32, 4, 6, 2, precision="fp32", device="cpu")
"""To try the scripts where there is no accelerator. Its figures mean nothing."""


@dataclass
class Runner:
    """Runs trainers of one shape until the time is up."""

    shape: Shape
    end: float
    """By `time.monotonic`."""

    def ours(self, preset: str, accumulation: int, *settings: str) -> dict[str, Any]:
        """Our trainer, as its preset has it; nothing is evaluated or exported meanwhile, nor saved unless asked."""
        shape = self.shape
        with tempfile.TemporaryDirectory() as folder:
            name = preset if shape.device == "cuda" else f"{preset}-tiny"
            command = ["-m", "training.train", "--preset", name, "--steps", str(shape.steps), "--output", folder]
            for setting in (
                f"data.sequence_length={shape.length}", f"batch.micro={shape.batch // accumulation}",
                f"batch.accumulation={accumulation}", f"precision={shape.precision}", f"device={shape.device}",
                "telemetry.log_every=1", "evaluate_batches=0", "export=false", "checkpoint.at_end=false",
                f"checkpoint.every={shape.steps + 1}", "schedule.warmup_steps=0", *settings,
            ):  # fmt: skip
                command += ["--set", setting]
            self._python(command)
            records, events = (_lines(Path(folder, f"{name}.jsonl")) for name in ("metrics", "events"))
        records = records[shape.skipped :]
        energy = [record["energy_j"] for record in records if record.get("energy_j") is not None]
        return {
            "step_s": [record["step_s"] for record in records],
            "data_s": [record["data_s"] for record in records],
            "memory_bytes": max((one["memory_bytes"] for one in records if one.get("memory_bytes")), default=None),
            "joules_a_step": (energy[-1] - energy[0]) / (len(energy) - 1) if len(energy) > 1 else None,
            "stall_s": [one["stall_s"] for one in events if one["event"] == "checkpoint"],
        }

    def theirs(self, preset: str, accumulation: int, options: dict[str, Any]) -> dict[str, Any]:
        """A peer on the same shape."""
        shape, (name, which) = self.shape, self.shape.models[preset]
        asked = {
            "model": {"name": name, "config": size(name, which)}, "sequence_length": shape.length,
            "batch": shape.batch, "accumulation": accumulation, "steps": shape.steps, "skipped": shape.skipped,
            "precision": shape.precision, "device": shape.device, **options,
        }  # fmt: skip
        out = self._python([str(REPOSITORY / "benchmarks" / "peers" / "hugging_face.py"), json.dumps(asked)])
        return json.loads(out.splitlines()[-1])

    def _python(self, arguments: list[str]) -> str:
        """Standard output of a process. Raises TrainingError with its last line."""
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
        if self.shape.device == "cpu":
            env["TORCHDYNAMO_DISABLE"] = "1"  # kernels for CPUs take a minute to compile, and show nothing here
        left = self.end - time.monotonic()
        if left <= 0:
            raise TrainingError("no time was left")
        try:
            done = subprocess.run(
                [sys.executable, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False,
                timeout=left,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise TrainingError("the time was up before it ended") from None
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no message"]
            told = next((line for line in reversed(said) if NO_MEMORY.search(line)), said[-1])
            raise TrainingError(f"exit code {done.returncode}: {told[:200]}")
        return done.stdout


def fitting(batch: int, run: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """What `run(accumulation)` measured at the largest micro-batch that fits, or why nothing was measured."""
    accumulation, failed = 1, []
    while True:
        try:
            found = run(accumulation)
        except TrainingError as error:
            if not NO_MEMORY.search(str(error)) or accumulation * 2 > batch:
                return {"not_measured": str(error), "out_of_memory_at": failed}
            failed.append(batch // accumulation)
            accumulation *= 2
            continue
        return {**found, "micro_batch": batch // accumulation, "out_of_memory_at": failed}


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
