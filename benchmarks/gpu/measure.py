"""One accelerator: our trainer and its peers train the same model, one after the other, in one run.

    python benchmarks/gpu/measure.py bloom-560m gpt-1.3b --out benchmarks/gpu

Method and what the figures mean: README.md beside this. Without an accelerator nothing is written and the answer is
"not measured". A peer that fails is recorded with its reason, and its ratio is "not measured".
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY))

from training.errors import BadInput, TrainingError, guarded  # noqa: E402 - needs the path above
from training.flops import Accounting  # noqa: E402
from training.models import size, work  # noqa: E402

MODELS = {"bloom-560m": ("bloom", "560m"), "gpt-1.3b": ("gpt", "1.3b")}
LENGTH, BATCH, STEPS, SKIPPED = 2048, 16, 80, 30
PEAKS = REPOSITORY / "catalog" / "data" / "achievable_matmul.csv"
CHIP = "H100/H200 SXM"
QUERY = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit,temperature.gpu"
Peer = tuple[str, dict[str, Any]]
PEERS: Sequence[Peer] = (
    ("Hugging Face Trainer", {"loop": "trainer"}),
    ("Hugging Face Trainer + Liger Kernel", {"loop": "trainer", "liger": True}),
    ("torch.compile loop on transformers", {"loop": "compiled"}),
)


def peak_of(chip: str) -> float:
    """Dense bf16 peak in TFLOP/s, from the catalog. Raises BadInput naming the chips there are."""
    with PEAKS.open(encoding="utf-8") as file:
        rows = {row["accelerator"]: row for row in csv.DictReader(file) if row["dtype"] == "bf16"}
    if chip not in rows:
        raise BadInput(f"--chip {chip}: there is no such row in {PEAKS.name}; give one of {', '.join(rows)}")
    return float(rows[chip]["theory_tflops"])


def ours(preset: str) -> dict[str, Any]:
    """Our trainer, as its preset has it; nothing is saved, evaluated or exported meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "training.train", "--preset", preset, "--steps", str(STEPS), "--output", folder]
        for setting in (
            f"data.sequence_length={LENGTH}", f"batch.micro={BATCH}", "telemetry.log_every=1", "evaluate_batches=0",
            "export=false", "checkpoint.at_end=false", f"checkpoint.every={STEPS + 1}", "schedule.warmup_steps=0",
        ):  # fmt: skip
            command += ["--set", setting]
        _python(command)
        text = Path(folder, "metrics.jsonl").read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.splitlines()][SKIPPED:]
    memory = max((record["memory_bytes"] for record in records if record.get("memory_bytes")), default=None)
    return {
        "step_s": [record["step_s"] for record in records],
        "data_s": [record["data_s"] for record in records],
        "memory_bytes": memory,
    }


def theirs(preset: str, options: dict[str, Any]) -> dict[str, Any]:
    """A peer on the same shape."""
    name, which = MODELS[preset]
    asked = {
        "model": {"name": name, "config": size(name, which)}, "sequence_length": LENGTH, "batch": BATCH,
        "steps": STEPS, "skipped": SKIPPED, "precision": "bf16", "device": "cuda", **options,
    }  # fmt: skip
    out = _python([str(HERE.parent / "peers" / "hugging_face.py"), json.dumps(asked)])
    return json.loads(out.splitlines()[-1])


def judged(preset: str, measured: dict[str, Any], peak_tflops: float) -> dict[str, Any]:
    """Tokens per second by the median step, and MFU by both rules of counting attention."""
    name, which = MODELS[preset]
    speed = LENGTH * BATCH / statistics.median(measured["step_s"])
    mfu = {
        str(rule): speed * work.per_token(name, size(name, which), LENGTH, rule) / (peak_tflops * 1e12)
        for rule in Accounting
    }
    return {**measured, "tokens_per_s": speed, "mfu": mfu}


def attempt(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, or why it was not."""
    try:
        return run()
    except TrainingError as error:
        return {"not_measured": str(error)}


def compare(preset: str, peak_tflops: float) -> dict[str, Any]:
    """Ours and every peer. Each is a process of its own: none inherits another's memory or caches."""
    found = {"ours": attempt(lambda: judged(preset, ours(preset), peak_tflops))}
    for label, options in PEERS:
        found[label] = attempt(lambda o=options: judged(preset, theirs(preset, o), peak_tflops))
    return found


def table(preset: str, found: dict[str, Any]) -> list[str]:
    """Markdown lines."""
    speed = found["ours"].get("tokens_per_s")
    lines = [
        f"## {preset}", "", "| trainer | tokens/s | MFU, causal | MFU, full | memory, GB | ours is faster by |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for label, one in found.items():
        if "not_measured" in one:
            lines.append(f"| {label} | not measured: {one['not_measured']} | | | | |")
            continue
        memory = f"{one['memory_bytes'] / 1e9:.1f}" if one["memory_bytes"] else "not measured"
        ratio = f"{speed / one['tokens_per_s']:.2f}" if speed else "not measured"
        mfu = f"{one['mfu']['causal']:.1%} | {one['mfu']['full']:.1%}"
        lines.append(f"| {label} | {one['tokens_per_s']:,.0f} | {mfu} | {memory} | {ratio} |")
    return [*lines, ""]


def environment() -> dict[str, Any]:
    """Versions, clocks and power as the driver tells them."""
    import torch

    versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
    for package in ("transformers", "accelerate", "liger_kernel", "triton"):
        try:
            versions[package] = metadata.version(package.replace("_", "-"))
        except metadata.PackageNotFoundError:
            versions[package] = None
    asked = subprocess.run(
        ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    told = dict(zip(QUERY.split(","), asked.stdout.strip().split(", "), strict=False)) if not asked.returncode else None
    return {"date": datetime.now(UTC).isoformat(timespec="minutes"), "versions": versions, "nvidia_smi": told}


def _python(arguments: list[str]) -> str:
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainingError(f"exit code {done.returncode}: {last[:200]}")
    return done.stdout


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    presets: Annotated[list[str] | None, typer.Argument(help=f"of {', '.join(MODELS)}; all without")] = None,
    out: Annotated[Path, typer.Option(help="Folder for results.json and results.md.")] = HERE,
    chip: Annotated[str, typer.Option(help="Row of the catalog's achievable_matmul.csv that has the peak.")] = CHIP,
) -> None:
    """Measure."""
    import torch

    chosen = presets or list(MODELS)
    if unknown := [name for name in chosen if name not in MODELS]:
        raise BadInput(f"{', '.join(unknown)}: give {' or '.join(MODELS)}")
    peak = peak_of(chip)
    if not torch.cuda.is_available():
        sys.stdout.write("not measured: this machine has no accelerator that PyTorch can use\n")
        return
    before = environment()
    results = {preset: compare(preset, peak) for preset in chosen}
    shape = {"sequence_length": LENGTH, "batch": BATCH, "steps": STEPS - SKIPPED, "precision": "bf16"}
    document = {
        "schema_version": 1, "chip": chip, "peak_tflops": peak, **shape, "before": before, "after": environment(),
        "results": results,
    }  # fmt: skip
    lines = ["# One accelerator", "", f"{before['date']}, {before['nvidia_smi']}, peak {peak:g} TFLOP/s.", ""]
    for preset, found in results.items():
        lines += table(preset, found)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (("results.json", json.dumps(document, indent=2)), ("results.md", "\n".join(lines).rstrip())):
        part = out / f"{name}.part"
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, out / name)
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    guarded(app, "python benchmarks/gpu/measure.py")()
