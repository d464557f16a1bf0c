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

from sandbox.toolchain import download
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
class Preferred:
    """A package that another index has in a better build: tried there first, alone and without its dependencies."""

    package: str
    """As the requirements pin it: `torch==2.15.0`."""
    index: str
    """Address of a simple index."""


@dataclass(frozen=True)
class Wanted:
    """A directory of packages: its name in the cache, the requirements file, and which of the two kinds it is."""

    name: str
    requirements: Path
    venv: bool
    space: int = SPACE
    """Bytes that must be free before it is begun."""
    first: Preferred | None = None

    @property
    def text(self) -> str:
        """The requirements, with those of the files that they include."""
        return expanded(self.requirements)

    @property
    def key(self) -> Key:
        """Changes with the requirements, the interpreter and the platform, and with where a package is got first."""
        python = platform.python_version()
        parts = [self.text, sys.base_prefix, python, platform.system(), platform.machine()]
        if self.first is not None:
            parts.append(self.first.package)
        return Key(self.name, f"py{python}", hashlib.sha256("\0".join(parts).encode()).hexdigest())


def expanded(requirements: Path) -> str:
    """The file's text with each `-r FILE` line replaced by that file's."""
    lines = []
    for line in requirements.read_text().splitlines():
        words = line.split()
        nested = len(words) == 2 and words[0] in {"-r", "--requirement"}
        lines.append(expanded(requirements.parent / words[1]) if nested else line + "\n")
    return "".join(lines)


def ensure(store: Store, wanted: Wanted, progress: Progress) -> Path:
    """The directory with the packages, installed if need be. Raises Unavailable, UserError."""
    if tool := store.find(wanted.key):
        return tool.path.parent
    with store.lock(wanted.name, progress.say) as lock:
        tool = store.find(wanted.key)
        if tool is None:
            require_space(store.root, wanted.space, f"the Python packages of {wanted.requirements.name}")

            def make(scratch: Path) -> tuple[Origin, str]:
                (scratch / MARK).write_text(wanted.text)
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
    if wanted.space > SPACE:
        options.append("--no-cache-dir")  # gigabytes that nobody would ask for a second time
    command = [sys.executable, "-m", "pip", *where, *options]
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f"{directory.name}.pip-") as temporary:
        scratch = Path(temporary)

        def run(arguments: list[str], title: str) -> None:
            env = {**os.environ, "TMPDIR": temporary}
            log = scratch / "log"
            with progress.task(title) as task:
                code = watch([*command, *arguments], log, lambda n: task.update(f"{n} steps"), env=env, lock=lock)
            if code:
                raise Unavailable(reason(log.read_text(errors="replace")))

        if wanted.first is not None:
            _prefer(wanted.first, scratch, run, progress)
        run(["-r", str(wanted.requirements)], f"installing the Python packages of {wanted.requirements.name}")


def _prefer(first: Preferred, scratch: Path, run: Callable[[list[str], str], None], progress: Progress) -> None:
    """Install the package from its own index. That it cannot be had there is said and is no failure."""
    name = first.package.partition("==")[0]
    try:
        # pip would try for minutes where nobody answers; this notices within seconds.
        download.fetch_text(f"{first.index}/{name}/", scratch)
        run(["--no-deps", "--index-url", first.index, first.package], f"installing {first.package} from {first.index}")
    except Unavailable as error:
        progress.say(f"{name}: {error}; it comes from the package index instead")


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
