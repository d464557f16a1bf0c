"""The order in which samples are read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.data.order import WINDOW, Order, permute

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=25).filter(lambda counts: sum(counts) > 0)


@given(st.integers(1, 3000), st.integers(0, 2**64 - 1))
def test_a_permutation_reaches_every_number_once(count: int, key: int) -> None:
    assert sorted(permute(np.arange(count), count, key)) == list(range(count))


def test_two_keys_permute_differently_and_neither_leaves_things_in_place() -> None:
    first, second = (permute(np.arange(1000), 1000, key) for key in (1, 2))
    assert (first == second).mean() < 0.02
    assert (first == np.arange(1000)).mean() < 0.02


@given(COUNTS, st.integers(0, 9), st.booleans(), st.integers(1, 5))
def test_an_epoch_visits_every_sample_once(counts: list[int], seed: int, shuffle: bool, window: int) -> None:
    order = Order(counts, seed, shuffle=shuffle, window=window)
    everything = {(shard, sample) for shard, count in enumerate(counts) for sample in range(count)}
    for epoch in range(2):
        shards, samples = order.locate(np.arange(epoch * order.total, (epoch + 1) * order.total))
        visited = list(zip(shards.tolist(), samples.tolist(), strict=True))
        assert len(visited) == len(everything)
        assert set(visited) == everything


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, second = (np.stack(Order([50, 50], seed, shuffle=True).locate(np.arange(200))) for seed in (0, 1))
    assert (first[:, :100] != first[:, 100:]).any()
    assert (first != second).any()


def test_without_shuffling_samples_come_as_they_lie() -> None:
    shards, samples = Order([2, 0, 3], 7, shuffle=False).locate(np.arange(5))
    assert shards.tolist() == [0, 0, 2, 2, 2]
    assert samples.tolist() == [0, 1, 0, 1, 2]


def test_an_epoch_needs_a_few_shards_at_a_time_only() -> None:
    order = Order([10] * 5 * WINDOW, 0, shuffle=True)
    for start in range(0, order.total, 10 * WINDOW):
        shards, _ = order.locate(np.arange(start, start + 10 * WINDOW))
        assert len(set(shards.tolist())) == WINDOW


def test_any_part_of_the_order_can_be_asked_for_alone() -> None:
    order = Order([13, 7, 29], 3, shuffle=True)
    whole = np.stack(order.locate(np.arange(120)))
    assert (np.stack(order.locate(np.arange(45, 101))) == whole[:, 45:101]).all()


def test_a_choice_of_samples_is_fixed_and_stands_for_the_whole() -> None:
    """Half of each shard is to be expected; a prefix would have all of the first and none of the last."""
    counts = [400] * 10
    order = Order(counts, 3, shuffle=False, most=400)
    shards, samples = order.locate(np.arange(400))
    assert (order.total, order.there) == (400, 4000)
    assert len(set(zip(shards.tolist(), samples.tolist(), strict=True))) == 400, "no sample twice"
    taken = np.bincount(shards, minlength=10)
    assert taken.min() > 15
    assert taken.max() < 80
    assert (np.diff(shards) >= 0).all(), "each shard is opened once"
    assert np.array_equal(shards, Order(counts, 3, shuffle=False, most=400).locate(np.arange(400))[0])
    assert Order(counts, 3, shuffle=False, most=9999).total == 4000
