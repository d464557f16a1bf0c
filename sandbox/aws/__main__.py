"""`python -m sandbox.aws`: serve the local AWS API on 127.0.0.1 until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from terminal import UserError, guarded

HOST = "127.0.0.1"


@guarded
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")],
    cluster_endpoint: Annotated[
        str | None, typer.Option(help="API server that DescribeCluster names for every cluster.")
    ] = None,
    cluster_ca: Annotated[Path | None, typer.Option(help="PEM file of that API server's authority.")] = None,
) -> None:
    """Serve the AWS API of the local cloud."""
    from sandbox.aws.call import Options
    from sandbox.aws.server import Application

    application = Application(Options(cluster_endpoint, cluster_ca))
    server = listen(application, port)
    sys.stderr.write(f"AWS API on http://{HOST}:{server.effective_port}, boot {application.boot_id}\n")
    sys.stderr.flush()
    signal.signal(signal.SIGTERM, _stop)
    try:
        server.run()
    except (SystemExit, KeyboardInterrupt):
        server.close()
    sys.stderr.write("AWS API stopped\n")


def listen(application: Any, port: int) -> Any:
    """A server with one thread: moto's state is not safe against more. Port 0 takes a free one."""
    from waitress.server import create_server

    # one thread: a request that waits for the one before it is the rule, and no news
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        return create_server(
            application,
            host=HOST,
            port=port,
            threads=1,
            connection_limit=1000,
            channel_timeout=600,
            ident="",
            expose_tracebacks=False,
        )
    except OSError as problem:
        raise UserError(
            f"port {port} on {HOST}: {problem.strerror}; stop what uses it or give another --port"
        ) from None


def _stop(*_: Any) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    typer.run(serve)
