"""A model that is lost (weights that are no numbers) never takes the place of a good one, and a run gets out of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.training_torch import runs

PRESET = "mnist-mlp-tiny"
EACH = ("evaluate_batches=0", "export=false", "checkpoint.every=1", "checkpoint.keep=3", "checkpoint.background=false")
STEPS = 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> runs.Trial:
    """A run that nothing happened to."""
    return runs.run(tmp_path_factory.mktemp("whole") / "run", PRESET, *EACH, steps=STEPS)


def gradient_is_lost_after_3(_rank: int) -> None:
    def spoil(run: Any) -> None:
        next(run.raw.parameters()).register_hook(lambda gradient: gradient * float("nan"))

    runs.at_step(3, spoil)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gradient_that_is_no_number_ends_the_run_before_its_checkpoint(tmp_path: Path, precision: str) -> None:
    """The loss of that step is a number: only the next one would tell, when the weights are saved."""
    settings = (*EACH, f"precision={precision}")
    lost = runs.run(tmp_path / "run", PRESET, *settings, steps=STEPS, before=gradient_is_lost_after_3)
    assert lost.code == 1
    (problem,) = lost.problems()
    assert "step 4: the gradient is nan at a loss of " in problem
    assert lost.checkpoints() == {"step-1", "step-2", "step-3"}
    resumed = runs.run(tmp_path / "run", PRESET, *settings, steps=STEPS)
    assert resumed.code == 0, resumed.errors()
    assert [one["step"] for one in resumed.events("resumed")] == [3]


def test_a_step_between_two_looks_is_judged_too(tmp_path: Path) -> None:
    settings = ("evaluate_batches=0", "export=false", "checkpoint.every=none", "telemetry.log_every=8")
    lost = runs.run(tmp_path / "run", PRESET, *settings, steps=STEPS, before=gradient_is_lost_once)
    assert lost.code == 1
    assert "step 4: the gradient is inf" in lost.problems()[0]


def gradient_is_lost_once(_rank: int) -> None:
    """Without a norm to clip by, and in weights that no later sample may meet."""
    from training.train import precision

    step, count = precision.Precision.step, [0]

    def spoiled(self: Any, model: Any, *more: Any) -> Any:
        count[0] += 1
        if count[0] == 4:
            next(model.parameters()).grad[0, 0] = float("inf")
        return step(self, model, *more)

    precision.Precision.step = spoiled  # type: ignore[method-assign]


def weight_is_lost_after_3(_rank: int) -> None:
    def spoil(run: Any) -> None:
        next(run.raw.parameters()).data[0, 0] = float("nan")

    runs.at_step(3, spoil)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    lost = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS, ranks=2, before=weight_is_lost_after_3)
    assert lost.code == 1
    (problem,) = lost.problems()
    assert "step 3: model first.weight is not finite: no checkpoint is made of it; lower optimizer.lr" in problem
    assert lost.checkpoints() == {"step-1", "step-2"}


def weight_is_lost_and_saved(rank: int) -> None:
    """As a program did that did not look."""
    from training.checkpoint import finite

    finite.lost = lambda *_: None  # type: ignore[assignment]
    weight_is_lost_after_3(rank)


def test_a_checkpoint_of_a_lost_model_is_passed_over_and_the_one_before_taken(tmp_path: Path, whole: runs.Trial):
    lost = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS, before=weight_is_lost_and_saved)
    assert lost.checkpoints() == {"step-1", "step-2", "step-3"}
    resumed = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS)
    assert resumed.code == 0, resumed.errors()
    assert "checkpoint of step 3: model first.weight is not finite; it is kept as step-3.broken" in resumed.errors()
    assert [one["step"] for one in resumed.events("resumed")] == [2]
    assert resumed.losses() == whole.losses()


def every_loss_is_lost(_rank: int) -> None:
    """Weights so large that their first loss is none are numbers still."""
    from training.models import mlp

    forward = mlp.Model.forward

    def lost(self: Any, batch: Any) -> Any:
        found: Any = forward(self, batch)
        return found._replace(loss=found.loss * float("nan"))

    mlp.Model.forward = lost


def test_a_checkpoint_whose_first_loss_is_no_number_is_put_aside_but_never_the_last_one(
    tmp_path: Path, whole: runs.Trial
) -> None:
    runs.run(tmp_path / "run", PRESET, *EACH, steps=4)
    stuck = [runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS, before=every_loss_is_lost) for _ in range(3)]
    assert [one.code for one in stuck] == [1, 1, 1]
    told = stuck[0].errors()
    assert "the checkpoint of step 4 is kept as step-4.broken; start again, it goes on from step 3" in told
    assert stuck[-1].checkpoints() == {"step-2", "step-3.broken", "step-4.broken"}
    resumed = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS)
    assert [one["step"] for one in resumed.events("resumed")] == [4, 3, 2, 2]
    assert resumed.losses() == whole.losses()


def killed_once_saved(_rank: int) -> None:
    """kill -9 as soon as the checkpoint of step 4 has its name."""
    from training.checkpoint import folder

    commit = folder.commit

    def die(root: Path, step: int) -> None:
        commit(root, step)
        if step == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    folder.commit = die


def test_a_step_whose_checkpoint_is_whole_has_its_record(tmp_path: Path, whole: runs.Trial) -> None:
    killed = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS, before=killed_once_saved)
    assert killed.codes == [-9]
    resumed = runs.run(tmp_path / "run", PRESET, *EACH, steps=STEPS)
    assert [one["step"] for one in resumed.events("resumed")] == [4]
    assert resumed.losses() == whole.losses(), "no step is missing"
