"""The last screen of `make up` and of `make status`: verdicts, outputs, what to type next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from operations import engine, history
from operations.benchmark import Verdict
from operations.stack import Stack
from terminal import out

STYLES = {"PASS": "bold green", "FAIL": "bold red"}


def after_up(stack: Stack, verdicts: Sequence[Verdict]) -> None:
    """Print verdicts, the stack's outputs and the next commands."""
    console = out()
    for verdict in verdicts:
        show_verdict(verdict)
    outputs = engine.outputs(stack)
    table = Table(title=f"stack {stack.name}", title_justify="left", show_header=False, box=None, pad_edge=False)
    for key, value in sorted(outputs.items()):
        table.add_row(key, _short(key, value))
    console.print(table)
    console.print()
    for command, what in next_commands(stack):
        console.print(f"  {command:<44} {what}", markup=False)


def show_verdict(verdict: Verdict) -> None:
    """One line for the verdict, then the figures it rests on."""
    console = out()
    console.print(f"benchmark {verdict.pool}: ", end="")
    console.print(verdict.word, style=STYLES.get(verdict.word, "bold yellow"), end="")
    console.print(f" ({verdict.summary})" if verdict.summary else "", markup=False)
    for line in verdict.lines:
        console.print(f"  {line}", markup=False)


def next_commands(stack: Stack) -> list[tuple[str, str]]:
    """What a user would want to type now."""
    suffix = "" if stack.name == "local" else f" STACK={stack.name}"
    commands = [(f"make status{suffix}", "what runs where"), (f"make cost{suffix}", "the estimate, line by line")]
    if stack.is_local:
        commands.append(
            ('eval "$(.venv/bin/python -m sandbox env)"', "then pulumi, kubectl and aws speak to the local cloud")
        )
    return [*commands, (f"make down{suffix}", "destroy it and prove that nothing is left")]


def past(stack: Stack) -> None:
    """The stack's benchmark history, newest last."""
    table = Table(box=None, pad_edge=False)
    for column in ("when", "commit", "pool", "verdict", "summary"):
        table.add_column(column, no_wrap=column != "summary")
    for entry in history.entries(stack):
        when = dt.datetime.fromisoformat(entry["at"]).strftime("%Y-%m-%d %H:%M")
        table.add_row(when, entry.get("commit") or "-", entry["pool"], entry["verdict"], entry.get("summary") or "")
    out().print(table)


def _short(key: str, value: Any) -> str:
    """An output on one line; a kubeconfig is only named."""
    if isinstance(value, dict):
        parts = [f"{name}: {_short(name, item)}" for name, item in value.items()]
        return ", ".join(parts)
    if key == "kubeconfig":
        return "(pulumi stack output cluster --show-secrets)"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
