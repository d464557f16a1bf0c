"""The process: uvicorn with a service, ended gracefully.

On SIGTERM or SIGINT the server goes on listening: what is in work is finished, new requests and `/readyz` get 503, and
it ends when nothing is in work any more, or `drain_s` later. A second signal ends it at once.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

import uvicorn

from training.errors import BadInput
from training.serve.app import Service


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn's own would close the socket at once."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(service: Service, host: str, port: int, started: Callable[[str], None] = lambda _: None) -> None:
    """Serve until a signal. `started` is told the address. Raises BadInput when the port is taken."""
    config = uvicorn.Config(
        service.app, host=host, port=port, log_level="error", access_log=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    try:
        # uvicorn ends the process when it cannot listen; this finds out first and says why.
        socket = config.bind_socket()
    except SystemExit:
        raise BadInput(
            f"--port {port}: cannot be listened on at {host}; give another one, 0 for any free one"
        ) from None
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def end() -> None:
        if asked.is_set():
            server.should_exit = server.force_exit = True
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    serving = loop.create_task(server.serve([socket]))
    found = socket.getsockname()
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    started(f"http://{found[0]}:{found[1]}")
    draining = loop.create_task(_drain(service, server, asked))
    try:
        await serving
    finally:
        draining.cancel()
        socket.close()


async def _drain(service: Service, server: uvicorn.Server, asked: asyncio.Event) -> None:
    await asked.wait()
    service.draining = True
    service.idle.clear()
    if service.in_flight:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(service.idle.wait(), service.settings.drain_s)
    server.should_exit = True
