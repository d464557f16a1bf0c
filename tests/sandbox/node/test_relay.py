"""Connections carried out of the pods' network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from sandbox.node.relay import Relay


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture
def door(server: socket.socket) -> Iterator[tuple[str, int]]:
    """The address on which a relay to the server listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    relay = Relay(listener, server.getsockname())
    yield listener.getsockname()
    relay.close()


def test_bytes_pass_both_ways_and_ends_are_told(server: socket.socket, door: tuple[str, int]) -> None:
    payload = b"x" * 1_000_000
    with socket.create_connection(door, 10) as client:
        there, _ = server.accept()
        sender = threading.Thread(target=lambda: (client.sendall(payload), client.shutdown(socket.SHUT_WR)))
        sender.start()
        received = b""
        while data := there.recv(65536):
            received += data
        sender.join()
        assert received == payload, "the server sees the end of what the client had to say"
        there.sendall(b"answer")
        there.close()
        assert client.makefile("rb").read() == b"answer"


def test_several_connections_do_not_wait_for_each_other(server: socket.socket, door: tuple[str, int]) -> None:
    with socket.create_connection(door, 10) as silent, socket.create_connection(door, 10) as busy:
        pairs = [server.accept()[0] for _ in range(2)]
        busy.sendall(b"hello")
        for one in pairs:
            one.settimeout(0.5)
        words = []
        for one in pairs:
            try:
                words.append(one.recv(10))
            except TimeoutError:
                words.append(b"")
        assert sorted(words) == [b"", b"hello"]
        assert silent.fileno() >= 0


def test_a_server_that_is_away_closes_the_connection(server: socket.socket, door: tuple[str, int]) -> None:
    server.close()
    with socket.create_connection(door, 10) as client:
        assert client.recv(1) == b""
