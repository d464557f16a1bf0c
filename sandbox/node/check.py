"""Whether this machine can run pods as processes, tried out rather than guessed.

Imports nothing heavy: the supervisor asks before it starts anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.settings import REPOSITORY

MINIMUM_KERNEL = (5, 3)
"""pidfd_open(2), with which a process is watched without a race."""


@dataclass(frozen=True)
class Ability:
    """What was found."""

    missing: str | None
    """Why no pod can run here; None when they can."""
    network: str | None
    """Why pods share this machine's network; None when they have networks of their own."""


def ability() -> Ability:
    """Try namespaces, an overlay and a virtual cable in a child process that ends at once."""
    if sys.platform != "linux":
        return Ability(f"pods as processes need Linux, this is {sys.platform}", None)
    if os.geteuid() != 0:
        return Ability("pods as processes need root (namespaces, mounts): run as root, for instance with sudo", None)
    kernel = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if kernel < MINIMUM_KERNEL:
        return Ability(f"pods as processes need Linux {'.'.join(map(str, MINIMUM_KERNEL))} or newer", None)
    # In a fresh interpreter: a fork of this process may abort in a library that is in the middle of something (gRPC).
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "sandbox.node.check"]
    tried = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    if tried.returncode:
        words = tried.stderr.strip().splitlines() or [f"the trial ended with exit code {tried.returncode}"]
        return Ability(f"pods as processes are not permitted here: {words[-1]}", None)
    return Ability(**json.loads(tried.stdout))


def tried() -> Ability:
    """Try it, in this process and its children."""
    problem = _in_child(_try_root)
    return Ability(problem and f"pods as processes are not permitted here: {problem}", _in_child(_try_network))


def _in_child(attempt: object) -> str | None:
    """Run `attempt` in a child; its problem, None when it went well."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            assert callable(attempt)
            attempt()
        except BaseException as problem:  # noqa: BLE001 - told through the pipe
            os.write(write, (str(problem) or type(problem).__name__).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as told:
        problem = told.read()
    os.waitpid(child, 0)
    return problem or None


def _try_root() -> None:
    from sandbox.node import linux, root
    from sandbox.node.launch import Launch

    with tempfile.TemporaryDirectory(prefix="aidc-check-") as folder:
        linux.unshare(linux.CLONE_NEWPID)
        child = os.fork()
        if child:
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                raise OSError((Path(folder) / "problem").read_text(encoding="utf-8"))
            return
        problem = os.open(Path(folder) / "problem", os.O_WRONLY | os.O_CREAT)
        code = 1
        try:
            linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC)
            paper = Launch([], {}, "/", "check", [], [], 0, 0, [], [], False, False, None, None, "", 0, 0)
            root.enter(Path(folder), paper)
            code = 0
        except BaseException as error:  # noqa: BLE001 - told through the file
            os.write(problem, str(error).encode())
        finally:
            os._exit(code)


def _try_network() -> None:
    from sandbox.node.network import try_private

    try_private()


if __name__ == "__main__":
    print(json.dumps(asdict(tried())))
