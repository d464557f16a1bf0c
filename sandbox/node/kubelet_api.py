"""The kubelet's HTTPS endpoint: logs, and what runs. Only the API server can call it: it alone has a certificate.

Paths: `/containerLogs/NAMESPACE/POD/CONTAINER`, `/pods`, `/runningpods`, `/healthz`. Leaves out exec, attach and
port-forward: they answer that they are not available on a process node.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.node import launch as paper
from sandbox.node import logs
from sandbox.node.api import Object
from sandbox.node.container import Container
from sandbox.node.pod import PodWorker

log = logging.getLogger(__name__)
IDLE_SECONDS = 60.0
UNAVAILABLE = ("exec", "attach", "portForward", "run")


class KubeletServer(ThreadingHTTPServer):
    """Serves the pods that `workers` returns."""

    daemon_threads = True

    def __init__(self, port: int, pki: Path, workers: Callable[[], Iterable[PodWorker]]) -> None:
        """Raises OSError when the port is taken or a file of `pki` is missing."""
        self.workers = workers
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / "ca.crt"))
        self._tls.load_cert_chain(pki / "kubelet.crt", pki / "kubelet.key")
        self._tls.verify_mode = ssl.CERT_REQUIRED
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(IDLE_SECONDS)
        # The handshake takes place in the connection's own thread: a silent client must not stop the others.
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature of the base class
        log.debug("kubelet endpoint: a connection failed", exc_info=True)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="kubelet", daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: KubeletServer  # pyright: ignore[reportIncompatibleVariableOverride] - it is always this one

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        given = {key: values[-1] for key, values in parse_qs(url.query).items()}
        match parts:
            case ["containerLogs", namespace, pod, container]:
                self._logs(namespace, pod, container, given)
            case ["pods"] | ["runningpods"]:
                items = [worker.pod for worker in self.server.workers() if parts == ["pods"] or _runs(worker)]
                self._answer(HTTPStatus.OK, json.dumps({"kind": "PodList", "apiVersion": "v1", "items": items}))
            case ["healthz"]:
                self._answer(HTTPStatus.OK, "ok")
            case [first, *_] if first in UNAVAILABLE:
                self._answer(HTTPStatus.NOT_IMPLEMENTED, f"{first} is not available on a process node")
            case _:
                self._answer(HTTPStatus.NOT_FOUND, f"{url.path}: no such path on a process node")

    do_POST = do_GET  # noqa: N815 - exec comes as POST or GET

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        log.debug(format, *args)

    def _logs(self, namespace: str, pod: str, name: str, given: dict[str, str]) -> None:
        container = _find(self.server.workers(), namespace, pod, name)
        if container is None:
            self._answer(HTTPStatus.NOT_FOUND, f"container {name} of pod {namespace}/{pod} is not on this node")
            return
        try:
            query = logs.Query.parse(given)
        except ValueError as problem:
            self._answer(HTTPStatus.BAD_REQUEST, str(problem))
            return
        attempt = container.attempt
        if given.get("previous") == "true":
            attempt = attempt.parent / str(container.restarts - 1)
        path = attempt / paper.LOG
        if not path.exists():
            # The kubelet's words: kubectl users know them.
            self._answer(HTTPStatus.BAD_REQUEST, f'container "{name}" in pod "{pod}" is waiting to start')
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in logs.read(path, query, lambda: not container.alive or container.attempt != attempt):
            self._chunk(piece)
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _answer(self, code: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json" if body.startswith(b"{") else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _find(workers: Iterable[PodWorker], namespace: str, pod: str, name: str) -> Container | None:
    """The container; of two pods with one name (the older one is ending) that of the newer."""
    matching = [
        worker
        for worker in workers
        if worker.pod["metadata"]["namespace"] == namespace and worker.pod["metadata"]["name"] == pod
    ]
    matching.sort(key=_created)
    return next((one for worker in reversed(matching) for one in worker.everyone if one.name == name), None)


def _created(worker: PodWorker) -> str:
    metadata: Object = worker.pod["metadata"]
    return metadata.get("creationTimestamp", "")


def _runs(worker: PodWorker) -> bool:
    return any(one.alive for one in worker.everyone)
