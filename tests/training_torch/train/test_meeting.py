"""Ranks that are started again meet each other and none of the dead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch.distributed as dist

from training.train.meeting import life


def meet(store: dist.Store, world: int) -> list[str]:
    with ThreadPoolExecutor(world) as threads:
        # Rank 0 last: the others wait for it.
        ranks = [threads.submit(life, store, rank, world, 20.0) for rank in reversed(range(world))]
        return [one.result() for one in ranks]


def test_all_ranks_of_a_life_have_one_name_and_each_life_its_own() -> None:
    store = dist.HashStore()
    first, second, third = meet(store, 4), meet(store, 4), meet(store, 3)
    assert len(set(first)) == len(set(second)) == len(set(third)) == 1
    assert len({first[0], second[0], third[0]}) == 3


def test_words_of_a_life_that_never_began_do_no_harm() -> None:
    store = dist.HashStore()
    for rank in (1, 2):
        store.set(f"ask/{rank}", "of a rank that died waiting")
    assert len(set(meet(store, 3))) == 1


def test_a_rank_that_does_not_come_is_named() -> None:
    with pytest.raises(RuntimeError, match="ranks 1, 2 are not there"):
        life(dist.HashStore(), 0, 3, 0.05)
