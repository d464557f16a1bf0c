"""Each pass over the data has its mean loss, also of a run that was interrupted."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from tests.training_torch import runs
from training.train.epochs import Epochs

EPOCHS = ("data.samples=512", "epochs=3", "evaluate_batches=0", "export=false", "checkpoint.every=5")
"""8 steps of 64 samples each."""


def killed_at_14(_rank: int) -> None:
    runs.at_step(14, runs.kill_after_checkpoint)


@pytest.mark.parametrize("log_every", [1, 7])
def test_an_epoch_is_reported_with_the_mean_of_its_losses_whatever_interrupts_it(tmp_path: Path, log_every: int):
    whole = runs.run(tmp_path / "whole", "mnist-mlp-tiny", *EPOCHS, steps=None)
    settings = (*EPOCHS, f"telemetry.log_every={log_every}")
    runs.run(tmp_path / "run", "mnist-mlp-tiny", *settings, steps=None, before=killed_at_14)
    resumed = runs.run(tmp_path / "run", "mnist-mlp-tiny", *settings, steps=None)
    assert resumed.code == 0, resumed.errors()
    losses = list(whole.losses().values())
    expected = {number: mean(losses[8 * number - 8 : 8 * number]) for number in (1, 2, 3)}
    # Records are float32 sums read once; an epoch is their mean.
    assert {one["epoch"]: one["loss"] for one in resumed.events("epoch")} == pytest.approx(expected, rel=1e-6)
    assert {one["step"] for one in resumed.events("epoch")} == {8, 16, 24}
    assert "step 24: epoch 3: mean training loss " in resumed.errors()


def test_a_step_over_the_edge_belongs_to_the_epoch_that_ends() -> None:
    epochs = Epochs(10)
    (first,) = epochs.ended([1.0, 2.0, 3.0], step=3, seen=12, samples_of_a_step=4)
    assert (first.number, first.step, first.loss, first.steps) == (1, 3, 2.0, 3)
    (second,) = epochs.ended([7.0, 9.0], step=5, seen=20, samples_of_a_step=4)
    assert (second.number, second.loss) == (2, 8.0)


def test_endless_data_has_no_epochs() -> None:
    assert not list(Epochs(None).ended([1.0], 1, 64, 64))
