"""The shim: one small process that stays beside each container, whatever becomes of the agent.

It starts the program in its namespaces, copies its output to the log in the container runtimes' format, hands signals
on, and writes how it ended. Signals it understands: SIGTERM is handed to the program, SIGUSR1 kills it. When the agent
has been away too long it ends the container, so that nothing is left of a local cloud that died. Standard library only;
run as `python -m sandbox.node.shim FOLDER READY`, READY being a descriptor it closes once the container runs or failed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from sandbox.node import launch as paper
from sandbox.node import linux, root
from sandbox.node.launch import Launch, Outcome

GUARD_SECONDS = 5.0
LINE_BYTES = 16384
"""Longer lines are split and marked partial, as container runtimes do."""
START_ERROR = 128
"""Exit code that container runtimes give a program that could not be executed."""
HANDED_ON = (signal.SIGTERM, signal.SIGUSR1)


class Stream:
    """One output of the program, written line by line in the container runtimes' log format."""

    def __init__(self, name: str, descriptor: int, log: int) -> None:
        self.descriptor = descriptor
        self._name, self._log, self._rest = name, log, b""

    def copy(self) -> bool:
        """Copy what is there; False at the end of the stream."""
        data = os.read(self.descriptor, 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._write(line, b"F")
        while len(self._rest) > LINE_BYTES or (self._rest and not data):
            self._write(self._rest[:LINE_BYTES], b"P")
            self._rest = self._rest[LINE_BYTES:]
        return bool(data)

    def _write(self, line: bytes, tag: bytes) -> None:
        for start in range(0, max(len(line), 1), LINE_BYTES):
            part = line[start : start + LINE_BYTES]
            ending = tag if start + LINE_BYTES >= len(line) else b"P"
            head = f"{paper.now()} {self._name} ".encode() + ending + b" "
            with contextlib.suppress(OSError):  # a full disk costs log lines, not the program
                os.write(self._log, head + part + b"\n")


class Container:
    """The program as seen by its shim."""

    def __init__(self, folder: Path, launch: Launch) -> None:
        self._folder, self._launch = folder, launch
        self._log = os.open(folder / paper.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._streams: list[Stream] = []
        self._started_at: str | None = None
        self._reason = ""
        self._guarded_at = time.monotonic()
        self._alone_since: float | None = None
        self._asked_at: float | None = None
        self.pid = 0

    def start(self) -> str:
        """Start the program. Returns why it could not be executed, or nothing."""
        launch = self._launch
        networks = [one for one in (launch.node_network, launch.pod_network) if one is not None]
        for descriptor in networks:
            os.set_inheritable(descriptor, False)  # the program must not hold them
        if launch.node_network is not None:
            linux.setns(launch.node_network, linux.CLONE_NEWNET)
        outputs = {name: os.pipe() for name in ("stdout", "stderr")}
        error_read, error_write = os.pipe()
        linux.unshare(linux.CLONE_NEWPID)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(error_read)
            _become(self._folder, launch, outputs["stdout"][1], outputs["stderr"][1], error_write)
        os.close(error_write)
        for name, (read, write) in outputs.items():
            os.close(write)
            self._streams.append(Stream(name, read, self._log))
        for descriptor in networks:
            os.close(descriptor)
        with os.fdopen(error_read, encoding="utf-8") as errors:
            problem = errors.read()  # ends at execve, which closes the other end
        if not problem:
            self._started_at = paper.now()
            paper.write_json(self._folder / paper.RUNNING, {"pid": self.pid, "started_at": self._started_at})
        return problem

    def hand_on(self, number: int, _frame: FrameType | None = None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL if number == signal.SIGUSR1 else number)

    def wait(self) -> Outcome:
        """Copy output until the program has ended, and say how."""
        with selectors.DefaultSelector() as selector:
            ended = os.pidfd_open(self.pid)
            selector.register(ended, selectors.EVENT_READ, None)
            for stream in self._streams:
                selector.register(stream.descriptor, selectors.EVENT_READ, stream)
            while True:
                events = selector.select(GUARD_SECONDS)
                for key, _ in events:
                    if key.data is not None and not key.data.copy():
                        selector.unregister(key.fd)
                if any(key.data is None for key, _ in events):
                    break
                self._guard()
        # The program was the first of its process namespace: with it every process ended that could still write.
        for stream in self._streams:
            while stream.copy():
                pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        code = 128 - code if code < 0 else code
        message = self._reason or termination_message(self._folder)
        reason = "AgentLost" if self._reason else "Error" if code else "Completed"
        return Outcome(code, reason, message, self._started_at, paper.now())

    def _guard(self) -> None:
        """End the program when nobody has been in charge of it for too long."""
        if time.monotonic() - self._guarded_at < GUARD_SECONDS:
            return
        self._guarded_at = time.monotonic()
        if agent_alive(Path(self._launch.agent_lock)):
            self._alone_since = None
            return
        self._alone_since = self._alone_since or time.monotonic()
        if time.monotonic() - self._alone_since < self._launch.orphan_seconds:
            return
        self._reason = f"the process node's agent was away for more than {self._launch.orphan_seconds:g} s"
        self._asked_at = self._asked_at or time.monotonic()
        late = time.monotonic() - self._asked_at >= self._launch.grace_seconds
        self.hand_on(signal.SIGUSR1 if late else signal.SIGTERM)


def agent_alive(lock: Path) -> bool:
    """Whether an agent holds its lock."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def termination_message(folder: Path) -> str:
    """What the program left in its termination log; at most 4096 bytes, the kubelet's limit."""
    with contextlib.suppress(OSError), (folder / paper.TERMINATION_LOG).open("rb") as file:
        return file.read(4096).decode(errors="replace")
    return ""


def _become(folder: Path, launch: Launch, stdout: int, stderr: int, error: int) -> None:
    """Turn this process, the first of its process namespace, into the program. Does not return."""
    try:
        os.setsid()
        if launch.pod_network is not None:
            linux.setns(launch.pod_network, linux.CLONE_NEWNET)
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC)
        os.umask(0o022)
        root.enter(folder, launch)
        # Linux allows 64 bytes; a pod's name may be longer. The kubelet cuts it the same way.
        socket.sethostname(launch.hostname[:63].rstrip("-."))
        _take_identity(launch)
        os.chdir(launch.directory)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and ignoring is inherited
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
        program = shutil.which(launch.argv[0], path=launch.environment.get("PATH", os.defpath))
        if program is None:
            raise FileNotFoundError(f"{launch.argv[0]}: no such program in PATH")
        os.execve(program, launch.argv, launch.environment)  # noqa: S606 - a shell is what we do not want
    except Exception as problem:  # noqa: BLE001 - everything is told to the shim, which reports it
        os.write(error, str(problem).encode() or b"unknown problem")
    finally:
        os._exit(START_ERROR)


def _take_identity(launch: Launch) -> None:
    if launch.capabilities is not None:
        linux.limit_capabilities(set(launch.capabilities))
    os.setgroups(launch.groups)
    os.setgid(launch.group)
    os.setuid(launch.user)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)  # after setuid, which would clear it
    if not launch.new_privileges:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)


def main() -> None:
    folder, ready = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(ready, False)
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    if not paper.claim(folder, linux.Process.of(os.getpid())):
        return  # an agent that came back has given this attempt up
    container = Container(folder, Launch.read(folder))
    try:
        problem = container.start()
    except OSError as error:
        problem = str(error)
    if problem:
        Outcome(START_ERROR, "StartError", problem, None, paper.now()).write(folder)
        os.close(ready)
        return
    os.close(ready)
    for number in HANDED_ON:
        signal.signal(number, container.hand_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
    container.wait().write(folder)


if __name__ == "__main__":
    main()
