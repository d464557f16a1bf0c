"""A local HTTP server that behaves badly on request, and a PATH without tools."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.sandbox.toolchain.fakes import Talk


@dataclass
class Site:
    """Files by path, and paths at which the server misbehaves: `truncated`, `silent`, `stalling`, or a status."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    manners: dict[str, str | int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        manner = self.site.manners.get(self.path)
        if manner == "silent":
            self.site.end.wait()
            return
        body = self.site.files.get(self.path)
        if body is None or isinstance(manner, int):
            self.send_error(manner if isinstance(manner, int) else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.path.endswith("/"):
            self.send_header("Content-Type", "text/html")  # pip reads no index without it
        self.end_headers()
        self.wfile.write(body if manner is None else body[: len(body) // 2])
        self.wfile.flush()
        if manner == "stalling":
            self.site.end.wait()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": made}))
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.end.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """PATH with what shell scripts need and nothing else, for a test to add to; no proxy between us and ourselves."""
    directory = tmp_path / "path"
    directory.mkdir()
    for name in ("sh", "cat", "sleep", "dirname", "readlink", "chmod"):
        real = shutil.which(name)
        assert real is not None, f"this machine has no {name}"
        (directory / name).symlink_to(real)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("GOPROXY", "GOFLAGS", "AIDC_PULUMI_DOWNLOAD", "AIDC_KUBERNETES_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    return directory
