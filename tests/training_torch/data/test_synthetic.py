"""Synthetic data can be learned, and is the same every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.data import DataSpec, open_stream
from training.data.synthetic import STEP_ODDS


def batches(spec: DataSpec, count: int, seed: int = 0, batch: int = 64) -> dict[str, np.ndarray]:
    with open_stream(spec, rank=0, world=1, seed=seed, batch_size=batch) as stream:
        found = [next(stream) for _ in range(count)]
    return {name: torch.cat([one[name] for one in found]).numpy() for name in found[0]}


def test_tokens_follow_a_chain_whose_entropy_is_told() -> None:
    found = batches(DataSpec("tokens", sequence_length=256, vocabulary=64), 8)
    counts = np.zeros((64, 64))
    np.add.at(counts, (found["input_ids"].ravel(), found["labels"].ravel()), 1)
    rows = counts / counts.sum(axis=1, keepdims=True)
    entropy = -(counts * np.log(rows, where=rows > 0, out=np.zeros_like(rows))).sum() / counts.sum()
    wanted = -sum(odds * np.log(odds) for odds in STEP_ODDS)
    assert entropy == pytest.approx(wanted, abs=0.03)


def test_labels_of_tokens_are_the_tokens_that_follow() -> None:
    found = batches(DataSpec("tokens", sequence_length=32), 1)
    assert (found["input_ids"][:, 1:] == found["labels"][:, :-1]).all()


@pytest.mark.parametrize("kind", ["texts", "images", "digits"])
def test_classes_can_be_told_apart_by_their_means(kind: str) -> None:
    """Nearest mean of another sample is right far more often than chance: there is something to learn."""
    classes = 10 if kind == "digits" else 3
    spec = DataSpec(kind, sequence_length=64, vocabulary=100, classes=classes, image_size=24)  # type: ignore[arg-type]
    known, asked = (_features(batches(spec, 4, seed=seed), kind) for seed in (0, 1))
    means = np.stack([known[0][known[1] == label].mean(axis=0) for label in range(classes)])
    distance = ((asked[0][:, None] - means[None]) ** 2).sum(axis=2)
    assert (distance.argmin(axis=1) == asked[1]).mean() > 0.5


def _features(found: dict[str, np.ndarray], kind: str) -> tuple[np.ndarray, np.ndarray]:
    if kind != "texts":
        return found["images"].reshape(len(found["images"]), -1), found["labels"]
    words = np.zeros((len(found["labels"]), 100))
    for row, ids, mask in zip(words, found["input_ids"], found["attention_mask"], strict=True):
        np.add.at(row, ids[mask == 1], 1 / mask.sum())
    return words, found["labels"]


def test_padding_is_masked_and_the_padding_token() -> None:
    found = batches(DataSpec("texts", sequence_length=48), 1)
    assert (found["input_ids"][found["attention_mask"] == 0] == 0).all()
    assert (found["input_ids"][found["attention_mask"] == 1] > 0).all()


@pytest.mark.parametrize("kind", ["tokens", "texts", "images", "digits"])
def test_the_same_seed_gives_the_same_data_and_another_split_other_data(kind: str) -> None:
    spec = DataSpec(kind, sequence_length=16, image_size=16)  # type: ignore[arg-type]
    other = DataSpec(kind, sequence_length=16, image_size=16, split="dev")  # type: ignore[arg-type]
    first, again, dev = batches(spec, 1), batches(spec, 1), batches(other, 1)
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != dev[name]).any() for name in first)


def test_ids_stay_below_a_small_vocabulary() -> None:
    for kind in ("tokens", "texts"):
        found = batches(DataSpec(kind, sequence_length=64, vocabulary=5, classes=2), 1)  # type: ignore[arg-type]
        assert found["input_ids"].max() < 5
