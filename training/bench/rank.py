"""One rank: goes to rank 0, runs its worker when told to, and reports."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import signal
import sys

from . import environment, transport
from .reports import STOPPED, Line, Message, connect
from .settings import Settings

WORKER_VARIABLE = "BENCH_WORKER"
TAIL_LINES = 15
LINE_LIMIT = 16 << 20


class Worker:
    """The worker process of this rank and what it has found."""

    def __init__(self) -> None:
        self.software: Message | None = None
        self.figures: dict[str, list[Message]] = {"allreduce": [], "gemm": []}
        self.pid: int | None = None
        self.library_log: list[str] = []
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._done = False
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> str | None:
        """Measure. Returns what went wrong."""
        # The same command once more: it works from a flat folder and from the repository alike.
        command = [sys.executable, *sys.orig_argv[1:]]
        process = await asyncio.create_subprocess_exec(
            *command,
            env=os.environ | {WORKER_VARIABLE: "1", "NCCL_DEBUG": os.environ.get("NCCL_DEBUG", "INFO")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        self._process, self.pid = process, process.pid
        assert process.stdout and process.stderr
        await asyncio.gather(self._findings(process.stdout), self._words(process.stderr))
        code = await process.wait()
        if code == 0 and self._done:
            return None
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"the worker ended with {ended}: {self._last_word()}"

    async def kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _findings(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            finding = json.loads(line)
            kind = finding.pop("kind")
            if kind == "software":
                self.software = finding
            elif kind == "done":
                self._done = True
            else:
                self.figures[kind].append(finding)

    async def _words(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            if " NCCL " in text:
                self.library_log.append(text)
            sys.stderr.write(text + "\n")

    def _last_word(self) -> str:
        """The line of its output that most likely says why: the end of a Python traceback, else the last one."""
        lines = [line for line in self._tail if line.strip()]
        named = [
            line for line in lines if not line.startswith((" ", "\t")) and ("Error" in line or "Exception" in line)
        ]
        return (named or lines or ["it said nothing"])[-1]


async def take_part(settings: Settings, host: str, ended: asyncio.Event) -> str | None:
    """One rank's whole part; `ended` is set when this process is asked to end. Returns what went wrong."""
    line = await connect(host, settings.report_port, settings.start_seconds)
    process = environment.process()
    await line.send("hello", rank=settings.rank, process=process)
    word = await line.receive()
    if word is None or word["kind"] != "go":
        return str((word or {}).get("why") or "rank 0 went away before the start")
    worker = Worker()
    error = await _work(worker, line, ended)
    await line.send(
        "report",
        rank=settings.rank,
        process=process | {"worker_pid": worker.pid, "address": line.own_address},
        machine=environment.machine(),
        software=worker.software,
        transport=_transport(settings, worker, line),
        figures=worker.figures,
        error=error,
    )
    await _until_end(line)
    line.close()
    return error


async def _work(worker: Worker, line: Line, ended: asyncio.Event) -> str | None:
    """Run the worker until it is done, rank 0 says stop or is gone, or this process is to end."""
    own = asyncio.create_task(worker.run())
    word = asyncio.create_task(line.receive())
    asked = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({own, word, asked}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            return "ended by SIGTERM"
        if word.done():
            message = word.result()
            return f"{STOPPED} {message.get('why')}" if message else "rank 0 went away"
        return own.result()
    except (OSError, ValueError) as problem:
        return f"{type(problem).__name__}: {problem}"
    finally:
        await worker.kill()
        for task in (own, word, asked):
            task.cancel()
        await asyncio.gather(own, word, asked, return_exceptions=True)


def _transport(settings: Settings, worker: Worker, line: Line) -> Message:
    if (worker.software or {}).get("platform") not in {None, "cpu"}:
        return transport.of_nccl(worker.library_log)
    if settings.world_size == 1:
        return transport.unknown("one rank only, nothing was sent")
    if settings.rank == 0:
        return transport.unknown("rank 0 does not reach itself over the network")
    return transport.of_cpu(line.own_address)


async def _until_end(line: Line) -> None:
    """Until rank 0 has everything, or is gone."""
    while message := await line.receive():
        if message["kind"] == "end":
            return
