"""A copy of the checkout with a local cloud of its own, driven as a user drives it: by commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.settings import REPOSITORY, Settings
from tests import ports


@dataclass
class Checkout:
    """A copy of the tracked files; the Python environment is that of the tests, tools come from the user's cache."""

    folder: Path
    settings: Settings
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fresh(cls) -> Checkout:
        folder = Path(tempfile.mkdtemp(prefix="aidc-")).resolve()
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
        ).stdout
        for name in filter(None, listed.decode().split("\0")):
            if (source := REPOSITORY / name).is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        (folder / ".venv").symlink_to(Path(sys.prefix))
        return cls(folder, Settings(folder / ".sandbox", Settings.load().cache, ports.block()))

    @property
    def environment(self) -> dict[str, str]:
        """A user's environment: nothing of AWS or Pulumi is set, so the toolkit has to set it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
        for name in ("KUBECONFIG", "YES", "STACK", "AIDC_STATE"):  # the last: other tests' cloud in the same session
            inherited.pop(name, None)
        return {**inherited, "AIDC_PORT": str(self.settings.port), "PYTHONUNBUFFERED": "1", **self.extra}

    def run(self, *arguments: str, check: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m <arguments>` without a terminal and wait for its end."""
        done = subprocess.run(
            [str(self.folder / ".venv/bin/python"), "-m", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile without a terminal and wait for its end."""
        return subprocess.run(
            ["make", "--no-print-directory", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `python -m <arguments>` in a process group of its own, as a terminal does, and return at once."""
        return subprocess.Popen(
            [str(self.folder / ".venv/bin/python"), "-m", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
            preexec_fn=default_interrupt,  # noqa: PLW1509 - nothing else runs in this child before exec
        )

    def shell(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the environment of the local stack, as the README tells users to."""
        script = f'eval "$(.venv/bin/python -m sandbox env)"\n{command}'
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if check:
            assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Replace text in a file; every `before` must be there."""
        text = (self.folder / name).read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, f"{name} does not contain {before!r}"
            text = text.replace(before, after)
        self.write(name, text)

    def processes(self) -> list[Any]:
        """What still runs of this checkout's cloud."""
        return list(processes.ours(self.settings))

    def remove(self) -> None:
        """End everything and delete the copy."""
        self.run("sandbox", "down")
        left = self.processes()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, f"left after the end: {left}"


def default_interrupt() -> None:
    """A test runner in the background ignores SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def lines(text: str, word: str) -> list[str]:
    """The lines that hold a word."""
    return [line for line in text.splitlines() if word in line]
