"""Downloads one file and verifies it, and notices within seconds when there is no network to speak of.

The transfer runs in a thread and the caller waits for signs of life only so long: name resolution, which no library
time-out covers, cannot hold anyone up either. Nothing is retried: there is always another way to get a tool.
"""

from __future__ import annotations

import hmac
import os
import queue
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.toolchain.progress import Progress, megabytes
from sandbox.toolchain.store import digest
from sandbox.toolchain.tool import Unavailable

CHUNK = 1 << 18
HASHES = {64: "sha256", 128: "sha512"}
"""Hash by the length of its hexadecimal form."""


@dataclass(frozen=True)
class Limits:
    """Seconds without a sign of life after which a server counts as not reachable."""

    connect_s: float = 4.0
    answer_s: float = 10.0
    """From the start to the response's headers: name resolution, connection, TLS, redirects."""
    stall_s: float = 20.0
    """Between two pieces of the body."""


def base(variable: str, default: str) -> str:
    """Address to download from; the environment variable replaces the official one, `off` rules the download out."""
    address = os.environ.get(variable, default).rstrip("/")
    if address == "off":
        raise Unavailable(f"switched off by {variable}")
    return address


def fetch(url: str, target: Path, progress: Callable[[int, int | None], None], limits: Limits | None = None) -> None:
    """Download `url` into `target`. `progress` gets bytes so far and in all (if the server says).

    Raises Unavailable; OSError when the file cannot be written.
    """
    limits = limits or Limits()
    where = urlsplit(url).netloc.rpartition("@")[2]  # never show credentials of an address
    events: queue.SimpleQueue[tuple[int, int | None] | Exception | None] = queue.SimpleQueue()
    given_up = threading.Event()

    def transfer() -> None:
        import requests

        try:
            _transfer(url, target, limits, events.put, given_up)
        except requests.RequestException as error:
            events.put(Unavailable(_reason(error, where, limits)))
        except OSError as error:
            events.put(error)
        else:
            events.put(None)

    threading.Thread(target=transfer, daemon=True).start()
    patience = limits.answer_s
    try:
        while (event := events.get(timeout=patience)) is not None:
            if isinstance(event, Exception):
                raise event
            patience = limits.stall_s
            progress(*event)
    except queue.Empty:
        raise Unavailable(f"{where} sent nothing for {patience:g} s") from None
    finally:
        given_up.set()


def _transfer(
    url: str, target: Path, limits: Limits, tell: Callable[[tuple[int, int | None]], None], given_up: threading.Event
) -> None:
    import requests

    with requests.get(url, stream=True, timeout=(limits.connect_s, limits.stall_s)) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        # A compressed transfer announces its own length, not the file's.
        total = int(length) if length.isdigit() and "Content-Encoding" not in response.headers else None
        done = 0
        tell((done, total))
        with target.open("wb") as file:
            for piece in response.iter_content(CHUNK):
                if given_up.is_set():
                    return
                file.write(piece)
                done += len(piece)
                tell((done, total))
    if total is not None and done != total:
        raise requests.exceptions.ChunkedEncodingError


def _reason(error: Exception, where: str, limits: Limits) -> str:
    """One line about what went wrong."""
    import requests
    from urllib3 import exceptions as low

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{where} answered HTTP {error.response.status_code} for {urlsplit(error.response.url).path}"
    # The first that fits: the libraries wrap the cause in ever more general errors.
    lines: list[tuple[type[Exception], str]] = [
        (requests.exceptions.ProxyError, f"the proxy cannot be reached or refuses to connect to {where}"),
        (low.NameResolutionError, f"the name {where} cannot be resolved"),
        (requests.exceptions.SSLError, f"the certificate of {where} is not accepted"),
        (ConnectionRefusedError, f"{where} refuses the connection"),
        (low.NewConnectionError, f"{where} cannot be reached"),
        (low.ConnectTimeoutError, f"no connection to {where} within {limits.connect_s:g} s"),
        (low.TimeoutError, f"{where} sent nothing for {limits.stall_s:g} s"),
        (ValueError, f"{where or 'the address'} is not an http(s) address"),
    ]
    causes = _causes(error)
    for kind, line in lines:
        if any(isinstance(cause, kind) for cause in causes):
            return line
    return f"the transfer from {where} broke off"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it wraps, in whatever way the libraries have wrapped it."""
    found: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        item = pending.pop()
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            pending += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return found


def fetch_text(url: str, scratch: Path, limits: Limits | None = None) -> str:
    """A small text file."""
    target = scratch / "text"
    fetch(url, target, lambda *_: None, limits)
    text = target.read_text(errors="replace")
    target.unlink()
    return text


def fetch_shown(url: str, target: Path, progress: Progress, limits: Limits | None = None) -> None:
    """`fetch` with the user told how far it is."""
    with progress.task(f"downloading {url.rpartition('/')[2]}") as task:
        fetch(url, target, lambda done, total: task.update(shown(done, total)), limits)


def shown(done: int, total: int | None) -> str:
    return f"{megabytes(done)} of {megabytes(total)}" if total else megabytes(done)


def published_checksum(listing: str, file: str) -> str:
    """The checksum of `file` in a list of `<hex>  <name>` lines, or the only one of a file that holds nothing else."""
    for line in listing.splitlines():
        words = line.split()
        if words and re.fullmatch(r"[0-9a-fA-F]+", words[0]) and len(words[0]) in HASHES:
            name = words[1].lstrip("*").removeprefix("./") if len(words) > 1 else file
            if name == file:
                return words[0].lower()
    raise Unavailable(f"no checksum is published for {file}")


def verify(path: Path, checksum: str) -> None:
    """Raises Unavailable, and removes the file, when its content is not what was published."""
    if not hmac.compare_digest(digest(path, HASHES[len(checksum)]), checksum):
        path.unlink()
        raise Unavailable(f"the checksum of {path.name} is wrong; it is not used")
