"""The comparison with other trainers: it measures what it says, and says so where it cannot."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

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
    judged = measure["judged"]("bloom-560m", steps, measure["peak_of"](measure["CHIP"]))
    assert judged["tokens_per_s"] == pytest.approx(149_000)
    assert judged["mfu"]["causal"] == pytest.approx(0.55, abs=0.002)
    assert judged["mfu"]["full"] == pytest.approx(0.595, abs=0.003)


def test_a_peer_that_failed_is_not_measured_and_has_no_ratio(measure: dict[str, Any]) -> None:
    one = {"tokens_per_s": 200.0, "mfu": {"causal": 0.5, "full": 0.6}, "memory_bytes": None}
    failed = {"not_measured": "exit code 1: out of memory"}
    lines = measure["table"]("bloom-560m", {"ours": one, "A": {**one, "tokens_per_s": 50.0}, "B": failed})
    assert "| A | 50 | 50.0% | 60.0% | not measured | 4.00 |" in lines
    assert "| B | not measured: exit code 1: out of memory | | | | |" in lines
    lines = measure["table"]("bloom-560m", {"ours": failed, "A": one})
    assert "| A | 200 | 50.0% | 60.0% | not measured | not measured |" in lines


def test_the_peer_trains_the_same_shape(tmp_path: Path) -> None:
    asked = {
        "model": {"name": "bloom", "config": {"vocab_size": 64, "hidden_size": 16, "layers": 1, "heads": 2}},
        "sequence_length": 8, "batch": 2, "steps": 4, "skipped": 1,
    }  # fmt: skip
    command = [sys.executable, BENCHMARKS / "peers" / "hugging_face.py", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["step_s"]) == 2
    assert all(seconds > 0 for seconds in found["step_s"])
