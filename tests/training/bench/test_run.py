"""Real runs of the program on this machine, as a job would start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components import program
from sandbox import toolchain
from sandbox.settings import REPOSITORY, Settings
from tests import ports
from training.bench import cli, verdict
from training.bench.settings import ALL, PARTS

pytestmark = pytest.mark.sandbox
SMALL = {"BENCH_MEMORY_BYTES": "1MiB", "BENCH_FILE_BYTES": "1MiB", "BENCH_SIZES": "4KiB,256KiB",
         "BENCH_ORDERS": "64", "BENCH_REPETITIONS": "3", "BENCH_WARMUP": "1",
         "BENCH_START_SECONDS": "240", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}  # fmt: skip


@pytest.fixture(scope="session")
def python() -> Path:
    """The interpreter of the benchmark's own environment."""
    try:
        return toolchain.benchmark_environment(Settings.load()) / "bin" / "python"
    except toolchain.Unavailable as problem:
        pytest.skip(str(problem))


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """The program as a config map shows it: its folder is a link to another one."""
    data = tmp_path / "..2026"
    for path, text in program.read("training.bench").items():
        target = data / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "training").symlink_to(data / "training")
    return folder


def start(
    python: Path, command: list[str], rank: int, port: int, world: int = 2, folder: Path = REPOSITORY, **more: str
) -> subprocess.Popen[str]:
    values = {"JOB_COMPLETION_INDEX": str(rank), "WORLD_SIZE": str(world), "MASTER_ADDR": "localhost",
              "MASTER_PORT": str(port), "PATH": os.defpath}  # fmt: skip
    return subprocess.Popen([str(python), *command], env=SMALL | values | more, text=True, cwd=folder,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def result_of(output: str) -> dict[str, Any]:
    """The one line between the markers."""
    lines = output.splitlines()
    return json.loads(lines[lines.index(cli.BEGIN) + 1]) if lines[lines.index(cli.BEGIN) + 2] == cli.END else {}


def test_two_processes_measure_and_pass_from_a_config_map(python: Path, mounted: Path) -> None:
    at = ports.block()
    ranks = [
        start(python, ["-m", "training.bench"], rank, at, folder=mounted, PYTHONPATH=str(mounted)) for rank in (1, 0)
    ]
    other, first = (rank.communicate(timeout=300) for rank in ranks)
    assert [rank.returncode for rank in ranks] == [0, 0], first[1] + other[1]
    found = result_of(first[0])
    assert verdict.judge(found).outcome is verdict.Outcome.PASS
    assert [row["bytes"] for row in found["allreduce"]] == [4096, 262144]
    assert len({rank["worker_pid"] for rank in found["ranks"]}) == 2
    assert found["environment"]["software"]["platform"] == "cpu"
    assert other[0] == "", "only rank 0 prints the result"
    assert found["storage"] and found["metadata"] and found["memory"] and found["alltoall"]
    assert set(found["not_measured"]) == {"checkpoint", "dataloader", "train"}, "JAX alone has no trainer"


def test_one_rank_alone_measures_products_and_sends_nothing(python: Path) -> None:
    rank = start(python, ["-m", "training.bench", "gemm"], 0, ports.block(), world=1)
    found = result_of(rank.communicate(timeout=300)[0])
    assert rank.returncode == 0
    assert found["transport"]["name"] is None
    assert verdict.judge(found).outcome is verdict.Outcome.PASS


def test_a_worker_that_dies_ends_all_ranks_with_its_name(python: Path, tmp_path: Path) -> None:
    """Rank 1 finds a jax that cannot be imported."""
    (tmp_path / "jax.py").write_text("raise ImportError('no jax for this machine')")
    at = ports.block()
    first = start(python, ["-m", "training.bench"], 0, at)
    other = start(python, ["-m", "training.bench"], 1, at, PYTHONPATH=str(tmp_path))
    out, _ = first.communicate(timeout=300)
    other.communicate(timeout=300)
    assert (first.returncode, other.returncode) == (1, 1)
    found = result_of(out)
    assert "no jax for this machine" in found["errors"][0]
    assert found["errors"][0].startswith("rank 1 ")
    assert verdict.judge(found).failed


def test_sigterm_on_a_rank_ends_the_run_with_a_result_that_says_so(python: Path) -> None:
    at = ports.block()
    first = start(python, ["-m", "training.bench"], 0, at, BENCH_REPETITIONS="100000")
    other = start(python, ["-m", "training.bench"], 1, at, BENCH_REPETITIONS="100000")
    assert other.stderr
    assert any("connected to 1 peer" in line for line in other.stderr)  # Gloo says so when both workers are at it
    other.send_signal(signal.SIGTERM)
    out, _ = first.communicate(timeout=300)
    other.communicate(timeout=300)
    assert (first.returncode, other.returncode) == (1, 1)
    assert "ended by SIGTERM" in str(result_of(out)["errors"])


def test_wrong_usage_is_told_at_once_with_exit_code_2(python: Path) -> None:
    rank = start(python, ["-m", "training.bench", "gossip", "--repetitions", "0"], 0, ports.block())
    _, said = rank.communicate(timeout=300)
    assert rank.returncode == 2
    assert said.splitlines() == [
        "error: --repetitions: '0' is not a number (1, 2, ...)",
        f"error: gossip: no such benchmark; choose from {', '.join((*PARTS, ALL))}",
    ]
