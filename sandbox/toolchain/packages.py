"""Installs pinned Python packages into a directory of the cache: a plain directory (Go) or a virtual environment."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Key, Store, require_space
from sandbox.toolchain.tool import Origin, Unavailable

SPACE = 1 << 30
"""Bytes: Go unpacks to about 0.3 GB, JAX and its dependencies to about 0.6 GB."""
MARK = "packages"
"""File in the directory that names what was asked for."""


def watch(
    command: list[str],
    log: Path,
    progress: Callable[[int], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    lock: int | None = None,
) -> int:
    """Run `command` with its output in `log`, report the number of lines each second. Returns the exit code.

    The output goes to a file, not a pipe, and the lock is inherited: should this process be killed, the command
    finishes undisturbed and whoever comes next waits for it.
    """
    inherited = () if lock is None else (lock,)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=inherited
        )
    try:
        while True:
            try:
                return child.wait(1.0)
            except subprocess.TimeoutExpired:
                progress(log.read_bytes().count(b"\n"))
    except BaseException:
        child.terminate()
        child.wait()
        raise


@dataclass(frozen=True)
class Wanted:
    """A directory of packages: its name in the cache, the requirements file, and which of the two kinds it is."""

    name: str
    requirements: Path
    venv: bool

    @property
    def key(self) -> Key:
        """Changes with the requirements, the interpreter and the platform."""
        python = platform.python_version()
        parts = [self.requirements.read_text(), sys.base_prefix, python, platform.system(), platform.machine()]
        return Key(self.name, f"py{python}", hashlib.sha256("\0".join(parts).encode()).hexdigest())


def ensure(store: Store, wanted: Wanted, progress: Progress) -> Path:
    """The directory with the packages, installed if need be. Raises Unavailable, UserError."""
    if tool := store.find(wanted.key):
        return tool.path.parent
    with store.lock(wanted.name, progress.say) as lock:
        tool = store.find(wanted.key)
        if tool is None:
            require_space(store.root, SPACE, f"the Python packages of {wanted.requirements.name}")

            def make(scratch: Path) -> tuple[Origin, str]:
                (scratch / MARK).write_text(wanted.requirements.read_text())
                fill(scratch, wanted, progress, lock)
                return "download", MARK

            tool = store.install(wanted.key, make)
    return tool.path.parent


def fill(directory: Path, wanted: Wanted, progress: Progress, lock: int) -> None:
    """Run pip. A virtual environment gets no pip of its own: it is never changed, only replaced."""
    if wanted.venv:
        import venv

        venv.create(directory, symlinks=True, with_pip=False)
        where = ["--python", str(directory), "install"]
    else:
        where = ["install", "--no-deps", "--target", str(directory)]
    options = ["--retries", "1", "--no-input", "--progress-bar", "off", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *where, *options, "-r", str(wanted.requirements)]
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f"{directory.name}.pip-") as scratch:
        log = Path(scratch) / "log"
        env = {**os.environ, "TMPDIR": scratch}
        with progress.task(f"installing the Python packages of {wanted.requirements.name}") as task:
            code = watch(command, log, lambda lines: task.update(f"{lines} steps"), env=env, lock=lock)
        if code:
            raise Unavailable(reason(log.read_text(errors="replace")))


def reason(output: str) -> str:
    """The line of pip's output that says why it failed."""
    if "No module named pip" in output:
        return f"{sys.executable} has no pip; `{sys.executable} -m ensurepip` installs it"
    if "No space left on device" in output:
        return "no space left on the disk"
    network = [line for line in output.splitlines() if "NewConnectionError" in line or "Name or service" in line]
    if network:
        return "the Python package index cannot be reached"
    errors = [line.removeprefix("ERROR: ") for line in output.splitlines() if line.startswith("ERROR: ")]
    return f"pip: {(errors or ['it failed without a message'])[-1][:300]}"
