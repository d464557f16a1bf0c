"""A fault drill of a training run: a process is killed, the run must go on, its model must answer.

The launcher of the last pod kills one process of the trainer, with SIGKILL, as soon as the run has a whole checkpoint.
(Not in the first pod: that one hosts the meeting of all others.) Rank 0's launcher adds up what happened and asks the
exported model once, through the server. The folder must be one job's own: its note says that the kill is done, so a pod
that is started again does not kill again. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NOTE = "drill.json"
PAUSE_S = 0.02
SERVER_STARTS_S, ANSWER_S = 300.0, 120.0
ADDRESS = re.compile(r"http://\S+:\d+")
PROC = Path("/proc")
_JSON = {"Content-Type": "application/json"}


class Kill(threading.Thread):
    """Waits for the first whole checkpoint below `folder` and kills a process that `pid` has started (or `pid` itself).

    Ends with the process it belongs to: it is a daemon thread.
    """

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(name="drill", daemon=True)
        self.folder, self.pid = folder, pid

    def run(self) -> None:
        while not (self.folder / NOTE).exists():
            checkpoint = newest(self.folder)
            if checkpoint is not None and (found := ranks(self.pid)):
                rank, pid = found[-1]
                # The note comes first: killed without a note, the next life of this pod would kill again.
                write_note(self.folder, {"killed_rank": rank, "after_step": checkpoint})
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(PAUSE_S)


def newest(folder: Path) -> int | None:
    """Step of the newest whole checkpoint of a run; None without one. Only whole ones bear the name `step-N`."""
    names = [path.name.removeprefix("step-") for path in (folder / "checkpoints").glob("step-*")]
    return max((int(name) for name in names if name.isdigit()), default=None)


def ranks(pid: int) -> list[tuple[int, int]]:
    """(rank, pid) of the processes below `pid`, itself included, that have a rank; by rank."""
    found = []
    for one in [pid, *descendants(pid)]:
        try:
            environment = (PROC / str(one) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        rank = next((word[5:] for word in environment if word.startswith(b"RANK=")), b"")
        if rank.isdigit():
            found.append((int(rank), one))
    return sorted(found)


def descendants(pid: int) -> Iterator[int]:
    """Children of all threads of a process, their children, and so on."""
    for file in sorted((PROC / str(pid) / "task").glob("*/children")):
        try:
            children = file.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from descendants(child)


def write_note(folder: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: pods of other nodes read it."""
    scratch = folder / f"{NOTE}.partial"
    scratch.write_text(json.dumps(content), encoding="utf-8")
    scratch.replace(folder / NOTE)


def account(folder: Path) -> dict[str, Any]:
    """What was killed and where the run went on: `killed_rank`, `after_step`, `resumed_from`; None for what was not."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        note = {}
    resumed = [event.get("step") for event in records(folder / "events.jsonl") if event.get("event") == "resumed"]
    return {
        "killed_rank": note.get("killed_rank"),
        "after_step": note.get("after_step"),
        "resumed_from": resumed[-1] if resumed else None,
    }


def records(file: Path) -> Iterator[dict[str, Any]]:
    """JSON objects of a file, one a line, none when it is not there; a line that a killed process left half-written is
    passed over.
    """
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def answer(export: Path) -> dict[str, Any]:
    """Serve an exported model, ask it once, end the server.

    Returns `route` and `answer`, or `error` with one line that says why there is none.
    """
    command = [sys.executable, "-m", "training.serve", "--model", str(export), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # A server that hangs is killed, which ends the reading of its output here.
    limit = threading.Timer(SERVER_STARTS_S + ANSWER_S, server.kill)
    limit.start()
    try:
        said: list[str] = []
        assert server.stderr is not None
        for line in server.stderr:
            said.append(line.strip())
            if found := ADDRESS.search(line):
                return ask(found.group(), _send)
        return {"error": f"the server ended with exit code {server.wait()}: {' '.join(said)[-300:]}"}
    finally:
        limit.cancel()
        server.terminate()
        server.communicate()


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    """One for each kind of model: language, texts to classify, images to classify."""
    yield "/v1/completions", {"prompt": "the", "max_tokens": 8, "temperature": 0}
    yield "/v1/classify", {"input": ["a word or two"]}
    yield "/v1/classify", {"input": [b64encode(black_image(64)).decode()]}


def ask(address: str, send: Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """The answer to the first question that suits the model."""
    problem = ""
    for route, question in questions():
        try:
            status, said = send(address + route, question)
        except (OSError, ValueError) as error:
            return {"error": f"{route}: {error}"}
        if status == 200:
            first = (said.get("choices") or said.get("data") or [{}])[0]
            return {"route": route, "answer": first.get("text", first.get("label"))}
        problem = f"{route}: {status} {(said.get('error') or {}).get('message', '')}".strip()
    return {"error": problem}


def _send(url: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Raises OSError (no answer), ValueError (no JSON)."""
    request = urllib.request.Request(url, json.dumps(question).encode(), _JSON)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as reply:  # noqa: S310 - the same
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def black_image(side: int) -> bytes:
    """A grey-scale PNG (W3C, PNG specification, section 5): the smallest thing every image model reads."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((side + 1) * side))  # each row begins with the number of its filter
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
