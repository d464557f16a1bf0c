"""How ranks find each other and tell rank 0 what they measured: JSON lines over TCP, beside JAX's own connections.

So rank 0 learns of a rank that never came, that failed before JAX ran, or that died in the middle, and says which.
Rank 0 sends `go` when all are there, `stop` when one failed, `end` when it has everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
LINE_LIMIT = 16 << 20
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
STOPPED = "stopped:"
"""How the error of a rank begins that was told to stop."""
LAST_WORDS_SECONDS = 15.0
"""How long rank 0 waits for the others' reports after it told them to stop."""


class Line:
    """A connection that carries messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def own_address(self) -> str:
        return self._writer.get_extra_info("sockname")[0]

    async def send(self, kind: str, **content: Any) -> None:
        """A lost connection is noticed by the reader; here it is no fault."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(json.dumps({"kind": kind, **content}).encode() + b"\n")
            await self._writer.drain()

    async def receive(self) -> Message | None:
        """The next message, None when the other end is gone."""
        try:
            line = await self._reader.readline()
            return json.loads(line) if line.endswith(b"\n") else None
        except (ConnectionError, ValueError):
            return None

    def close(self) -> None:
        self._writer.close()


async def connect(host: str, port: int, seconds: float) -> Line:
    """Rank 0, tried again until it has a name and listens. Raises TimeoutError saying what was last in the way."""
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + seconds, FIRST_PAUSE
    while True:
        try:
            return Line(*await asyncio.open_connection(host, port, limit=LINE_LIMIT))
        except OSError as problem:
            if loop.time() + pause > end:
                raise TimeoutError(
                    f"rank 0 at {host}:{port} could not be reached in {seconds:g} s: {problem}"
                ) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


@dataclass
class Board:
    """Rank 0's view of all ranks, its own included."""

    world_size: int
    reports: dict[int, Message] = field(default_factory=dict)
    """By rank: its last report. A rank that only said hello has `figures` None."""
    errors: list[str] = field(default_factory=list)
    _lines: dict[int, Line] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    """The first error is the cause; that the others then stop or go away is its consequence."""

    async def open(self, port: int) -> asyncio.Server:
        """Listen on all addresses. Raises OSError when the port is taken."""
        return await asyncio.start_server(self._accept, host="0.0.0.0", port=port, limit=LINE_LIMIT)  # noqa: S104

    async def preside(self, start_seconds: float, limit_seconds: float) -> None:
        """Wait for all ranks, let them measure, and collect what they say. Problems are in `errors` afterwards."""
        everyone = set(range(self.world_size))
        if not await self._until(lambda: everyone <= self._lines.keys() or bool(self.errors), start_seconds):
            missing = ", ".join(map(str, sorted(everyone - self._lines.keys())))
            self.errors.append(f"rank {missing} of {self.world_size} did not report within {start_seconds:g} s")
        if not self.errors:
            await self._tell("go")
            if not await self._until(lambda: self._finished() or bool(self.errors), limit_seconds):
                late = ", ".join(str(rank) for rank in sorted(everyone) if not self._reported(rank))
                self.errors.append(f"rank {late} did not finish within {limit_seconds:g} s")
        if self.errors:
            self._stopping = True
            await self._tell("stop", why=self.errors[0])
            await self._until(self._finished, LAST_WORDS_SECONDS)
        await self._tell("end")

    async def close(self) -> None:
        """Let the connections end; the ranks close theirs when they hear `end`."""
        await self._until(lambda: not self._lines, LAST_WORDS_SECONDS)

    def _reported(self, rank: int) -> bool:
        return self.reports.get(rank, {}).get("figures") is not None

    def _finished(self) -> bool:
        return all(self._reported(rank) or self._lines.get(rank) is None for rank in range(self.world_size))

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Whether `holds()` came true in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        return holds()

    async def _tell(self, kind: str, **content: Any) -> None:
        for line in list(self._lines.values()):
            await line.send(kind, **content)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        hello = await line.receive()
        if hello is None or hello["kind"] != "hello":
            line.close()  # a port scan, a health check: not one of ours
            return
        rank = hello["rank"]
        if rank in self._lines or not 0 <= rank < self.world_size:
            where = hello["process"]["hostname"]
            problem = f"rank {rank} from {where}: there is one already, or the world is smaller"
            self.errors.append(problem)
            self._changed.set()
            await line.send("stop", why=problem)
            line.close()
            return
        self._lines[rank] = line
        self.reports[rank] = hello | {"figures": None, "error": None}
        self._changed.set()
        while message := await line.receive():
            if message["kind"] == "report":
                self.reports[rank] = message
                if message["error"] and not (self._stopping and message["error"].startswith(STOPPED)):
                    self.errors.append(f"rank {rank} ({message['process']['hostname']}): {message['error']}")
                self._changed.set()
        del self._lines[rank]
        if not self._reported(rank) and not self._stopping:
            self.errors.append(f"rank {rank} ({hello['process']['hostname']}) went away without a report")
        line.close()
        self._changed.set()
