"""`make status`: what runs where."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table

from operations import engine, history, recovery
from operations.stack import Stack
from sandbox import overview, supervisor
from terminal import UserError, out


def run(name: str) -> None:
    """Print daemons (local stacks), deployed resources by component, nodes, and the newest verdict of each pool."""
    stack = Stack.load(name)
    console = out()
    if stack.is_local:
        overview.show(stack.settings, console)
        if not supervisor.is_running(stack.settings):
            console.print("the local cloud is not running; `make up` starts it")
            return
    stack.adopt()
    if not engine.exists(stack):
        console.print(f"stack {name} is not deployed; `make up STACK={name}` creates it")
        return
    state = engine.export(stack)
    resources = [entry for entry in state["deployment"].get("resources") or [] if entry.get("custom")]
    console.print(f"stack {name}: {len(resources)} resources deployed")
    console.print(_by_component(resources))
    for line in _unsettled(stack, state):
        console.print(line, style="yellow", markup=False)
    for entry in {entry["pool"]: entry for entry in history.entries(stack)}.values():
        console.print(
            f"benchmark {entry['pool']}: {entry['verdict']} ({entry.get('summary') or entry['at']})", markup=False
        )


def _by_component(resources: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("component")
    table.add_column("resources", justify="right")
    parents = Counter(entry.get("parent", "").rsplit("::", 1)[-1] or "-" for entry in resources)
    for parent, count in sorted(parents.items()):
        table.add_row(parent, str(count))
    return table


def _unsettled(stack: Stack, state: dict[str, Any]) -> list[str]:
    try:
        return [f"found: {line}" for line in recovery.inspect(stack, state).lines()]
    except UserError as busy:
        return busy.problems
