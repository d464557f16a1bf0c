"""Stand-ins: a tool that is quick to get, a Go that compiles nothing, a talker that remembers.

Run as a program, `python -m tests.sandbox.toolchain.fakes DIRECTORY` gets the tool like a second run of the toolkit:
DIRECTORY holds its cache, `made` gets a line a time that it is made, `talk-PID` what was said; making it waits for the
file `go-on`. With `go` in DIRECTORY the tool is built by that and cannot be downloaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from sandbox.settings import Settings
from sandbox.toolchain import getting, golang, platforms
from sandbox.toolchain.download import Limits
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Key
from sandbox.toolchain.tool import Unavailable
from tests.sandbox import awaiting

VERSION = "1.2.3"
PROGRAM = f"#!/bin/sh\necho fake {VERSION}\n"
SHORT = Limits(connect_s=2, answer_s=2, stall_s=2)
"""For servers that say nothing: long enough that on a busy machine they were asked before they are given up."""
LONG = Limits(connect_s=120, answer_s=120, stall_s=120)
"""For servers that say something: nothing is to run out."""


def settings(directory: Path) -> Settings:
    return Settings(state=directory / "state", cache=directory / "cache", port=21100)


def executable(path: Path, text: str = PROGRAM) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class Talk(Progress):
    """Remembers what was said."""

    def __init__(self) -> None:
        super().__init__(Console(file=open(os.devnull, "w"), force_terminal=False))  # noqa: PTH123, SIM115
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def about(self, words: str) -> list[str]:
        return [line for line in self.said if words in line]


class FakeTool:
    """A recipe: `fetch` is given, `module` is built by whatever `go` is on PATH."""

    name = "fake"

    def __init__(self, fetch: Callable[[Path], str] | None = None, directory: Path = Path("/")) -> None:
        self._fetch, self._directory = fetch, directory

    @property
    def key(self) -> Key:
        return Key(self.name, VERSION, "0123456789abcdef")

    @property
    def module(self) -> golang.Module:
        return golang.Module(self._directory, ".", ("-s", "-X 'main.v=1 2'"), ("example.com/Mod", "v1.0.0"), 1)

    def works(self, path: Path) -> bool:
        return platforms.first_line([str(path)]) == f"fake {VERSION}"

    def fetch(self, scratch: Path, progress: Progress) -> str:
        if self._fetch is None:
            raise Unavailable("there is no network")
        return self._fetch(scratch)


def place(scratch: Path) -> str:
    """A download that works."""
    executable(scratch / "bin" / "fake")
    return "bin/fake"


def other_run(directory: Path) -> None:
    """See the module's docstring."""

    def fetch(scratch: Path) -> str:
        with (directory / "made").open("a") as file:
            file.write(f"{os.getpid()}\n")
        awaiting.line(directory / "go-on")
        return place(scratch)

    class Written(Talk):
        def say(self, line: str) -> None:
            with (directory / f"talk-{os.getpid()}").open("a") as file:
                file.write(line + "\n")

    built = (directory / "go").exists()
    if built:
        os.environ["PATH"] = f"{directory}{os.pathsep}{os.environ['PATH']}"
    tool = getting.get(FakeTool(None if built else fetch, directory), settings(directory), Written())
    print(tool.path)


if __name__ == "__main__":
    other_run(Path(sys.argv[1]))
