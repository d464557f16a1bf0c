"""`python -m sandbox.node`: play the nodes of pool `bench` until SIGTERM, then end all their pods.

`--check` only says whether this machine can: exit code 0, or 1 with the reason.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from sandbox.node import check
from sandbox.settings import Settings
from terminal import Exit, InvalidInput, UserError, err, guarded, out

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=(__doc__ or "").strip().splitlines()[0].partition(": ")[2])
@guarded
def main(
    node: Annotated[list[str] | None, typer.Option(help="Play this node, whatever node groups there are.")] = None,
    only_check: Annotated[bool, typer.Option("--check", help="Say whether this machine can run pods.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Keep state here, to run beside the sandbox's own one.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the kubelet endpoint.")] = None,
    orphan_seconds: Annotated[float, typer.Option(help="How long pods outlive an agent that was killed.")] = 60.0,
) -> None:
    ability = check.ability()
    if ability.missing:
        raise UserError(ability.missing)
    if only_check:
        out().print("this machine can run pods as processes")
        if ability.network:
            err().print(f"note: {ability.network}", markup=False)
        return
    try:
        settings = Settings.load()
    except ValueError as problem:
        raise InvalidInput(str(problem)) from None
    run(settings, node or [], folder, port, orphan_seconds)


def run(settings: Settings, nodes: list[str], folder: Path | None, port: int | None, orphan_seconds: float) -> None:
    """Run until SIGTERM or SIGINT. A second one does not wait for pods that are slow to end."""
    # Imported here: `--check` must not take a second for the Kubernetes client.
    from sandbox.node.agent import Agent
    from sandbox.node.fleet import Fleet
    from sandbox.node.registration import Machine, Player

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        if ended.is_set():
            raise SystemExit(int(Exit.FAILURE))  # the shims end their containers soon: nobody is in charge any more
        ended.set()

    agent = Agent(settings, folder, port, orphan_seconds)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    agent.start()
    player = Player(agent.name, Machine.this(settings.state), agent.port, agent.network_problem)
    Fleet(agent, nodes, player).run(ended)
    agent.shut_down()


if __name__ == "__main__":
    app()
