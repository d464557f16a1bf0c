"""One plugin process: gRPC server, port line, log file, and an end that leaves nothing behind.

The engine starts a plugin with its own address as the first argument and reads the port from the first line on stdout.
It ends a plugin with SIGINT. A killed engine (SIGKILL, closed pipe) says nothing at all: the process watches its parent
and ends itself.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

if TYPE_CHECKING:
    from sandbox.providers.protocol import Servicer

THREADS = 32
MESSAGE_BYTES = 400 << 20  # the engine's own limit
GRACE_SECONDS = 10.0
"""How long calls that are running may go on after the engine died."""
POLL_SECONDS = 0.5
LOG_BYTES = 4 << 20


def log_to(folder: Path, name: str) -> None:
    """Send the log of the providers to `<folder>/provider-<name>.log` (level from AIDC_PROVIDER_LOG, default warning).

    The file is only made when there is something to say. Property values are never logged.
    """
    level = os.environ.get("AIDC_PROVIDER_LOG", "warning").upper()
    logger = logging.getLogger("sandbox.providers")
    logger.setLevel(level if level in logging.getLevelNamesMapping() else "WARNING")
    logger.propagate = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            folder / f"provider-{name}.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logger.addHandler(handler)


def serve(servicer: Servicer, arguments: list[str] | None = None) -> None:
    """Serve until the engine says stop or is gone; returns never (exits with 0)."""
    parent = os.getppid()
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and not arguments[0].startswith("-"):
        servicer.connect(arguments[0])
    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(THREADS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    print(port, flush=True)
    _watch(servicer, parent, asked)
    # First the work itself: for the server a call has ended as soon as the engine's connection broke.
    # Then the answer that may still be on its way.
    servicer.idle.wait(GRACE_SECONDS)
    server.stop(GRACE_SECONDS).wait(GRACE_SECONDS)
    logging.shutdown()
    os._exit(0)  # a thread that hangs in a call must not keep the process alive


def _watch(servicer: Servicer, parent: int, asked: threading.Event) -> None:
    """Wait for the end: the parent is gone, or a signal came and no call is running any more."""
    while os.getppid() == parent:
        if not asked.is_set():
            asked.wait(POLL_SECONDS)
        elif servicer.idle.wait(POLL_SECONDS):
            return
    servicer.cancelled.set()
