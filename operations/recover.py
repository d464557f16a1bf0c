"""`make recover`: show what an interrupted command left behind, then put it right.

For a stack in a real cloud nothing is deleted here: pending creates are named with the way to adopt each, because an
object that exists and is not in the state may hold data.
"""

from __future__ import annotations

import sys

import typer

from operations import checkpoint, engine, lock, recovery
from operations.stack import Stack
from terminal import UserError, err, out


def run(name: str, *, yes: bool) -> None:
    """Report, and after consent repair. A local stack needs no consent: all of it can be made again."""
    stack = Stack.load(name)
    with lock.held(stack.settings.state / "locks", stack.name, "make recover"):
        stack.prepare()
        checkpoint.mend(stack)
        if not engine.exists(stack):
            out().print(f"stack {name} was never created; there is nothing to recover")
            return
        findings = recovery.inspect(stack, engine.export(stack))
        if not findings.lines():
            out().print(f"stack {name}: nothing was left behind")
            return
        for line in findings.lines():
            err().print(f"found: {line}", style="yellow", markup=False)
        if stack.is_local:
            recovery.release(stack, findings)
            recovery.repair(stack, findings)
            recovery.remember_boot(stack)
        else:
            _cloud(stack, yes)
    out().print(f"stack {name} is ready for the next `make up`")


def _cloud(stack: Stack, yes: bool) -> None:
    """Forget the pending operations after a refresh; objects that were made meanwhile are left to the user to adopt."""
    err().print("an object that a pending create has made is not deleted; adopt it with `pulumi import TYPE NAME ID`")
    if not (yes or (sys.stdin.isatty() and typer.confirm("refresh the state and forget these operations?"))):
        raise UserError("nothing was changed; say YES=1 to go ahead without a terminal")
    arguments = ["--clear-pending-creates", "--yes", "--stack", stack.name]
    if code := engine.show(stack, "refresh", *arguments):
        raise engine.failed(code, "the refresh")
