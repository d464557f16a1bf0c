"""Rank 0 learns of every rank: those that report, fail, die or never come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.training.bench.samples import process, report
from training.bench.reports import Board, Line, connect

Rank = Callable[[Line], Awaitable[None]]


async def hello(line: Line, rank: int) -> dict[str, Any] | None:
    await line.send("hello", rank=rank, process=process(rank))
    return await line.receive()


async def healthy(line: Line, rank: int) -> None:
    """Says hello, measures, reports, waits for the end."""
    assert (await hello(line, rank) or {})["kind"] == "go"
    await line.send(**report(rank))
    while (word := await line.receive()) and word["kind"] != "end":
        pass
    line.close()


async def failing(line: Line, rank: int) -> None:
    await hello(line, rank)
    await line.send(**report(rank) | {"error": "out of memory"})
    while (word := await line.receive()) and word["kind"] != "end":
        pass
    line.close()


async def dying(line: Line, rank: int) -> None:
    await hello(line, rank)
    line.close()


async def stopped(line: Line, rank: int) -> None:
    """A rank that would measure for ever: it ends when it is told to."""
    await hello(line, rank)
    word = await line.receive()
    assert word is not None
    assert word["kind"] == "stop"
    await line.send(**report(rank) | {"error": f"stopped: {word['why']}"})
    await line.receive()
    line.close()


def meet(
    *ranks: Callable[[Line, int], Awaitable[None]], start: float = 60, limit: float = 60, world: int = 0, early: int = 0
) -> Board:
    """A board with these ranks at it, after it is over. So many have said hello before it begins to wait: `early`."""

    async def run() -> Board:
        board = Board(world or len(ranks))
        server = await board.open(0)
        port = server.sockets[0].getsockname()[1]

        async def one(number: int, rank: Callable[[Line, int], Awaitable[None]]) -> None:
            await rank(await connect("127.0.0.1", port, 60), number)

        others = [asyncio.create_task(one(number, rank)) for number, rank in enumerate(ranks)]
        assert await board._until(lambda: len(board._lines) >= early, 60)
        await board.preside(start, limit)
        await asyncio.gather(*others)
        await board.close()
        server.close()
        return board

    return asyncio.run(run())


def test_the_reports_of_all_ranks_arrive() -> None:
    board = meet(healthy, healthy, healthy)
    assert board.errors == []
    assert sorted(board.reports) == [0, 1, 2]
    assert all(one["figures"] for one in board.reports.values())


def test_a_failing_rank_stops_the_others_and_is_named_first() -> None:
    board = meet(stopped, failing)
    assert board.errors == ["rank 1 (job-1): out of memory"]


def test_a_rank_that_dies_is_named() -> None:
    board = meet(stopped, dying)
    assert board.errors == ["rank 1 (job-1) went away without a report"]


def test_a_rank_that_never_comes_is_named() -> None:
    board = meet(_refused, start=0.5, world=3, early=1)
    assert board.errors == ["rank 1, 2 of 3 did not report within 0.5 s"]


def test_ranks_that_do_not_finish_are_stopped() -> None:
    board = meet(stopped, stopped, limit=0.5)
    assert board.errors == ["rank 0, 1 did not finish within 0.5 s"]


def test_a_second_process_of_one_rank_is_an_error() -> None:
    board = meet(lambda line, _: _refused(line, 0), lambda line, _: _refused(line, 0))
    assert any("there is one already" in error for error in board.errors)


def test_rank_zero_that_cannot_be_reached_is_given_up_with_the_reason() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # bound and not listening: nobody else can take it
        with pytest.raises(TimeoutError, match=f"rank 0 at 127.0.0.1:{port} could not be reached in 0.3 s"):
            asyncio.run(connect("127.0.0.1", port, 0.3))
    with pytest.raises(TimeoutError, match="rank 0 at no-such-name"):
        asyncio.run(connect("no-such-name.invalid", port, 0.3))


async def _refused(line: Line, rank: int) -> None:
    """A rank that is told to stop instead of to go."""
    word = await hello(line, rank)
    assert word is None or word["kind"] in {"stop", "end"}
    line.close()
