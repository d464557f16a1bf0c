"""A search finds the good values, stops the bad ones early, and works as a Job array."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.training_torch import runs
from training.data import example, prepare
from training.data.recipe import Recipe

QUICK = ("--preset", "mnist-mlp-tiny", "--set", "export=false", "--set", "evaluate_batches=2")
GRID = ("--sampler", "grid", "--space", "optimizer.lr=1e-5,1e-4,1e-3,1e-2,3e-5", "--steps", "25")


def search(output: Path, *flags: str, environment: dict[str, str] | None = None, **more: Any) -> runs.Trial:
    arguments = [*QUICK, "--output", str(output), *flags]
    return runs.start_command("training.search.cli", output, arguments, environment=environment or {}, **more)


def found(output: Path) -> dict[str, Any]:
    return json.loads((output / "search.json").read_text())


def test_a_grid_search_finds_the_best_and_stops_a_bad_one_early(tmp_path: Path) -> None:
    trial = search(tmp_path / "out", *GRID).wait()
    assert trial.code == 0, trial.errors()
    result = trial.result()
    assert result == found(tmp_path / "out")
    assert result["best"]["params"] == {"optimizer.lr": 1e-2}
    states = {row["index"]: row["state"] for row in result["trials"]}
    assert states == {0: "complete", 1: "complete", 2: "complete", 3: "complete", 4: "stopped early"}
    assert result["trials"][4]["steps"] < 25


def test_pods_of_an_array_share_a_journal(tmp_path: Path) -> None:
    pods = [search(tmp_path / "out", *GRID, environment={"JOB_COMPLETION_INDEX": str(index)}) for index in range(5)]
    assert [pod.wait().codes for pod in pods] == [[0]] * 5, [pod.errors() for pod in pods]
    result = found(tmp_path / "out")
    assert [row["index"] for row in result["trials"]] == [0, 1, 2, 3, 4]
    assert result["best"]["params"] == {"optimizer.lr": 1e-2}


def killed(_rank: int) -> None:
    runs.at_step(13, runs.kill_after_checkpoint)


def interrupted(_rank: int) -> None:
    runs.at_step(13, lambda _: os.kill(os.getpid(), signal.SIGTERM))


def test_a_killed_trial_goes_on_with_the_same_values(tmp_path: Path) -> None:
    flags = ("--space", "optimizer.lr=1e-3..1e-1:log", "--index", "2", "--steps", "25")
    assert search(tmp_path / "out", *flags, before=killed).wait().codes == [-9]
    assert search(tmp_path / "out", *flags, before=interrupted).wait().code == 75
    done = search(tmp_path / "out", *flags).wait()
    assert done.code == 0, done.errors()
    events = [one["event"] for one in runs.lines(tmp_path / "out" / "trial-2" / "events.jsonl")]
    assert events.count("started") == 1
    assert events.count("resumed") == 2
    (row,) = found(tmp_path / "out")["trials"]
    assert (row["index"], row["state"]) == (2, "complete")
    again = search(tmp_path / "out", *flags).wait()
    assert again.code == 0
    assert len(runs.lines(tmp_path / "out" / "trial-2" / "metrics.jsonl")) == 25, "a trial that is done is not repeated"


def test_values_that_lose_the_model_are_an_answer(tmp_path: Path) -> None:
    flags = ("--sampler", "grid", "--space", "optimizer.lr=1e30,1e-2", "--steps", "10", "--set", "optimizer.name=sgd")
    trial = search(tmp_path / "out", *flags).wait()
    assert trial.code == 0, trial.errors()
    lost, kept = trial.result()["trials"]
    assert (lost["state"], kept["state"]) == ("failed", "complete")
    assert "the loss is" in lost["problem"]


def test_data_without_a_dev_split_cannot_rank_trials_and_says_so(tmp_path: Path) -> None:
    sources = example.write("digits", tmp_path / "source", 200)
    prepare.prepare([sources[0].parent], tmp_path / "data", Recipe("digits"))
    flags = ("--space", "optimizer.lr=1e-3,1e-2", "--steps", "1", "--set", f"data.source={tmp_path / 'data'}")
    trial = search(tmp_path / "out", "--sampler", "grid", *flags).wait()
    assert trial.code == 2, trial.errors()
    assert "has no dev split to compare trials by; prepare it with --dev" in trial.problems()[0]


def test_wrong_usage_is_told_at_once(tmp_path: Path) -> None:
    flags = ("--space", "optimizer.l=1e-4..1e-1", "--space", "batch.micro=16,x", "--sampler", "gridd", "--metric", "f1")
    trial = search(tmp_path / "out", *flags).wait()
    assert trial.code == 2
    assert len(trial.problems()) == 5
    assert not (tmp_path / "out").exists()
