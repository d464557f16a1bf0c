"""A run that is asked to stop saves and ends; torchrun starts dead ranks again and the run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports
from tests.training_torch import runs

PRESET = "bloom-560m-tiny"
SHORT = ("evaluate_batches=0", "export=false", "checkpoint.every=4")
STEPS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> runs.Trial:
    """A run that nothing happened to."""
    return runs.run(tmp_path_factory.mktemp("whole") / "run", PRESET, *SHORT, steps=STEPS)


def asked_at_5(_rank: int) -> None:
    runs.at_step(5, lambda _: runs.ask_to_stop())


def test_sigterm_saves_and_the_run_goes_on_where_it_was(tmp_path: Path, whole: runs.Trial) -> None:
    stopped = runs.run(tmp_path / "run", PRESET, *SHORT, steps=STEPS, before=asked_at_5)
    assert stopped.code == 75, "a code that a Job may retry"
    assert "asked to stop: step 6 is saved" in stopped.errors()
    assert not stopped.problems()
    assert "step-6" in stopped.checkpoints()
    resumed = runs.run(tmp_path / "run", PRESET, *SHORT, steps=STEPS)
    assert resumed.code == 0
    assert resumed.losses() == whole.losses()


def interrupted_at_5(_rank: int) -> None:
    runs.at_step(5, lambda _: os.kill(os.getpid(), signal.SIGINT))


def test_ctrl_c_saves_too(tmp_path: Path) -> None:
    stopped = runs.run(tmp_path / "run", PRESET, *SHORT, steps=STEPS, before=interrupted_at_5)
    assert stopped.code == 130
    assert "step-6" in stopped.checkpoints()


def asked_at_a_step_that_nobody_looks_at(_rank: int) -> None:
    from training.train.run import Run

    take = Run.next_batch

    def next_batch(self: Run) -> object:
        if self.step == 50:
            runs.ask_to_stop()
        return take(self)

    Run.next_batch = next_batch  # type: ignore[method-assign]


def test_a_request_to_stop_does_not_wait_for_the_next_record(tmp_path: Path) -> None:
    settings = ("evaluate_batches=0", "export=false", "telemetry.log_every=1000000", "checkpoint.every=none")
    flags = {"steps": 1_000_000, "ranks": 2, "before": asked_at_a_step_that_nobody_looks_at}
    stopped = runs.run(tmp_path / "run", "mnist-mlp-tiny", *settings, **flags)
    assert stopped.code == 75, stopped.errors()
    (saved,) = stopped.checkpoints()
    assert f"asked to stop: step {saved.removeprefix('step-')} is saved" in stopped.errors()


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    first = runs.run(tmp_path / "run", "mnist-mlp-tiny", steps=5)
    again = runs.run(tmp_path / "run", "mnist-mlp-tiny", steps=5)
    assert (first.code, again.code) == (0, 0)
    assert again.losses() == first.losses()
    assert again.result() == first.result()


def test_torchrun_starts_a_killed_rank_again_and_the_run_goes_on(tmp_path: Path, whole: runs.Trial) -> None:
    """The real launcher: rank 1 is killed (-9) once, both begin again from the last checkpoint."""
    program = Path(__file__).with_name("dies_once.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "1"]
    command += [
        "--rdzv-backend",
        "c10d",
        "--rdzv-endpoint",
        f"127.0.0.1:{ports.block()}",
        "--monitor-interval",
        "0.1",
    ]
    command += [str(program), "--preset", PRESET, "--steps", str(STEPS), "--output", str(tmp_path / "run")]
    command += [part for one in (*SHORT, "batch.micro=4") for part in ("--set", one)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=2 * runs.PATIENCE_S, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    trial = runs.Trial(tmp_path / "run", [], [])
    assert len(trial.events("started")) == 1
    assert trial.events("resumed")
    assert trial.losses() == pytest.approx(whole.losses(), rel=2e-5)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_several_ranks_that_drop_out_units_go_on_bit_for_bit(tmp_path: Path, strategy: str) -> None:
    """Every rank has random numbers of its own, and takes them up again."""
    settings = (*SHORT, f"parallel.strategy={strategy}", "batch.micro=8")
    whole = runs.run(tmp_path / "whole", "bert-classifier-tiny", *settings, steps=STEPS, ranks=2)
    stopped = runs.run(tmp_path / "run", "bert-classifier-tiny", *settings, steps=STEPS, ranks=2, before=asked_at_5)
    assert stopped.code == 75
    resumed = runs.run(tmp_path / "run", "bert-classifier-tiny", *settings, steps=STEPS, ranks=2)
    assert resumed.losses() == whole.losses()


def test_a_start_from_another_run_goes_on_with_its_own_checkpoints(tmp_path: Path) -> None:
    """A lost pod is started with the same words as the first time."""
    base = runs.run(tmp_path / "base", PRESET, *SHORT, steps=4)
    assert base.code == 0
    flags = ("--resume", str(base.output))
    first = runs.run(tmp_path / "run", PRESET, *SHORT, steps=STEPS, flags=flags, before=asked_at_5)
    again = runs.run(tmp_path / "run", PRESET, *SHORT, steps=STEPS, flags=flags)
    assert (first.code, again.code) == (75, 0)
    assert [one["step"] for one in again.events("resumed")] == [4, 6]


def test_a_rank_that_is_not_told_which_it_is_is_refused(tmp_path: Path) -> None:
    arguments = ["--preset", PRESET, "--steps", "1", "--output", str(tmp_path / "run")]
    trial = runs.start_command(
        "training.train.cli", tmp_path / "run", arguments, environment={"WORLD_SIZE": "2"}
    ).wait()
    assert trial.code == 2
    assert trial.problems() == [
        "error: WORLD_SIZE: 2 ranks, and RANK does not say which this is; start it with torchrun"
    ]
