"""`make drift`: what is in the cloud otherwise than the state says. It reads only; `pulumi refresh` takes it over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from operations import engine
from operations.stack import Stack
from terminal import Exit, UserError, out

UNCHANGED = ("same", "refresh", "read")
WORDS = {"delete": "is gone", "update": "was changed", "replace": "was replaced"}


@dataclass(frozen=True)
class Drift:
    """One resource that is not as it was left. `paths` are its inputs that differ, where the engine names them."""

    urn: str
    op: str
    paths: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


def run(name: str) -> None:
    """Compare a stack with its cloud and say what differs. Exit code 3 when something does."""
    stack = Stack.load(name)
    stack.prepare()
    if not engine.exists(stack):
        raise UserError(f"stack {name} is not deployed; `make up STACK={name}` creates it", Exit.USAGE)
    arguments = ("refresh", "--preview-only", "--json", "--suppress-outputs", "--stack", stack.name)
    found = differences(_digest(engine.read(stack, *arguments)))
    if not found:
        out().print(f"stack {name}: no drift")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("resource", "type", "what", "inputs"):
        table.add_column(column, overflow="fold")
    for entry in found:
        table.add_row(entry.name, entry.type, WORDS.get(entry.op, entry.op), ", ".join(entry.paths))
    out().print(table)
    raise UserError(f"stack {name}: {len(found)} resources are not as they were left", Exit.LIMIT)


def differences(digest: Mapping[str, Any]) -> list[Drift]:
    """What a refresh would change, by URN, from the engine's JSON document."""
    found = []
    for step in digest.get("steps") or ():
        paths = set(step.get("detailedDiff") or step.get("diffReasons") or ())
        # What the program leaves to others, such as who starts a suspended job, is theirs to change.
        ours = {path for path in paths if not _is_left_to_others(path, step)}
        if step["op"] not in UNCHANGED and (ours or not paths):
            found.append(Drift(step["urn"], step["op"], tuple(sorted(ours))))
    return sorted(found, key=lambda entry: entry.urn)


def _is_left_to_others(path: str, step: Mapping[str, Any]) -> bool:
    ignored = (step.get("oldState") or {}).get("ignoreChanges") or ()
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)


def _digest(text: str) -> Mapping[str, Any]:
    try:
        digest = json.loads(text)
    except ValueError:
        digest = None
    if not isinstance(digest, Mapping):
        raise UserError("pulumi refresh printed no JSON document; run `pulumi refresh --preview-only` to see why")
    return digest
