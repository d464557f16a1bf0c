"""The end of a stack: destroy it, prove that nothing is left, and stop the local cloud."""

from __future__ import annotations

import sys

from operations import checkpoint, engine, leftovers, lock, recovery
from operations.stack import Stack
from sandbox import supervisor
from terminal import Exit, InvalidInput, UserError, err, out


def run(name: str, *, yes: bool) -> None:
    """Destroy the stack. Raises `UserError` when something is left."""
    stack = Stack.load(name)
    if not (stack.is_local or yes or sys.stdin.isatty()):
        raise InvalidInput(f"stack {name}: there is no terminal to ask on; set YES=1 to destroy it without asking")
    with lock.held(stack.settings.state / "locks", stack.name, "make down"):
        if stack.is_local:
            _local(stack)
        else:
            stack.prepare()
            _destroy(stack, yes=yes)
            out().print(f"stack {name} is destroyed")


def _local(stack: Stack) -> None:
    running = supervisor.is_running(stack.settings)
    deployed = stack.settings.backend.exists()
    if not running and not deployed:
        out().print("nothing to do: the local cloud is not running and no local stack is deployed")
        return
    stack.prepare()
    checkpoint.mend(stack)
    if engine.exists(stack):
        state = engine.export(stack)
        findings = recovery.inspect(stack, state)
        for line in findings.lines():
            err().print(f"found: {line}", style="yellow", markup=False)
        recovery.release(stack, findings)
        recovery.repair(stack, findings)
        _destroy(stack, yes=True)
    left = leftovers.inventory(stack)
    if left:
        lines = [f"left in {where}: {', '.join(sorted(what))}" for where, what in sorted(left.items())]
        raise UserError(
            [*lines, "the local cloud keeps running; `python -m sandbox reset` removes everything"], Exit.FAILURE
        )
    engine.read(stack, "stack", "rm", "--yes", "--preserve-config", stack.name)
    supervisor.stop(stack.settings)
    where = "the AWS API" if stack.cloud == "aws" else "the AWS API, 0 recorded of Google Cloud"
    out().print(f"nothing is left: 0 resources in {where}, 0 objects in Kubernetes, no daemon runs")


def _destroy(stack: Stack, *, yes: bool) -> None:
    code = engine.show(stack, "destroy", "--stack", stack.name, *(["--yes", "--skip-preview"] if yes else []))
    if code:
        raise engine.failed(code, f"`pulumi destroy` of stack {stack.name}")
