"""How every command of the toolkit talks to its user: exit codes, problems, and the two streams.

stdout carries the result, stderr the talk. A problem is one line that names the key, the value, what is allowed and
what to do; all problems are shown at once. A Python traceback is never a message: wrap the command with `guarded`.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import ParamSpec, TextIO, TypeVar

from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")


class Exit(IntEnum):
    """Exit codes of every `python -m ...` command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    """Wrong usage or invalid configuration; nothing was created."""
    LIMIT = 3
    """A limit was exceeded: budget, policy, benchmark gate."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM, as shells count it."""


class UserError(Exception):
    """Problems to show to the user, one line each, and the exit code to end with."""

    def __init__(self, problems: str | Iterable[str], code: Exit = Exit.FAILURE) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        self.code = code
        super().__init__("\n".join(self.problems))


class InvalidInput(UserError):
    """The user's input is wrong: exit code 2."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        super().__init__(problems, Exit.USAGE)


def out() -> Console:
    """The console of results (stdout). Honours NO_COLOR; never wraps when it is not a terminal."""
    return _console(sys.stdout)


def err() -> Console:
    """The console of talk (stderr)."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    if stream.isatty():
        return Console(file=stream, highlight=False)
    # Into a file or a pipe: lines as long as they are, tables as wide as a CI log shows without wrapping.
    return Console(file=stream, highlight=False, soft_wrap=True, width=int(os.environ.get("COLUMNS") or 160))


def show(problems: Iterable[str]) -> None:
    """Print problems to stderr, one line each, without interpreting markup in them."""
    console = err()
    for problem in problems:
        console.print("error: ", style="bold red", end="")
        console.print(problem, markup=False)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a `UserError` of a command into its lines and exit code, ctrl-C into 130, a closed pipe into silence.

    Anything else is a fault of ours and ends as one line too.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            show(error.problems)
            raise SystemExit(int(error.code)) from None
        except KeyboardInterrupt:
            show(["interrupted"])
            raise SystemExit(int(Exit.INTERRUPTED)) from None
        except BrokenPipeError:
            # The reader went away (`... | head`): not an error, but Python must not complain while closing stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(int(Exit.OK)) from None
        except Exception as error:
            if os.environ.get("AIDC_TRACEBACK"):
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.filename}:{frame.lineno}"
            show([f"a fault in the toolkit: {type(error).__name__}: {error} ({where}); AIDC_TRACEBACK=1 shows more"])
            raise SystemExit(int(Exit.FAILURE)) from None

    return run
