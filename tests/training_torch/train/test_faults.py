"""What goes wrong ends with one line that says what to do, and loses nothing."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.training_torch import runs
from training.data import example, prepare
from training.data.recipe import Recipe

PRESET = "mnist-mlp-tiny"
SHORT = ("evaluate_batches=0", "export=false", "checkpoint.every=2")


def test_a_loss_that_is_no_number_names_step_rate_and_remedies(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", PRESET, *SHORT, "optimizer.name=sgd", "optimizer.lr=1e30", steps=10)
    assert trial.code == 1
    (problem,) = trial.problems()
    assert re.search(r"step \d: the loss is (nan|inf) \(learning rate 1e\+30, gradient norm \S+\)", problem)
    for remedy in ("lower optimizer.lr", "schedule.warmup_steps", "optimizer.clip", "bf16"):
        assert remedy in problem
    named = int(re.findall(r"step (\d):", problem)[0])
    assert all(int(one.split("-")[1]) < named for one in trial.checkpoints()), "no checkpoint of a lost model"


def test_all_ranks_stop_at_a_loss_that_is_no_number_and_one_tells(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", PRESET, *SHORT, "optimizer.name=sgd", "optimizer.lr=1e30", steps=10, ranks=2)
    assert trial.code == 1
    assert len(trial.problems()) == 1


def forward_takes_a_petabyte(_rank: int) -> None:
    import torch

    from training.models import mlp

    forward = mlp.Model.forward

    def greedy(self: mlp.Model, batch: Any) -> Any:
        torch.empty(1 << 50)
        return forward(self, batch)

    mlp.Model.forward = greedy


def test_out_of_memory_names_the_knobs(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", PRESET, *SHORT, before=forward_takes_a_petabyte)
    assert trial.code == 1
    (problem,) = trial.problems()
    assert "step 1: out of memory on the cpu of rank 0 at batch.micro=64" in problem
    assert "batch.micro=32 with batch.accumulation=2 (the same samples a step), then --set precision=bf16" in problem


def rank_1_dies(rank: int) -> None:
    """After step 5, once all ranks are through it: what it has sent to them may not arrive any more when it is dead."""

    def act(run: Any) -> None:
        places = [run.output.with_name(f"through.{number}") for number in range(3)]
        places[rank].touch()
        if rank == 1:
            runs.until(lambda: all(place.exists() for place in places), "all ranks through step 5")
            os.kill(os.getpid(), signal.SIGKILL)

    runs.at_step(5, act)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_dead_rank_ends_the_others_with_a_message(tmp_path: Path, strategy: str) -> None:
    settings = (*SHORT, f"parallel.strategy={strategy}", "parallel.timeout_s=20")
    trial = runs.run(tmp_path / "run", "bloom-560m-tiny", *settings, steps=50, ranks=3, before=rank_1_dies)
    assert trial.codes == [1, -9, 1]
    for rank in (0, 2):
        (problem,) = [line for line in trial.errors(rank).splitlines() if line.startswith("error: ")]
        assert f"rank {rank}: step 6: another rank is gone or stuck" in problem
        assert "the last whole checkpoint is of step " in problem
        assert "--resume auto" in problem


def rank_1_stands_still(rank: int) -> None:
    if rank == 1:
        runs.at_step(3, lambda _: os.kill(os.getpid(), signal.SIGSTOP))


def test_a_stuck_rank_ends_the_others_within_the_timeout(tmp_path: Path) -> None:
    settings = (*SHORT, "checkpoint.every=none", "parallel.timeout_s=15")
    trial = runs.start(tmp_path / "run", PRESET, *settings, steps=50, ranks=2, before=rank_1_stands_still)
    trial.ranks[0].join(runs.PATIENCE_S)
    trial.ranks[1].kill()
    trial.wait()
    assert trial.codes == [1, -9]
    (problem,) = trial.problems()
    assert "rank 0: step 4: another rank is gone or stuck" in problem
    assert "there is no whole checkpoint yet" in problem


def rank_1_dies_while_building(rank: int) -> None:
    from training.train import optim

    if rank == 1:
        optim.make = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]


def test_a_rank_that_dies_at_the_start_is_told_too(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", PRESET, *SHORT, ranks=2, before=rank_1_dies_while_building)
    assert trial.codes == [1, -9]
    (problem,) = trial.problems()
    assert "rank 0: another rank is gone or stuck while the run starts" in problem


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Prepared digits in several shards."""
    sources = example.write("digits", tmp_path / "source", 400)
    prepare.prepare([sources[0].parent], tmp_path / "data", Recipe("digits", dev=0.1, shard_bytes=50_000))
    return tmp_path / "data"


def test_prepared_data_trains_by_epochs(tmp_path: Path, data: Path) -> None:
    trial = runs.run(tmp_path / "run", PRESET, "epochs=2", steps=None, flags=("--data", str(data)))
    assert trial.code == 0, trial.errors()
    assert trial.result()["dev"]["samples"] > 0
    last = runs.lines(trial.output / "metrics.jsonl")[-1]
    assert last["epoch"] >= 2
    assert last["samples"] == last["step"] * 64


def test_a_split_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    example.write("tokens", tmp_path / "source", 60)
    prepare.prepare([tmp_path / "source"], tmp_path / "data", Recipe("tokens", dev=0.2))
    trial = runs.run(tmp_path / "run", "bloom-560m-tiny", steps=3, flags=("--data", str(tmp_path / "data")))
    assert trial.code == 0, trial.errors()
    assert trial.result()["dev"]["perplexity"] > 1
    assert trial.result()["test"] is None
    assert (trial.output / "export" / "preprocessing.json").exists(), "a server knows the tokenizer"


@pytest.mark.parametrize("harm", ["missing", "corrupt"])
def test_a_bad_shard_is_named(tmp_path: Path, data: Path, harm: str) -> None:
    shard = next(one for one in sorted(data.rglob("*")) if "train" in one.name)
    if harm == "missing":
        shard.unlink()
    else:
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    trial = runs.run(tmp_path / "run", PRESET, *SHORT, steps=60, flags=("--data", str(data)))
    assert trial.code == 2
    (problem,) = trial.problems()
    assert f"shard {shard}: is {harm}" in problem


def test_weights_that_do_not_fit_are_told(tmp_path: Path) -> None:
    trained = runs.run(tmp_path / "trained", PRESET, "evaluate_batches=0", steps=2)
    folder = tmp_path / "trained" / "export"
    assert trained.code == 0
    settings = (*SHORT, f"model.weights={folder}")
    fits = runs.run(tmp_path / "fits", PRESET, *settings, steps=2)
    assert fits.code == 0, fits.errors()
    refused = runs.run(tmp_path / "run", PRESET, *settings, "model.overrides.hidden_size=16", steps=2)
    assert refused.code == 2
    assert len(refused.problems()) == 1
    assert "first.weight" in refused.problems()[0]


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    trial = runs.run(tmp_path / "file", PRESET, *SHORT)
    assert trial.code == 2
    assert trial.problems() == [f"error: --output {tmp_path / 'file'}: File exists; give a folder of yours"]


def test_endless_data_needs_steps(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", "bloom-560m-tiny", *SHORT, steps=None)
    assert trial.code == 2
    assert trial.problems() == ["error: steps: synthetic tokens never end; give --steps, or data.samples"]
