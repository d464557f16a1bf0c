"""Dynamic batching: work that waits is run together, at most so much and after at most so long. Knows no model.

One thread runs the batches, one after the other, in the order in which the work came.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from training.serve.requests import BUSY, ApiError


class Work(Protocol):
    """One piece of a batch."""

    def failed(self, problem: BaseException) -> None:
        """Called in the event loop when the batch it was in raised."""
        ...


W = TypeVar("W", bound=Work)


class Batcher(Generic[W]):
    """Collects work and runs it."""

    def __init__(
        self, run: Callable[[Sequence[W]], None], *, most: int, wait_s: float, queue: int,
        observed: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._run, self._most, self._wait_s, self._queue_most = run, most, wait_s, queue
        self._observed = observed
        self._queue: asyncio.Queue[W] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batch")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    def start(self) -> None:
        """In the event loop that will use it."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def stop(self) -> None:
        """Give up what waits; a batch that runs is awaited."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(wait=True)

    def put(self, work: Sequence[W]) -> None:
        """Queue work, all or nothing. Raises ApiError 429 when too much waits."""
        if self.waiting + len(work) > self._queue_most:
            message = f"{self.waiting} requests wait already; try again later"
            raise ApiError(429, message, kind=BUSY, code="overloaded")
        for one in work:
            self._queue.put_nowait(one)

    async def _work(self) -> None:
        while True:
            batch = await self._collect()
            self._observed(len(batch))
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._run, batch)
            except Exception as problem:  # noqa: BLE001 - one bad batch must not end the server
                for one in batch:
                    one.failed(problem)

    async def _collect(self) -> list[W]:
        """The next batch: what there is, or comes within the wait."""
        batch = [await self._queue.get()]
        loop = asyncio.get_running_loop()
        end = loop.time() + self._wait_s
        while len(batch) < self._most:
            if not self._queue.empty():
                batch.append(self._queue.get_nowait())
                continue
            left = end - loop.time()
            if left <= 0:
                break
            try:
                batch.append(await asyncio.wait_for(self._queue.get(), left))
            except TimeoutError:
                break
        return batch
