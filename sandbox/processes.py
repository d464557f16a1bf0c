"""What runs on this machine that belongs to a sandbox, and who sits on a port.

A daemon is known by two variables of its environment, `AIDC_DAEMON` (its name) and `AIDC_STATE` (whose it is): they
survive the death of the supervisor, need no pid files, and a reused pid cannot be mistaken for one of ours.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from sandbox.settings import Settings
from terminal import UserError

NAME_VARIABLE, STATE_VARIABLE = "AIDC_DAEMON", "AIDC_STATE"


def ours(settings: Settings) -> dict[int, str]:
    """Pid -> daemon name of every living process of this sandbox, including what a daemon started itself."""
    found: dict[int, str] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(STATE_VARIABLE) != str(settings.state) or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if name := environment.get(NAME_VARIABLE):
                found[process.pid] = name
    found.pop(os.getpid(), None)
    return found


def end(pids: Iterable[int], grace: float = 10.0) -> None:
    """SIGTERM, then SIGKILL after `grace` seconds; returns when all are gone."""
    processes: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            processes.append(psutil.Process(pid))
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=grace)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=grace)


def kill(pid: int) -> None:
    """SIGKILL, and wait for the end."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        process.kill()
        psutil.wait_procs([process], timeout=5)


def is_free(port: int) -> bool:
    """Whether 127.0.0.1:port can be listened on."""
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT do not count, a listener still does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def owner(port: int) -> str | None:
    """Who listens on the port, like `python3 (pid 12)`; None when the system does not tell."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr[1] == port:
                if connection.pid is None:
                    return None
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return None


def free_block(first: int, size: int, last: int = 65525) -> int | None:
    """The lowest port from `first` on, in steps of ten, that starts `size` free ones; None when there is none."""
    for start in range(first, last, 10):
        if all(is_free(port) for port in range(start, start + size)):
            return start
    return None


@contextlib.contextmanager
def exclusively(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path`. When another process holds it, say so through `waiting` and wait for its end.

    The kernel lets go of the lock when its holder dies, however it dies. Raises UserError when the folder of the lock
    cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+", encoding="utf-8")
    except OSError as problem:
        raise UserError(
            f"{path.parent} cannot be written ({problem.strerror}): name another folder with AIDC_STATE"
        ) from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            waiting(f"waiting for another command of this sandbox to end (pid {file.read().strip() or 'unknown'})")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
