"""One rank: goes to rank 0, runs its worker when told to, and reports."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import re
import signal
import sys

from . import environment, transport, worker
from .reports import STOPPED, Line, Message, connect
from .settings import Settings

WORKER_VARIABLE = "BENCH_WORKER"
TAIL_LINES = 15
LINE_LIMIT = 16 << 20
PROBLEM = re.compile(r"(?:\[rank\d+\]: ?)?([\w.]*(?:Error|Exception|Interrupt): \S.*)$")
"""The end of a Python traceback that says something; torch puts the rank before it."""


class Worker:
    """The worker process of this rank and what it has found."""

    def __init__(self) -> None:
        self.software: Message | None = None
        self.figures: dict[str, list[Message]] = {}
        """Findings by part."""
        self.skipped: dict[str, str] = {}
        """Why a part could not be measured here, by part."""
        self.pid: int | None = None
        self.library_log: list[str] = []
        self._problem = ""
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._done = False
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, settings: Settings) -> str | None:
        """Measure. Returns what went wrong."""
        process = await asyncio.create_subprocess_exec(
            *command(settings),
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
            elif kind == "skipped":
                self.skipped[finding["part"]] = finding["why"]
            else:
                self.figures.setdefault(finding.pop("part"), []).append(finding)

    async def _words(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            if match := PROBLEM.match(text):
                self._problem = match[1]
            if " NCCL " in text:
                self.library_log.append(text)
            sys.stderr.write(text + "\n")

    def _last_word(self) -> str:
        """The line of its output that most likely says why: the last end of a Python traceback, else the last line."""
        lines = [line for line in self._tail if line.strip()]
        return self._problem or (lines or ["it said nothing"])[-1]


def command(settings: Settings) -> list[str]:
    """How the worker is started: the same command once more; with torch under torchrun, one process a device."""
    own = ["-m", __package__, *sys.argv[1:]]
    if worker.backend(settings) == "jax":
        return [sys.executable, *own]
    devices = 1 if settings.cpu else max(environment.gpus(), 1)
    return [
        sys.executable, "-m", "torch.distributed.run", f"--nnodes={settings.world_size}", f"--nproc-per-node={devices}",
        f"--node-rank={settings.rank}", f"--master-addr={settings.master}", f"--master-port={settings.port}",
        *own,
    ]  # fmt: skip


async def take_part(settings: Settings, host: str, ended: asyncio.Event) -> str | None:
    """One rank's whole part; `ended` is set when this process is asked to end. Returns what went wrong."""
    line = await connect(host, settings.report_port, settings.start_seconds)
    process = environment.process()
    await line.send("hello", rank=settings.rank, process=process)
    word = await line.receive()
    if word is None or word["kind"] != "go":
        return str((word or {}).get("why") or "rank 0 went away before the start")
    measuring = Worker()
    error = await _work(settings, measuring, line, ended)
    await line.send(
        "report",
        rank=settings.rank,
        process=process | {"worker_pid": measuring.pid, "address": line.own_address},
        machine=environment.machine(),
        software=measuring.software,
        transport=_transport(settings, measuring, line),
        figures=measuring.figures,
        skipped=measuring.skipped,
        error=error,
    )
    await _until_end(line)
    line.close()
    return error


async def _work(settings: Settings, measuring: Worker, line: Line, ended: asyncio.Event) -> str | None:
    """Run the worker until it is done, rank 0 says stop or is gone, or this process is to end."""
    own = asyncio.create_task(measuring.run(settings))
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
        await measuring.kill()
        for task in (own, word, asked):
            task.cancel()
        await asyncio.gather(own, word, asked, return_exceptions=True)


def _transport(settings: Settings, measuring: Worker, line: Line) -> Message:
    platform = (measuring.software or {}).get("platform")
    if platform == "tpu":
        return transport.of_tpu(settings.slices)
    if platform not in {None, "cpu"}:
        return transport.of_nccl(measuring.library_log)
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
