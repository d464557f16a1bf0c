"""Our trainer against Hugging Face's on this machine's CPU: `make train` first, then this with the Python it got.

    $(.venv/bin/python -m sandbox tools --path training) benchmarks/training_cpu.py

Both train BLOOM of the same shape on random tokens of the same batch, in float32 with AdamW and clipped gradients, one
thread each, in turns, so that whatever else the machine does meets both. A step's time is the median over all turns.
Says nothing about accelerators (benchmarks/gpu).
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from record import FOLDER, machine, store

REPOSITORY = FOLDER.parent
TURNS, STEPS, SKIPPED = 3, 40, 5
CASES: dict[str, dict[str, Any]] = {
    # The preset for CPUs: so small that what is measured is mostly the loop around the model.
    "bloom-560m-tiny": {"sequence_length": 64, "batch": 8, "model": {}},
    # Large enough that the model's own work dominates, with a vocabulary that makes the head heavy, as in bloom-560m.
    "bloom, 4 layers of 256, vocabulary 16,384": {
        "sequence_length": 128,
        "batch": 4,
        "model": {"hidden_size": 256, "layers": 4, "heads": 4, "vocab_size": 16_384},
    },
}


def ours(case: dict[str, Any]) -> list[float]:
    """Seconds of each step of `python -m training.train`, but for the first ones."""
    settings = {
        "data.sequence_length": case["sequence_length"],
        "batch.micro": case["batch"],
        "evaluate_batches": 0,
        "export": "false",
        "checkpoint.every": STEPS,
        "checkpoint.at_end": "false",
        "telemetry.log_every": 1,
        "optimizer.lr": 5e-5,
        "optimizer.weight_decay": 0.01,
        "optimizer.clip": 1.0,
        **{f"model.overrides.{key}": value for key, value in case["model"].items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        run(["-m", "training.train", "--preset", "bloom-560m-tiny", "--steps", str(STEPS), "--output", folder, *flags])
        lines = Path(folder, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record["step_s"] - record["checkpoint_s"] for record in map(json.loads, lines)][SKIPPED:]


def theirs(case: dict[str, Any]) -> list[float]:
    """Seconds of each step of Hugging Face's Trainer, but for the first ones."""
    sys.path.insert(0, str(REPOSITORY))
    from training.models import size

    asked = {
        "model": {"name": "bloom", "config": {**size("bloom", "tiny"), **case["model"]}},
        "sequence_length": case["sequence_length"],
        "batch": case["batch"],
        "steps": STEPS,
        "skipped": SKIPPED,
    }
    out = run([str(FOLDER / "peers" / "hugging_face.py"), json.dumps(asked)])
    return json.loads(out.splitlines()[-1])["step_s"]


def run(arguments: list[str]) -> str:
    """Standard output of a Python with one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"error: {' '.join(arguments[:3])} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def main() -> None:
    """Measure in turns and store."""
    import torch
    import transformers

    result: dict[str, Any] = {
        "machine": machine(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "threads": 1,
        "turns": TURNS,
        "steps": STEPS - SKIPPED,
        "cases": {},
    }
    lines = [
        "| model | tokens a step | ours, tokens/s | Hugging Face Trainer, tokens/s | ratio | ratio of each turn |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, case in CASES.items():
        turns = [(ours(case), theirs(case)) for _ in range(TURNS)]
        tokens = case["sequence_length"] * case["batch"]
        speed = [tokens / statistics.median(itertools.chain(*samples)) for samples in zip(*turns, strict=True)]
        ratios = [statistics.median(b) / statistics.median(a) for a, b in turns]
        result["cases"][name] = {
            **case,
            "ours_tokens_per_s": round(speed[0], 1),
            "hugging_face_tokens_per_s": round(speed[1], 1),
            "ratio": round(speed[0] / speed[1], 3),
            "ratio_by_turn": [round(ratio, 3) for ratio in ratios],
            "ours_step_s": [[round(s, 5) for s in a] for a, _ in turns],
            "hugging_face_step_s": [[round(s, 5) for s in b] for _, b in turns],
        }
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        row = f"{tokens:,} | {speed[0]:,.0f} | {speed[1]:,.0f} | {speed[0] / speed[1]:.2f}"
        lines.append(f"| {name} | {row} | {shown} |")
    lines += ["", f"torch {torch.__version__}, transformers {transformers.__version__}, one thread each, float32."]
    lines += ["Written by `benchmarks/training_cpu.py`; the seconds of every step are in the JSON beside this."]
    store("training_cpu", "Training on a CPU, beside Hugging Face's Trainer", result, lines)


if __name__ == "__main__":
    main()
