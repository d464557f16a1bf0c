"""A server in this process, and exported tiny models."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import uvicorn

from training import models, weights
from training.feedback import Store
from training.serve.app import Service
from training.serve.engine import Engine
from training.serve.settings import Settings


@dataclass
class Answered:
    """One answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """Asks one server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str) -> Answered:
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any) -> Answered:
        return self._ask("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def complete(self, prompt: Any, **more: Any) -> Any:
        """Texts of the choices."""
        found = self.post("/v1/completions", {"prompt": prompt, **more})
        assert found.status == 200, found.text
        return [one["text"] for one in found.json["choices"]]

    def _ask(self, method: str, path: str, body: bytes | None) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, {"content-type": "application/json"} if body else {})
            answer = connection.getresponse()
            return Answered(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()


@dataclass
class Running:
    """A server and how to ask it."""

    client: Client
    service: Service
    loop: asyncio.AbstractEventLoop


def _exported(name: str, folder: Path) -> Path:
    torch.manual_seed(0)
    model = models.build(name, models.size(name, "tiny"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # fresh weights say much the same to everything
    weights.export(model, folder)
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an exported tiny model."""
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = _exported(name, tmp_path_factory.mktemp("exported") / name)
        return made[name]

    return get


@pytest.fixture
def start(exported: Callable[[str], Path]) -> Iterator[Callable[..., Running]]:
    """Start a server of a tiny model by name, or of an export by folder; all end with the test."""
    ends: list[Callable[[], None]] = []

    def begin(model: str | Path, feedback: Store | None = None, **limits: Any) -> Running:
        engine = Engine(exported(model) if isinstance(model, str) else model)
        ready: Future[tuple[Service, int, asyncio.AbstractEventLoop]] = Future()
        held: list[uvicorn.Server] = []

        async def main() -> None:
            service = Service(engine, Settings(**limits), feedback)
            config = uvicorn.Config(service.app, host="127.0.0.1", port=0, log_level="error")
            server = uvicorn.Server(config)
            held.append(server)
            socket = config.bind_socket()
            task = asyncio.ensure_future(server.serve([socket]))
            while not server.started and not task.done():
                await asyncio.sleep(0.005)
            ready.set_result((service, socket.getsockname()[1], asyncio.get_running_loop()))
            await task

        thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
        thread.start()
        service, port, loop = ready.result(300)

        def end() -> None:
            held[0].should_exit = True
            thread.join(300)
            assert not thread.is_alive()

        ends.append(end)
        return Running(Client(port), service, loop)

    yield begin
    for end in ends:
        end()
