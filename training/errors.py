"""How every command of `training` fails: exit codes, problems of one line each, never a traceback.

The same convention as the rest of the toolkit (0 fine, 1 failure, 2 usage or invalid configuration, 3 a limit was
exceeded), said again here because what runs in a job has only this folder.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    import typer

OK, FAILURE, USAGE, LIMIT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes."""


class TrainingError(Exception):
    """Problems to show to the user, one line each: key, value, what is allowed, what to do. Ends with code 1."""

    code = FAILURE

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class BadInput(TrainingError):
    """What the user gave is wrong (a flag, a preset, a file): code 2; nothing was written."""

    code = USAGE


class LimitExceeded(TrainingError):
    """A limit was exceeded (a gate of the benchmark): code 3."""

    code = LIMIT


class Console(Protocol):
    """Where lines are printed."""

    def print(self, *objects: Any, style: Any = None, markup: bool | None = None, end: str = "\n") -> None: ...


class Plain:
    """A console without Rich, which images for benchmarks need not have."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def print(self, *objects: Any, style: Any = None, markup: bool | None = None, end: str = "\n") -> None:  # noqa: ARG002
        print(*objects, end=end, file=self.stream, flush=True)


def err() -> Console:
    """The console of talk (stderr). Honours NO_COLOR; never wraps when it is not a terminal."""
    return _console(sys.stderr)


def out() -> Console:
    """The console of results (stdout)."""
    return _console(sys.stdout)


def _console(stream: TextIO) -> Console:
    try:
        from rich.console import Console as RichConsole
    except ImportError:
        return Plain(stream)
    if stream.isatty():
        return RichConsole(file=stream, highlight=False)
    width = int(os.environ.get("COLUMNS") or 160)
    return RichConsole(file=stream, highlight=False, soft_wrap=True, width=width)


def show(problems: Iterable[str]) -> None:
    """Print problems to stderr, one line each, without interpreting markup in them."""
    console = err()
    for problem in problems:
        console.print("error: ", style="bold red", end="")
        console.print(problem, markup=False)


def leave_code(code: object) -> None:
    """Write an exit code where EXIT_CODE_FILE says, if it does: torchrun ends with 1 whatever its processes ended with.

    A file for each time that torchrun has started its processes, and in it the first code: those of the other ranks
    follow from that one.
    """
    path = os.environ.get("EXIT_CODE_FILE")
    if path and isinstance(code, int) and code != OK:
        life = Path(f"{path}.{os.environ.get('TORCHELASTIC_RESTART_COUNT') or 0}")
        with contextlib.suppress(FileExistsError), life.open("x", encoding="ascii") as file:
            file.write(str(code))


def guarded(app: typer.Typer, name: str = "") -> Callable[[], None]:
    """The entry point of a command: `main = guarded(app, "python -m training.train")`.

    Shows a `TrainingError` as its lines with its exit code, ctrl-C as 130, a closed pipe as silence, and a fault of
    ours as one line with file and line number (AIDC_TRACEBACK=1 shows the traceback).
    """

    def main() -> None:
        try:
            app(prog_name=name or None)
        except TrainingError as error:
            show(error.problems)
            leave_code(error.code)
            raise SystemExit(error.code) from None
        except SystemExit as end:
            if end.code == INTERRUPTED:  # Typer has caught ctrl-C
                show(["interrupted"])
            leave_code(end.code)
            raise
        except BrokenPipeError:
            # The reader went away (`... | head`): not an error, but Python must not complain while closing stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(OK) from None
        except Exception as error:
            if os.environ.get("AIDC_TRACEBACK"):
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            text = " ".join(str(error).split())
            where = f"{frame.filename}:{frame.lineno}"
            show([f"a fault in the toolkit: {type(error).__name__}: {text} ({where}); AIDC_TRACEBACK=1 shows more"])
            raise SystemExit(FAILURE) from None

    return main
