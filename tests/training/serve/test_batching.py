"""Dynamic batching."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from training.serve.batching import Batcher
from training.serve.requests import ApiError


class Piece:
    """A number that waits for its batch."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[int] = self.loop.create_future()

    def failed(self, problem: BaseException) -> None:
        self.done.set_exception(problem)


class Machine:
    """Runs batches and notes them; the first one waits for `go`."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.go, self.began = threading.Event(), threading.Event()
        if not held:
            self.go.set()

    def run(self, batch: Sequence[Piece]) -> None:
        self.batches.append([one.number for one in batch])
        self.began.set()
        assert self.go.wait(20)
        for one in batch:
            one.loop.call_soon_threadsafe(one.done.set_result, one.number * 10)


def test_what_comes_while_a_batch_runs_is_one_batch_of_bounded_size() -> None:
    async def scenario() -> list[list[int]]:
        machine = Machine(held=True)
        batcher = Batcher(machine.run, most=3, wait_s=0, queue=100)
        batcher.start()
        first = Piece(0)
        batcher.put([first])
        await asyncio.to_thread(machine.began.wait, 20)
        others = [Piece(number) for number in range(1, 6)]
        batcher.put(others)
        machine.go.set()
        assert await asyncio.gather(*(one.done for one in (first, *others))) == [0, 10, 20, 30, 40, 50]
        await batcher.stop()
        return machine.batches

    assert asyncio.run(scenario()) == [[0], [1, 2, 3], [4, 5]]


def test_the_first_waits_for_others() -> None:
    async def scenario() -> list[list[int]]:
        machine = Machine()
        batcher = Batcher(machine.run, most=2, wait_s=60, queue=100)
        batcher.start()
        first = Piece(1)
        batcher.put([first])
        await asyncio.sleep(0)
        second = Piece(2)
        batcher.put([second])
        await asyncio.gather(first.done, second.done)
        await batcher.stop()
        return machine.batches

    assert asyncio.run(scenario()) == [[1, 2]]


def test_too_much_waiting_work_is_refused_whole() -> None:
    async def scenario() -> int:
        batcher = Batcher(Machine().run, most=2, wait_s=0, queue=3)
        batcher.put([Piece(1), Piece(2)])
        with pytest.raises(ApiError) as caught:
            batcher.put([Piece(3), Piece(4)])
        assert caught.value.status == 429
        return batcher.waiting

    assert asyncio.run(scenario()) == 2


def test_a_batch_that_fails_fails_its_pieces_only() -> None:
    async def scenario() -> None:
        def run(batch: Sequence[Piece]) -> None:
            if batch[0].number == 1:
                raise MemoryError
            batch[0].loop.call_soon_threadsafe(batch[0].done.set_result, 7)

        batcher = Batcher(run, most=1, wait_s=0, queue=9)
        batcher.start()
        bad, good = Piece(1), Piece(2)
        batcher.put([bad, good])
        with pytest.raises(MemoryError):
            await bad.done
        assert await good.done == 7
        await batcher.stop()

    asyncio.run(scenario())
