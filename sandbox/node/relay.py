"""Carries TCP connections out of the pods' network to a server on this machine's loopback.

Pods have a network of their own, where 127.0.0.1 is the pod itself; the API server listens on this machine's 127.0.0.1
only. A relay listens on the address of the `kubernetes` service inside the pods' network. Bytes are passed as they are:
TLS is between the pod and the API server.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading


class Relay:
    """Passes every connection on `listener` to `target`, in a thread of its own, until `close`."""

    def __init__(self, listener: socket.socket, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(*self._target)
        except OSError:  # the server is away: the pod sees a closed connection, as from a load balancer
            writer.close()
            return
        # Both ways until both ends have said that they are done; a half-closed connection is a normal one.
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
            return
    target.close()
