"""One accelerator: our trainer and its peers train the same model, one after the other, in one run.

    python benchmarks/gpu/measure.py bloom-560m gpt-1.3b --out benchmarks/gpu
    python benchmarks/gpu/measure.py --cpu               # tries the scripts on tiny models; its figures mean nothing

Method and what the figures mean: README.md beside this. Without an accelerator nothing is written and the answer is
"not measured". A peer that fails is recorded with its reason, and its ratio is "not measured". Both files are written
after each part, so that a session that ends early keeps what it measured.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(REPOSITORY), str(HERE)]

import parts  # noqa: E402 - needs the path above
from trainers import ACCELERATOR, DRY, PEERS, Runner, fitting  # noqa: E402

from training.errors import BadInput, TrainingError, guarded  # noqa: E402
from training.flops import Accounting  # noqa: E402
from training.models import size, work  # noqa: E402

MODELS = ACCELERATOR.models
PEAKS = REPOSITORY / "catalog" / "data" / "achievable_matmul.csv"
CHIP = "H100/H200 SXM"
QUERY = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.draw,power.limit,temperature.gpu"


def peak_of(chip: str) -> float:
    """Dense bf16 peak in TFLOP/s, from the catalog. Raises BadInput naming the chips there are."""
    with PEAKS.open(encoding="utf-8") as file:
        rows = {row["accelerator"]: row for row in csv.DictReader(file) if row["dtype"] == "bf16"}
    if chip not in rows:
        raise BadInput(f"--chip {chip}: there is no such row in {PEAKS.name}; give one of {', '.join(rows)}")
    return float(rows[chip]["theory_tflops"])


def judged(preset: str, measured: dict[str, Any], peak_tflops: float, runner: Runner) -> dict[str, Any]:
    """Tokens per second by the median step, joules per token, and MFU by both rules of counting attention."""
    if "not_measured" in measured:
        return measured
    shape, (name, which) = runner.shape, runner.shape.models[preset]
    tokens = shape.length * shape.batch
    speed = tokens / statistics.median(measured["step_s"])
    mfu = {
        str(rule): speed * work.per_token(name, size(name, which), shape.length, rule) / (peak_tflops * 1e12)
        for rule in Accounting
    }
    joules = measured.get("joules_a_step")
    per_token = joules / tokens if joules is not None else None
    return {**measured, "tokens_per_s": speed, "joules_per_token": per_token, "mfu": mfu}


def attempt(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, or why it was not."""
    try:
        return run()
    except TrainingError as error:
        return {"not_measured": str(error)}


def compare(preset: str, peak_tflops: float, runner: Runner, found: dict[str, Any], keep: Callable[[], None]) -> None:
    """Ours and every peer into `found`. Each is a process of its own: none inherits another's memory or caches."""
    batch = runner.shape.batch
    found["ours"] = judged(preset, fitting(batch, lambda n: runner.ours(preset, n)), peak_tflops, runner)
    keep()
    for label, options in PEERS:
        measured = fitting(batch, lambda n, o=options: runner.theirs(preset, n, o))
        found[label] = judged(preset, measured, peak_tflops, runner)
        keep()


def table(preset: str, found: dict[str, Any], batch: int) -> list[str]:
    """Markdown lines."""
    speed = found["ours"].get("tokens_per_s")
    lines = [
        f"## {preset}", "",
        "| trainer | tokens/s | MFU, causal | MFU, full | memory, GB | J/token | a step | ours is faster by |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]  # fmt: skip
    for label, one in found.items():
        if "not_measured" in one:
            lines.append(f"| {label} | not measured: {one['not_measured']} | | | | | | |")
            continue
        memory = f"{one['memory_bytes'] / 1e9:.1f}" if one["memory_bytes"] else "not measured"
        joules = f"{one['joules_per_token']:.4f}" if one.get("joules_per_token") is not None else "not measured"
        ratio = f"{speed / one['tokens_per_s']:.2f}" if speed else "not measured"
        mfu = f"{one['mfu']['causal']:.1%} | {one['mfu']['full']:.1%}"
        micro = one.get("micro_batch", batch)
        step = f"{batch // micro} x {micro}"
        if failed := one.get("out_of_memory_at"):
            step += f" (no memory for {', '.join(map(str, failed))})"
        lines.append(f"| {label} | {one['tokens_per_s']:,.0f} | {mfu} | {memory} | {joules} | {step} | {ratio} |")
    return [*lines, ""]


def around(preset: str, saved: dict[str, Any], loader: dict[str, Any] | None, ours: dict[str, Any]) -> list[str]:
    """A sentence each on checkpoints and data."""
    if "not_measured" in saved:
        lines = [f"{preset}: checkpoints: not measured: {saved['not_measured']}"]
    else:
        stall = statistics.median(saved["stall_s"])
        told = (
            f"{preset}: a checkpoint stops training for {stall:.2f} s; with a failure every {saved['mtbf_hours']:g} h "
            f"Young's interval is {saved['young_interval_s']:.0f} s, and the stalls are {saved['stall_share']:.2%} of "
            "the time (goal: at most 2 %)."
        )
        lines = [told]
    if loader is not None and "tokens_per_s" in loader and "tokens_per_s" in ours:
        ratio = loader["tokens_per_s"] / ours["tokens_per_s"]
        lines.append(
            f"{preset}: the data pipeline makes {loader['tokens_per_s']:,.0f} tokens/s, {ratio:.1f} times what the "
            "step takes (goal: at least 2)."
        )
    return [*(part for line in lines for part in (line, ""))]


def environment() -> dict[str, Any]:
    """Versions, clocks and power as the driver tells them."""
    import torch

    versions = {"torch": torch.__version__, "cuda": torch.version.cuda}
    for package in ("transformers", "accelerate", "liger_kernel", "triton"):
        try:
            versions[package] = metadata.version(package.replace("_", "-"))
        except metadata.PackageNotFoundError:
            versions[package] = None
    told = None
    try:
        asked = subprocess.run(
            ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
        told = dict(zip(QUERY.split(","), asked.stdout.strip().split(", "), strict=False))
    except (OSError, subprocess.CalledProcessError):
        pass
    return {"date": datetime.now(UTC).isoformat(timespec="minutes"), "versions": versions, "nvidia_smi": told}


def store(document: dict[str, Any], out: Path | None) -> list[str]:
    """Write results.json and results.md as far as they go; the lines of the latter."""
    before, batch = document["before"], document["batch"]
    title = "Dry run on CPUs: these figures mean nothing" if document["dry"] else "One accelerator"
    lines = [f"# {title}", "", f"{before['date']}, {before['nvidia_smi']}, peak {document['peak_tflops']:g} TFLOP/s."]
    for preset, found in document["results"].items():
        lines += ["", *table(preset, found, batch)]
        saved, loader = document["checkpoints"].get(preset), document["pipeline"]
        if saved is not None:
            lines += around(preset, saved, loader, found["ours"])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in (("results.json", json.dumps(document, indent=2)), ("results.md", "\n".join(lines).rstrip())):
            part = out / f"{name}.part"
            part.write_text(text + "\n", encoding="utf-8")
            os.replace(part, out / name)
    return lines


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    presets: Annotated[list[str] | None, typer.Argument(help=f"of {', '.join(MODELS)}; all without")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and results.md; default: this one.")] = None,
    chip: Annotated[str, typer.Option(help="Row of the catalog's achievable_matmul.csv that has the peak.")] = CHIP,
    mtbf_hours: Annotated[float, typer.Option(help="Between failures of the job, for Young's interval.")] = 8.0,
    seconds: Annotated[float, typer.Option(help="After which nothing more is begun, and what runs is ended.")] = 3600,
    cpu: Annotated[bool, typer.Option("--cpu", help="Dry run on tiny models; writes only where --out says.")] = False,
) -> None:
    """Measure."""
    import torch

    chosen = presets or list(MODELS)
    if unknown := [name for name in chosen if name not in MODELS]:
        raise BadInput(f"{', '.join(unknown)}: give {' or '.join(MODELS)}")
    peak = peak_of(chip)
    if not cpu and not torch.cuda.is_available():
        sys.stdout.write("not measured: this machine has no accelerator that PyTorch can use\n")
        return
    runner = Runner(DRY if cpu else ACCELERATOR, time.monotonic() + seconds)
    target = out if cpu else out or HERE
    shape = runner.shape
    document: dict[str, Any] = {
        "schema_version": 2, "dry": cpu, "chip": chip, "peak_tflops": peak, "sequence_length": shape.length,
        "batch": shape.batch, "steps": shape.steps - shape.skipped, "precision": shape.precision,
        "before": environment(), "after": None, "results": {}, "checkpoints": {}, "pipeline": None,
    }  # fmt: skip

    def keep() -> None:
        store(document, target)

    for preset in chosen:
        found = document["results"][preset] = {}
        compare(preset, peak, runner, found, keep)
        document["checkpoints"][preset] = attempt(lambda p=preset: parts.checkpoints(runner, p, mtbf_hours))
    # Last: it holds memory of the accelerator in this process.
    document["pipeline"] = attempt(lambda: parts.pipeline(runner))
    document["after"] = environment()
    sys.stdout.write("\n".join(store(document, target)))


if __name__ == "__main__":
    guarded(app, "python benchmarks/gpu/measure.py")()
