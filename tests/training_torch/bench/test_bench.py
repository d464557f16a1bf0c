"""The benchmark with torch: two pods, one process each, under torchrun, as a job starts it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import ports
from training.bench import verdict
from training.bench.settings import PARTS

ROOT = Path(__file__).resolve().parents[3]
SMALL = ["--cpu", "--backend", "torch", "--sizes", "4KiB,256KiB", "--orders", "64", "--repetitions", "3",
         "--memory-bytes", "1MiB", "--file-bytes", "16MiB", "--steps", "4", "--start-seconds", "240"]  # fmt: skip
LIMIT_S = 600


def bench(output: Path, *arguments: str, world: int = 2) -> tuple[list[int], str, dict[str, Any]]:
    """Exit codes, what rank 0 said on stderr, and the result."""
    shared = os.environ | {"WORLD_SIZE": str(world), "MASTER_ADDR": "localhost", "MASTER_PORT": str(ports.block()),
                           "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}  # fmt: skip
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "training.bench", *arguments, *SMALL, "--output", str(output)],
            env=shared | {"JOB_COMPLETION_INDEX": str(rank)},
            cwd=output.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    said = [rank.communicate(timeout=LIMIT_S)[1] for rank in ranks]
    return [rank.returncode for rank in ranks], said[0], json.loads((output / "result.json").read_text())


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    codes, said, found = bench(tmp_path_factory.mktemp("bench") / "out", "all")
    assert codes == [0, 0], said
    return found


def test_every_part_is_measured_and_the_verdict_is_a_pass(result: dict[str, Any]) -> None:
    assert all(result[part] for part in PARTS), {part: result[part] for part in PARTS}
    assert result["not_measured"] == {}
    assert verdict.judge(result).outcome is verdict.Outcome.PASS


def test_the_record_names_versions_devices_and_transport(result: dict[str, Any]) -> None:
    software = result["environment"]["software"]
    assert (software["backend"], software["devices"], software["platform"]) == ("torch", 2, "cpu")
    assert software["torch"]
    assert result["transport"]["name"].startswith("gloo over TCP")
    assert "clocks" in result["environment"]["machine"]


def test_sums_exchanges_products_and_checkpoints_arrive_unchanged(result: dict[str, Any]) -> None:
    assert [row["bytes"] for row in result["allreduce"]] == [4096, 262144]
    assert all(row["wrong_sums"] == 0 and row["busbw_gb_per_s"] > 0 for row in result["allreduce"])
    assert all(row["wrong"] == 0 and row["devices"] == 2 for row in result["alltoall"])
    assert {(row["rank"], row["right"]) for row in result["gemm"]} == {(0, True), (1, True)}
    (saved,) = result["checkpoint"]
    assert (saved["wrong"], saved["shared"], saved["bytes"]) == (0, True, 2 * (16 << 20))


def test_the_step_is_the_trainers_own_and_says_what_it_does_not_know(result: dict[str, Any]) -> None:
    (step,) = result["train"]
    assert step["preset"] == "bloom-560m-tiny"
    assert math.isfinite(step["loss_last"])
    assert step["tokens_per_second"] > 0
    assert (step["mfu"], step["joules_per_token"]) == (None, None), "no peak was told, no power is metered"


def test_data_come_from_prepared_shards(result: dict[str, Any]) -> None:
    (pipeline,) = result["dataloader"]
    assert pipeline["source"] == "prepared shards"
    assert pipeline["tokens_per_second"] > 0


def test_a_figure_below_its_threshold_ends_with_3_and_a_line_that_says_how_far(tmp_path: Path) -> None:
    check = {"name": "matrix product", "of": "gemm", "dtype": "float32", "expected": 1e6, "unit": "TFLOP/s",
             "fail_below": 0.9, "warn_below": 0.95, "basis": "a test", "likely": ["a slow machine"]}  # fmt: skip
    limits = tmp_path / "thresholds.json"
    limits.write_text(json.dumps({"checks": [check]}))
    codes, said, found = bench(tmp_path / "out", "gemm", "--thresholds", str(limits), world=1)
    assert codes == [3], said
    assert "error: matrix product: " in said
    assert "of the expected 1e+06 TFLOP/s (a test)" in said
    assert found["thresholds"]["checks"] == [check]
