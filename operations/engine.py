"""Calls of the Pulumi CLI.

`show` lets the engine draw on the user's terminal, `read` captures one command's output. A ctrl-C reaches the engine as
it reaches us; it then finishes what is under way and ends by itself, so all we do is wait for it. A SIGTERM reaches us
only and is passed on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.stack import Stack
from sandbox.settings import REPOSITORY
from terminal import Exit, UserError

OWNER_VARIABLE = "AIDC_COMMAND"
"""In the environment of an engine: the pid of the command that it works for."""


class Interrupted(UserError):
    """The user ended the command while the engine ran."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, Exit.INTERRUPTED)


def show(stack: Stack, *arguments: str, environment: Mapping[str, str] | None = None) -> int:
    """Run a Pulumi command on the user's terminal and give its exit code.

    Raises `Interrupted` when we were told to end meanwhile, after the engine has.
    """
    # The mark tells the next command that this engine was ours, should we be killed and it go on.
    env = {**_env(stack, environment), OWNER_VARIABLE: str(os.getpid())}
    with (
        subprocess.Popen(_command(stack, arguments), cwd=REPOSITORY, env=env) as process,
        _patient(process) as told,
    ):
        code = process.wait()
    if told and code:
        raise Interrupted(f"pulumi {arguments[0]} was interrupted and has ended in order; the same command goes on")
    return code


def read(stack: Stack, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a Pulumi command and give its stdout. Raises `UserError` with the command's own last words."""
    done = subprocess.run(
        _command(stack, arguments),
        cwd=REPOSITORY,
        env=_env(stack, environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise UserError([f"pulumi {' '.join(arguments[:2])}: {line}" for line in words[-5:]] or "pulumi failed")
    return done.stdout


def read_json(stack: Stack, *arguments: str) -> Any:
    """Run a Pulumi command that prints JSON and parse it."""
    return json.loads(read(stack, *arguments) or "null")


def exists(stack: Stack) -> bool:
    """Whether the backend knows the stack."""
    names = {entry["name"].rsplit("/", 1)[-1] for entry in read_json(stack, "stack", "ls", "--json")}
    return stack.name in names


def select(stack: Stack) -> None:
    """Make sure that the backend knows the stack."""
    if not exists(stack):
        read(stack, "stack", "init", stack.name, "--no-select")


def outputs(stack: Stack) -> dict[str, Any]:
    """The stack's outputs; secrets are shown to us because the kubeconfig may be one."""
    return read_json(stack, "stack", "output", "--json", "--show-secrets", "--stack", stack.name)


def export(stack: Stack) -> dict[str, Any]:
    """The deployed state as `pulumi stack export` prints it."""
    return read_json(stack, "stack", "export", "--stack", stack.name)


def failed(code: int, what: str) -> UserError:
    """What to tell the user after Pulumi has said why."""
    return UserError(
        f"{what} did not succeed (pulumi ended with exit code {code}); its messages are above", Exit.FAILURE
    )


def _command(stack: Stack, arguments: Sequence[str]) -> list[str]:
    pulumi = shutil.which("pulumi", path=stack.environment["PATH"])
    if pulumi is None:
        raise UserError("pulumi is not installed; run `make setup`")
    return [pulumi, *arguments]


def _env(stack: Stack, extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**stack.environment, **(extra or {})}


@contextlib.contextmanager
def _patient(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Let a ctrl-C pass by here while the engine, which got it too, winds down; a SIGTERM is told to it.

    Yields the signals that came. Handlers and not SIG_IGN: what is ignored stays ignored in the child.
    """
    told: list[int] = []

    def pass_on(number: int, _: object) -> None:
        told.append(number)
        process.send_signal(signal.SIGINT)

    before = [
        (signal.SIGINT, signal.signal(signal.SIGINT, lambda number, _: told.append(number))),
        (signal.SIGTERM, signal.signal(signal.SIGTERM, pass_on)),
    ]
    try:
        yield told
    finally:
        for number, handler in before:
            signal.signal(number, handler)
