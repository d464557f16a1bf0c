"""Container logs: the lines a shim wrote (`TIME STREAM TAG TEXT`), as `kubectl logs` asks for them.

Format: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md. Leaves out
rotation: a log lives as long as its pod.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.2
"""How often a log that somebody follows is looked at."""


@dataclass(frozen=True)
class Query:
    """What of a log is wanted; the kubelet's parameters."""

    follow: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since: dt.datetime | None = None
    limit_bytes: int | None = None

    @classmethod
    def parse(cls, given: dict[str, str]) -> Query:
        """From the parameters of a request. Raises ValueError naming the one that is wrong."""
        since = dt.datetime.fromisoformat(given["sinceTime"]) if "sinceTime" in given else None
        if "sinceSeconds" in given:
            since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=_number("sinceSeconds", given["sinceSeconds"]))
        numbers = {name: _number(name, given[name]) for name in ("tailLines", "limitBytes") if name in given}
        return cls(
            follow=given.get("follow") == "true",
            timestamps=given.get("timestamps") == "true",
            tail_lines=numbers.get("tailLines"),
            since=since,
            limit_bytes=numbers.get("limitBytes"),
        )


def read(path: Path, query: Query, ended: Callable[[], bool]) -> Iterator[bytes]:
    """The wanted part of a log in pieces; with `follow` until the container has ended."""
    left = query.limit_bytes
    for line in _lines(path, query, ended):
        piece = render(line, query)
        if left is not None:
            piece, left = piece[:left], left - len(piece[:left])
        if piece:
            yield piece
        if left == 0:
            return


def render(line: bytes, query: Query) -> bytes:
    """One line of the file as the reader sees it. Parts of a split line are put together again."""
    stamp, _, tag, text = _parts(line)
    return (stamp + b" " + text if query.timestamps else text) + (b"\n" if tag == b"F" else b"")


def _lines(path: Path, query: Query, ended: Callable[[], bool]) -> Iterator[bytes]:
    with path.open("rb") as file:
        first = [line for line in file.read().split(b"\n") if line and _recent(line, query.since)]
        yield from first if query.tail_lines is None else first[max(0, len(first) - query.tail_lines) :]
        rest = b""
        while query.follow:
            last_look = ended()  # asked before reading: what was written before the end is read after it
            data = file.read()
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
            if last_look and not data:
                return
            if not data:
                time.sleep(POLL_SECONDS)


def _recent(line: bytes, since: dt.datetime | None) -> bool:
    return since is None or dt.datetime.fromisoformat(_parts(line)[0].decode()) >= since


def _parts(line: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    stamp, _, rest = line.partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tag, _, text = rest.partition(b" ")
    return stamp, stream, tag, text


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise ValueError(f"{name}: {value} is not a number; give 0 or more")
    return int(value)
