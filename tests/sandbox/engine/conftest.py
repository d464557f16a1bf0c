"""A real Pulumi CLI with our language host, a state of its own, and tiny projects to run."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import textwrap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox import toolchain
from sandbox.engine import home
from sandbox.settings import Settings
from sandbox.toolchain import Tool
from tests.sandbox.awaiting import LIMIT_S


@dataclass(frozen=True)
class Run:
    """What a command said: exit code and both streams together."""

    code: int
    text: str

    @property
    def diagnostics(self) -> str:
        """The messages, each once; the table of resources above them repeats the last one."""
        return self.text.partition("Diagnostics:")[2]


@dataclass
class Project:
    """A Pulumi project with one stack, `dev`."""

    directory: Path
    environment: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start the CLI as a shell would: ctrl-C reaches it even if this test run ignores it."""
        with subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *arguments: str) -> Run:
        with self.start(*arguments) as process:
            text, _ = process.communicate(timeout=LIMIT_S)
        return Run(process.returncode, text)

    def up(self, *arguments: str) -> Run:
        return self.run("up", "--yes", "--skip-preview", *arguments)

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.run("stack", "output", "--json").text)

    def types(self) -> list[str]:
        """Types of the resources in the state."""
        exported = json.loads(self.run("stack", "export").text)
        return [resource["type"] for resource in exported["deployment"].get("resources", [])]


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """The CLI alone in a directory, as a build leaves it: without the official language host."""
    found = toolchain.ensure("pulumi")
    alone = tmp_path_factory.mktemp("cli") / "pulumi"
    home.place_beside(found.path, alone)
    return Tool(found.name, found.version, alone, found.origin, found.size, found.sha256)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    state = tmp_path_factory.mktemp("state")
    return Settings(state=state, cache=state / "cache", port=21190)


def project_name(test: str) -> str:
    """A name of at most 100 characters that no other test has."""
    return f"{re.sub(r'[^a-z0-9]+', '-', test.lower())[:80]}-{zlib.crc32(test.encode()):08x}"


@pytest.fixture
def project(tmp_path: Path, settings: Settings, tool: Tool, request: pytest.FixtureRequest) -> Project:
    """A project with a new stack and no program yet."""
    made = Project(tmp_path, home.process_environment(settings, tool))
    made.write("Pulumi.yaml", f"name: {project_name(request.node.name)}\nruntime: python\n")
    assert made.run("stack", "init", "dev").code == 0
    return made


def still_running(pids: list[int]) -> list[int]:
    """Of `pids`, those that have not ended although they were given time to."""
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(processes, timeout=LIMIT_S)
    for process in alive:
        process.kill()  # a failing test leaves nothing behind either
    return [process.pid for process in alive]
