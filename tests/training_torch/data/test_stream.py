"""Streams: shapes, ranks, resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training_torch.data.samples import prepared
from training.data import DataSpec, Stream, open_stream
from training.errors import BadInput

KINDS = ("tokens", "texts", "images", "digits")
SHAPES = {
    "tokens": {"input_ids": (4, 16), "labels": (4, 16)},
    "texts": {"input_ids": (4, 16), "attention_mask": (4, 16), "labels": (4,)},
    "images": {"images": (4, 3, 32, 32), "labels": (4,)},
    "digits": {"images": (4, 28, 28), "labels": (4,)},
}


class Numbers:
    """A source whose samples are their own numbers."""

    identity = "numbers"

    def __init__(self, counts: list[int] | None) -> None:
        self.counts = counts

    def batch(self, shards: np.ndarray, samples: np.ndarray) -> dict[str, np.ndarray]:
        starts = np.cumsum([0, *(self.counts or [0])])
        return {"number": starts[shards] + samples}


def numbers(
    world: int, batch: int, *, counts: list[int] | None, rank: int = 0, repeat: bool = True, prefetch: int = 0
) -> Stream:
    spec = DataSpec("tokens", repeat=repeat, prefetch=prefetch)
    return Stream(Numbers(counts), spec, rank=rank, world=world, seed=5, batch_size=batch)


def take(streams: list[Stream], steps: int) -> list[int]:
    """What all ranks together see, in order."""
    return [int(one) for _ in range(steps) for stream in streams for one in next(stream)["number"]]


def spec_of(kind: str, folder: Path | None, **more: object) -> DataSpec:
    source = str(folder) if folder else "synthetic"
    return DataSpec(kind, source, sequence_length=16, vocabulary=300, classes=10, image_size=32, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("real", [False, True])
def test_batches_have_the_promised_names_shapes_and_types(kind: str, real: bool, tmp_path: Path) -> None:
    if real:
        prepared(tmp_path / "data", kind)
    spec = spec_of(kind, tmp_path / "data" if real else None)
    with open_stream(spec, rank=0, world=1, seed=0, batch_size=4) as stream:
        batch = next(stream)
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == SHAPES[kind]
    for name, tensor in batch.items():
        assert tensor.dtype == (torch.float32 if name == "images" else torch.int64)
        assert tensor.device.type == "cpu"


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_stream_goes_on_bit_for_bit(kind: str, tmp_path: Path) -> None:
    prepared(tmp_path / "data", kind)
    spec = spec_of(kind, tmp_path / "data")
    with open_stream(spec, rank=0, world=1, seed=3, batch_size=4) as whole:
        next(whole)
        state = whole.state_dict()
        rest = [next(whole) for _ in range(3)]
    with open_stream(spec, rank=0, world=1, seed=3, batch_size=4) as resumed:
        resumed.load_state_dict(state)
        for wanted in rest:
            found = next(resumed)
            assert all(torch.equal(wanted[name], found[name]) for name in wanted)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 12), min_size=1, max_size=12).filter(lambda counts: sum(counts) >= 6),
    before=st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(0, 5)),
    after=st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5)),
)
def test_at_another_world_size_no_sample_is_missed_or_seen_twice(
    counts: list[int], before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    (world, batch, steps), (new_world, new_batch, new_steps) = before, after
    first = [numbers(world, batch, counts=counts, rank=rank) for rank in range(world)]
    seen = take(first, steps)
    state = first[-1].state_dict()
    assert all(stream.state_dict() == state for stream in first)
    second = [numbers(new_world, new_batch, counts=counts, rank=rank) for rank in range(new_world)]
    for stream in second:
        stream.load_state_dict(state)
    seen += take(second, new_steps)
    alone = numbers(1, len(seen), counts=counts)
    assert seen == next(alone)["number"].tolist()


@given(st.integers(6, 60), st.integers(1, 6), st.integers(1, 7))
def test_one_pass_gives_every_rank_the_same_batches_and_leaves_out_less_than_a_sample_a_rank(
    total: int, world: int, batch: int
) -> None:
    streams = [numbers(world, batch, counts=[total], rank=rank, repeat=False) for rank in range(world)]
    found = [[one["number"].tolist() for one in stream] for stream in streams]
    assert len({tuple(len(one) for one in batches) for batches in found}) == 1
    seen = [one for batches in found for part in batches for one in part]
    assert len(seen) == len(set(seen)) == total - total % world if total % (world * batch) else total


def test_background_threads_change_nothing() -> None:
    alone, ahead = (numbers(2, 3, counts=[20, 20], prefetch=prefetch) for prefetch in (0, 4))
    assert take([alone], 12) == take([ahead], 12)
    ahead.close()


def test_the_state_counts_batches_that_were_taken_not_those_made_ahead() -> None:
    with numbers(1, 3, counts=[40], prefetch=4) as stream:
        take([stream], 2)
        assert stream.state_dict()["samples_seen"] == 6


def test_epochs_are_told() -> None:
    with numbers(2, 5, counts=[25]) as stream:
        assert stream.batches_per_epoch == 3
        take([stream], 2)
        assert stream.epoch == pytest.approx(20 / 25)


def test_endless_data_has_no_epochs() -> None:
    with numbers(1, 4, counts=None) as stream:
        assert stream.batches_per_epoch is None
        assert take([stream], 2) == list(range(8))


def test_a_problem_in_a_background_thread_reaches_the_caller() -> None:
    class Broken(Numbers):
        def batch(self, shards: np.ndarray, samples: np.ndarray) -> dict[str, np.ndarray]:
            raise BadInput("shard x: is corrupt")

    with (
        Stream(Broken([9]), DataSpec("tokens", prefetch=3), rank=0, world=1, seed=0, batch_size=2) as stream,
        pytest.raises(BadInput, match="shard x: is corrupt"),
    ):
        next(stream)


def test_after_a_problem_the_same_batch_is_made_again() -> None:
    class Once(Numbers):
        broken = True

        def batch(self, shards: np.ndarray, samples: np.ndarray) -> dict[str, np.ndarray]:
            if self.broken:
                self.broken = False
                raise OSError("a moment without the file system")
            return super().batch(shards, samples)

    spec = DataSpec("tokens", prefetch=0)
    with Stream(Once([9]), spec, rank=0, world=1, seed=5, batch_size=2) as stream:
        with pytest.raises(OSError, match="a moment"):
            next(stream)
        assert take([stream], 3) == take([numbers(1, 2, counts=[9])], 3)


def test_the_state_of_other_data_or_another_seed_is_refused() -> None:
    stream = numbers(1, 2, counts=[9])
    with pytest.raises(BadInput) as caught:
        stream.load_state_dict({**stream.state_dict(), "seed": 6, "data": "letters"})
    assert len(caught.value.problems) == 2
    assert "'letters', this run 'numbers'" in str(caught.value)


def test_all_problems_of_a_specification_are_told_at_once() -> None:
    spec = DataSpec("sounds", sequence_length=0)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as caught:
        open_stream(spec, rank=3, world=2, seed=0, batch_size=0)
    text = str(caught.value)
    for part in ("'sounds' is not one of tokens", "sequence_length: 0", "batch_size: 0", "rank: 3"):
        assert part in text


def test_fewer_samples_than_ranks_are_refused() -> None:
    with pytest.raises(BadInput, match="3 samples for 4 ranks"):
        numbers(4, 1, counts=[3])
