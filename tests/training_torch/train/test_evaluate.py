"""The figures of an evaluation, against a table worked out by hand, and the samples that they are of."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tests.training_torch import runs
from training.data import prepare
from training.data.recipe import Recipe
from training.models.interface import Model
from training.train.evaluate import confusion, predicted, summarise

TRUE = torch.tensor([0, 0, 0, 1, 1, 2])
GUESS = torch.tensor([0, 0, 1, 1, 0, 0])


def report(classes: int = 4):
    matrix = confusion(GUESS, TRUE, classes).flatten().double()
    return summarise(torch.cat([torch.tensor([12.0, 6.0, 6.0], dtype=torch.float64), matrix]), classes, 9)


def test_precision_recall_and_f1_of_each_class() -> None:
    found = report()
    assert found.loss == 2.0
    assert found.accuracy == pytest.approx(3 / 6)
    first, second, third, fourth = found.classes
    assert (first.precision, first.recall, first.support) == (2 / 4, 2 / 3, 3)
    assert first.f1 == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))
    assert (second.precision, second.recall, second.f1, second.support) == (1 / 2, 1 / 2, 1 / 2, 2)
    assert (third.precision, third.recall, third.f1) == (None, 0.0, 0.0), "never predicted: no precision"
    assert (fourth.precision, fourth.recall, fourth.f1, fourth.support) == (None, None, None, 0), "not there: no recall"


def test_figures_for_an_event_are_flat() -> None:
    figures = report().figures()
    assert figures["f1_1"] == 0.5
    assert figures["support_0"] == 3
    assert "perplexity" not in figures


def test_perplexity_is_e_to_the_loss_per_token() -> None:
    found = summarise(torch.tensor([6.0, 3.0, 1.0], dtype=torch.float64), 0, 1)
    assert found.loss == 2.0
    assert found.perplexity == pytest.approx(math.exp(2))
    assert found.accuracy is None


def test_one_logit_is_a_class_by_its_sign_and_several_by_the_largest() -> None:
    assert predicted(torch.tensor([-1.0, 0.5])).tolist() == [0, 1]
    assert predicted(torch.tensor([[0.1, 0.9], [2.0, 1.0]])).tolist() == [1, 0]


def test_every_model_has_a_task() -> None:
    from training.models import bert, bilstm, bloom, gpt, mlp, resnet

    found: dict[str, type[Model]] = {one.__name__: one.Model for one in (bert, bilstm, bloom, gpt, mlp, resnet)}
    assert {one.task for one in found.values()} == {"causal-lm", "classification", "binary"}


@pytest.fixture(scope="module")
def by_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of two classes, a folder each: the samples of a class lie together in the shards, the first class first."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("bad", "good"):
        (folder / "source" / name).mkdir(parents=True)
        for number in range(300):
            (folder / "source" / name / f"{number:03}.txt").write_text(f"{name} text number {number}")
    recipe = Recipe("texts", label_field="@folder", dev=0.5, shard_bytes=1000)
    prepare.prepare([folder / "source"], folder / "prepared", recipe)
    return folder / "prepared"


CLASSIFIER = ("export=false", "data.sequence_length=16", "batch.evaluation=8", "evaluate_every=1")


def test_the_whole_split_is_evaluated_at_the_end_and_a_fair_choice_before(tmp_path: Path, by_folder: Path) -> None:
    flags = ("--data", str(by_folder))
    trial = runs.run(tmp_path / "run", "bert-classifier-tiny", *CLASSIFIER, steps=3, flags=flags)
    assert trial.code == 0, trial.errors()
    *between, end = trial.events("evaluation")
    for one in between:
        assert one["samples"] == 16 * 8 < one["split_samples"]
        assert min(one["support_0"], one["support_1"]) > 0.25 * one["samples"], "both classes, as in the split"
    assert len({(one["support_0"], one["support_1"]) for one in between}) == 1, "the same samples each time"
    assert end["samples"] == end["split_samples"] == trial.result()["dev"]["samples"]
    assert f"{end['split_samples']} of {end['split_samples']} samples" in trial.errors()
    assert f"128 of {end['split_samples']} samples" in trial.errors()


def test_a_bound_holds_at_the_end_too_and_ranks_share_it(tmp_path: Path, by_folder: Path) -> None:
    settings = (*CLASSIFIER, "evaluate_batches=2", "evaluate_every=none")
    flags = ("--data", str(by_folder))
    trial = runs.run(tmp_path / "run", "bert-classifier-tiny", *settings, steps=1, ranks=2, flags=flags)
    assert trial.code == 0, trial.errors()
    report = trial.result()["dev"]
    assert report["samples"] == 2 * 2 * 8 < report["split_samples"]
    assert all(one["support"] > 0 for one in report["classes"])


def test_a_split_too_short_for_a_sample_is_told_at_the_start_and_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for number in range(60):
        (tmp_path / "source" / f"{number}.txt").write_text(f"some words of text number {number} " * 12)
    prepare.prepare([tmp_path / "source"], tmp_path / "data", Recipe("tokens", dev=0.05))
    settings = ("data.sequence_length=4096", "batch.micro=1", "evaluate_every=1")
    trial = runs.run(tmp_path / "run", "bloom-560m-tiny", *settings, steps=2, flags=("--data", str(tmp_path / "data")))
    assert trial.code == 0, trial.errors()
    assert "dev: 0 samples of 4096 tokens for 1 ranks: this split will not be evaluated" in trial.errors()
    assert trial.result()["dev"] is None
    assert (trial.output / "export" / "model.safetensors").exists()


def test_a_model_is_exported_before_it_is_evaluated(tmp_path: Path, by_folder: Path) -> None:
    """A shard that was lost meanwhile costs the figures, not the model."""
    data = tmp_path / "data"
    data.mkdir()
    for one in by_folder.iterdir():
        (data / one.name).write_bytes(one.read_bytes())
    next(data.glob("dev-*")).unlink()
    settings = ("data.sequence_length=16",)
    trial = runs.run(tmp_path / "run", "bert-classifier-tiny", *settings, steps=2, flags=("--data", str(data)))
    assert trial.code == 1, "2 would say that nothing was trained"
    assert (trial.output / "export" / "model.safetensors").exists()
    assert "is missing" in trial.problems()[0]
    assert "exported to" in trial.problems()[1]
