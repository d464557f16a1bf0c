"""A scripted API server on loopback: the answers of each request in turn, and what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DISCOVERY = {
    "/api/v1": {
        "resources": [
            {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
            {"name": "namespaces", "kind": "Namespace", "namespaced": False},
            {"name": "events", "kind": "Event", "namespaced": True},
            {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
        ]
    }
}
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class FakeApi:
    """`answers`: called with method and path; None means 404. `asked`: method, path and Authorization of every
    request.
    """

    answers: Callable[[str, str], Answer | None]
    port: int = 0
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def server(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kubeconfig(self, **user: Any) -> dict[str, Any]:
        return {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.server}}],
            "users": [{"name": "u", "user": user or {"token": "t"}}],
        }


@contextmanager
def serving(answers: Callable[[str, str], Answer | None]) -> Iterator[FakeApi]:
    api = FakeApi(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            api.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            given = (200, DISCOVERY[path]) if path in DISCOVERY else api.answers(self.command, self.path)
            status, body, *headers = given or (404, {"reason": "NotFound", "message": "not found"})
            data = json.dumps(body).encode()
            self.send_response(status)
            for key, value in (headers[0] if headers else {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
