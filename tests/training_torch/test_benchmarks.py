"""The comparison with other trainers: it measures what it says, and says so where it cannot."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from training.errors import TrainingError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MEASURE = BENCHMARKS / "gpu" / "measure.py"


@pytest.mark.skipif(torch.cuda.is_available(), reason="has an accelerator")
def test_without_an_accelerator_nothing_is_written_and_nothing_is_claimed(tmp_path: Path) -> None:
    command = [sys.executable, MEASURE, "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (
        0, "not measured: this machine has no accelerator that PyTorch can use\n",
    )  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_no_figure_is_committed_without_its_raw_record() -> None:
    folder = MEASURE.parent
    if (folder / "results.json").exists():
        assert json.loads((folder / "results.json").read_text())["before"]["nvidia_smi"]
    else:
        assert "**Not measured yet.**" in (folder / "README.md").read_text()


@pytest.fixture(scope="module")
def measure() -> dict[str, Any]:
    return runpy.run_path(str(MEASURE))


def test_mfu_is_the_share_of_the_peak_by_both_rules(measure: dict[str, Any]) -> None:
    # 149,000 tokens/s of bloom-560m are 55 % of 989 TFLOP/s, attention counted causal, 59.5 % counted full.
    steps = {"step_s": [2048 * 16 / 149_000] * 3, "memory_bytes": None}
    runner = measure["Runner"](measure["ACCELERATOR"], 0.0)
    judged = measure["judged"](
        "bloom-560m", {**steps, "joules_a_step": 131.072}, measure["peak_of"](measure["CHIP"]), runner
    )
    assert judged["joules_per_token"] == pytest.approx(0.004)
    assert judged["tokens_per_s"] == pytest.approx(149_000)
    assert judged["mfu"]["causal"] == pytest.approx(0.55, abs=0.002)
    assert judged["mfu"]["full"] == pytest.approx(0.595, abs=0.003)


def test_a_peer_that_failed_is_not_measured_and_has_no_ratio(measure: dict[str, Any]) -> None:
    one = {"tokens_per_s": 200.0, "mfu": {"causal": 0.5, "full": 0.6}, "memory_bytes": None}
    failed = {"not_measured": "exit code 1: out of memory"}
    lines = measure["table"]("bloom-560m", {"ours": one, "A": {**one, "tokens_per_s": 50.0}, "B": failed}, 16)
    assert "| A | 50 | 50.0% | 60.0% | not measured | not measured | 1 x 16 | 4.00 |" in lines
    assert "| B | not measured: exit code 1: out of memory | | | | | | |" in lines
    lines = measure["table"]("bloom-560m", {"ours": failed, "A": one}, 16)
    assert "| A | 200 | 50.0% | 60.0% | not measured | not measured | 1 x 16 | not measured |" in lines


def test_a_trainer_without_the_memory_takes_the_same_step_in_parts_and_it_is_shown(measure: dict[str, Any]) -> None:
    def run(accumulation: int) -> dict[str, Any]:
        if accumulation < 4:
            raise TrainingError("exit code 1: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 154 GiB")
        return {"tokens_per_s": 50.0, "mfu": {"causal": 0.5, "full": 0.6}, "memory_bytes": None}

    found = measure["fitting"](16, run)
    assert (found["micro_batch"], found["out_of_memory_at"]) == (4, [16, 8])
    assert "| 4 x 4 (no memory for 16, 8) |" in measure["table"]("bloom-560m", {"ours": found}, 16)[-2]


def test_a_trainer_that_fits_nowhere_or_fails_otherwise_is_not_tried_for_ever(measure: dict[str, Any]) -> None:
    def fails(text: str) -> Callable[[int], dict[str, Any]]:
        def run(_: int) -> dict[str, Any]:
            raise TrainingError(text)

        return run

    assert measure["fitting"](4, fails("CUDA out of memory"))["out_of_memory_at"] == [4, 2]
    assert measure["fitting"](4, fails("no module named x")) == {
        "not_measured": "no module named x", "out_of_memory_at": [],
    }  # fmt: skip


def test_the_whole_session_runs_dry_on_a_cpu_and_says_that_it_measured_nothing(tmp_path: Path) -> None:
    command = [sys.executable, MEASURE, "bloom-560m", "--cpu", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results.md").read_text().startswith("# Dry run on CPUs: these figures mean nothing")
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["dry"]
    results = document["results"]["bloom-560m"]
    for label in ("ours", "Hugging Face Trainer", "torch.compile loop on transformers"):
        assert results[label]["tokens_per_s"] > 0, results[label]
    assert document["checkpoints"]["bloom-560m"]["stall_share"] > 0
    assert document["pipeline"]["tokens_per_s"] > 0
    command[-1] = tmp_path / "late"
    subprocess.run([*command, "--seconds", "0"], capture_output=True, check=True)
    late = json.loads((tmp_path / "late" / "results.json").read_text())
    assert late["results"]["bloom-560m"]["ours"]["not_measured"] == "no time was left"


@pytest.mark.parametrize(("loop", "accumulation"), [("trainer", 1), ("trainer", 2), ("compiled", 2)])
def test_the_peer_trains_the_same_shape(tmp_path: Path, loop: str, accumulation: int) -> None:
    asked = {
        "model": {"name": "bloom", "config": {"vocab_size": 64, "hidden_size": 16, "layers": 1, "heads": 2}},
        "sequence_length": 8, "batch": 2, "steps": 4, "skipped": 1, "loop": loop, "accumulation": accumulation,
    }  # fmt: skip
    command = [sys.executable, BENCHMARKS / "peers" / "hugging_face.py", json.dumps(asked)]
    environment = {**os.environ, "TORCHDYNAMO_DISABLE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["step_s"]) == {"trainer": 2, "compiled": 3}[loop], "steps, not forward passes"
    assert all(seconds > 0 for seconds in found["step_s"])
