"""Our trainer against Hugging Face's on this machine's CPU, with the Python that has both:

    $(.venv/bin/python -m sandbox tools --path training) benchmarks/training_cpu.py

Both train BLOOM of the same shape on random tokens of the same batch, in float32 with AdamW and clipped gradients, one
thread each. Two figures: tokens per second by the median step while both run at the same time, so that whatever else
the machine does meets both; and processor seconds of a step alone (a long run less a short one, all threads). Says
nothing about accelerators (benchmarks/gpu).
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from record import FOLDER, machine, store

REPOSITORY = FOLDER.parent
TURNS, SKIPPED, SHORT = 2, 5, 8
CASES: dict[str, dict[str, Any]] = {
    # The preset for CPUs: so small that what is measured is mostly the loop around the model.
    "bloom-560m-tiny": {"sequence_length": 64, "batch": 8, "steps": 300, "ours_steps": 1500, "model": {}},
    # Large enough that the model's own work dominates, with a vocabulary that makes the head heavy, as in bloom-560m.
    "bloom, 4 layers of 256, vocabulary 16,384": {
        "sequence_length": 128,
        "batch": 4,
        "steps": 20,
        "ours_steps": 50,
        "model": {"hidden_size": 256, "layers": 4, "heads": 4, "vocab_size": 16_384},
    },
}

Step = tuple[float, float]
"""Time of day at its end, seconds that it took."""


def ours(case: dict[str, Any], steps: int) -> list[Step]:
    """Steps of `python -m training.train`, but for the first ones."""
    settings = {
        "data.sequence_length": case["sequence_length"],
        "batch.micro": case["batch"],
        "evaluate_batches": 0,
        "export": "false",
        "checkpoint.every": steps + 1,
        "checkpoint.at_end": "false",
        "telemetry.log_every": 1,
        "optimizer.lr": 5e-5,
        "optimizer.weight_decay": 0.01,
        "optimizer.clip": 1.0,
        **{f"model.overrides.{key}": value for key, value in case["model"].items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        flags = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        run(["-m", "training.train", "--preset", "bloom-560m-tiny", "--steps", str(steps), "--output", folder, *flags])
        lines = Path(folder, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [(record["time"], record["step_s"]) for record in map(json.loads, lines)][SKIPPED:]


def theirs(case: dict[str, Any], steps: int) -> list[Step]:
    """Steps of Hugging Face's Trainer, but for the first ones."""
    sys.path.insert(0, str(REPOSITORY))
    from training.models import size

    asked = {
        "model": {"name": "bloom", "config": {**size("bloom", "tiny"), **case["model"]}},
        "sequence_length": case["sequence_length"],
        "batch": case["batch"],
        "steps": steps,
        "skipped": SKIPPED,
    }
    out = run([str(FOLDER / "peers" / "hugging_face.py"), json.dumps(asked)])
    found = json.loads(out.splitlines()[-1])
    return list(zip(found["time"], found["step_s"], strict=True))


def run(arguments: list[str]) -> str:
    """Standard output of a Python with one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"error: {' '.join(arguments[:3])} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def together(case: dict[str, Any]) -> list[list[float]]:
    """Seconds of each step of ours and theirs that ended while both were at it."""
    with ThreadPoolExecutor(2) as pool:
        # Ours starts sooner and must still be at it when theirs ends.
        runs = [pool.submit(ours, case, case["ours_steps"]), pool.submit(theirs, case, case["steps"])]
        steps = [run.result() for run in runs]
    begin, end = max(one[0][0] for one in steps), min(one[-1][0] for one in steps)
    if begin >= end:
        raise SystemExit("error: the two never ran at the same time; raise `ours_steps`")
    return [[round(seconds, 5) for at, seconds in one if begin <= at <= end] for one in steps]


def processor(trainer: Callable[[dict[str, Any], int], list[Step]], case: dict[str, Any]) -> float:
    """Processor seconds of one step: a long run less a short one."""
    spent = []
    for steps in (SHORT, case["steps"]):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        trainer(case, steps)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return round((spent[1] - spent[0]) / (case["steps"] - SHORT), 5)


def main() -> None:
    """Measure and store."""
    import torch
    import transformers

    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    result: dict[str, Any] = {"machine": machine(), "versions": versions, "threads": 1, "cases": {}}
    lines = [
        "| model | figure | ours | Hugging Face Trainer | ours is better by | in each turn |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for name, case in CASES.items():
        turns = [together(case) for _ in range(TURNS)]
        tokens = case["sequence_length"] * case["batch"]
        speed = [tokens / statistics.median(itertools.chain.from_iterable(one)) for one in zip(*turns, strict=True)]
        each = [round(statistics.median(theirs_s) / statistics.median(ours_s), 2) for ours_s, theirs_s in turns]
        spent = [processor(trainer, case) for trainer in (ours, theirs)]
        result["cases"][name] = {
            **case,
            "tokens_per_s": {"ours": round(speed[0], 1), "hugging_face": round(speed[1], 1)},
            "times_tokens_per_s": round(speed[0] / speed[1], 2),
            "times_tokens_per_s_by_turn": each,
            "processor_s_per_step": {"ours": spent[0], "hugging_face": spent[1]},
            "times_processor": round(spent[1] / spent[0], 2),
            "step_s": [{"ours": one, "hugging_face": other} for one, other in turns],
        }
        shown = ", ".join(f"{ratio:.2f}" for ratio in each)
        lines += [
            f"| {name} | tokens/s | {speed[0]:,.0f} | {speed[1]:,.0f} | **{speed[0] / speed[1]:.2f}** | {shown} |",
            f"| | processor ms a step | {1e3 * spent[0]:.1f} | {1e3 * spent[1]:.1f} | {spent[1] / spent[0]:.2f} | |",
        ]
    about = (
        f"512 tokens a step; tokens/s by the median of the steps of {TURNS} turns while both ran at the same time; "
        f"torch {torch.__version__}, transformers {transformers.__version__}, one thread each, float32. Every step's "
        "seconds are in the JSON beside this. The first row's model is so small that its loop is measured."
    )
    lines += ["", about]
    store("training_cpu", "Training on a CPU, beside Hugging Face's Trainer", result, lines)


if __name__ == "__main__":
    main()
