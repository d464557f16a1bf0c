"""System calls that Python 3.11 lacks, and facts about processes.

Holds: namespaces, mounts, pivot_root, capabilities, process start times. Leaves out: what they are used for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# linux/sched.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000)  # fmt: skip
# linux/mount.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    0x1, 0x2, 0x4, 0x8, 0x20, 0x1000, 0x4000, 0x40000)  # fmt: skip
MNT_DETACH = 2
# linux/prctl.h
PR_SET_PDEATHSIG, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 23, 24, 38

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    """Raise OSError with the call's errno and its name when it failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """unshare(2): give the calling thread (or its future children, for CLONE_NEWPID) new namespaces."""
    _checked(_libc.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """setns(2): move the calling thread into the namespace open at `descriptor`."""
    _checked(_libc.setns(descriptor, kind), "setns")


def mount(source: str, target: Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). The error names both ends, so that a user can tell which mount failed."""
    call = _libc.mount(source.encode(), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _checked(call, f"mount {source} on {target}")


def unmount(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(target.encode(), flags), f"unmount {target}")


def pivot_root(new_root: Path) -> None:
    """Make `new_root` (a mount point) the root of this mount namespace and let go of the old one."""
    os.chdir(new_root)
    # pivot_root(2), "pivot_root(".", ".")": the old root lies over the new one and is unmounted at once.
    _checked(_libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    unmount(".", MNT_DETACH)
    os.chdir("/")


def prctl(option: int, value: int) -> int:
    """prctl(2) with one argument. Returns its result; raises OSError when it is negative."""
    result = _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)
    if result < 0:
        _checked(result, f"prctl {option}")
    return result


def limit_capabilities(kept: set[int]) -> None:
    """Drop every capability outside `kept` from the bounding set: a program run as root cannot get it back."""
    for capability in range(64):
        with contextlib.suppress(OSError):  # EINVAL: this kernel has no capability of that number
            if capability not in kept and prctl(PR_CAPBSET_READ, capability):
                prctl(PR_CAPBSET_DROP, capability)


def in_thread(action: Callable[[], T]) -> T:
    """Run `action` in a thread that ends afterwards, so that the namespaces it enters are not ours."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            errors.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def new_network_namespace() -> int:
    """An open descriptor of a new, empty network namespace. It lives as long as a descriptor or a process holds it."""

    def create() -> int:
        unshare(CLONE_NEWNET)
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    return in_thread(create)


def in_network(namespace: int, action: Callable[[], T]) -> T:
    """Run `action` inside a network namespace. A socket made there stays there, whoever uses it later."""

    def enter() -> T:
        setns(namespace, CLONE_NEWNET)
        return action()

    return in_thread(enter)


@dataclass(frozen=True)
class Process:
    """A process of this machine that can be told from a later one with the same number."""

    pid: int
    started: int
    """Start time in clock ticks since boot, field 22 of /proc/PID/stat."""
    boot: str
    """The kernel's boot id: process numbers and start times repeat after a reboot."""

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process with this number; None when there is none or it has ended and waits to be reaped."""
        try:
            # The name in brackets may hold spaces and brackets: the fields are counted behind the last bracket.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else cls(pid, int(fields[19]), boot_id())

    @property
    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def open(self) -> int | None:
        """A pidfd of this very process, readable once it has ended; None when it is gone. The caller closes it."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive:
            return descriptor
        os.close(descriptor)
        return None


def wait_readable(descriptors: Iterable[int | None], seconds: float | None) -> set[int]:
    """Wait until one of the descriptors can be read, or `seconds` are over (None: no limit). Returns those that can."""
    poll = select.poll()
    for descriptor in descriptors:
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else max(seconds, 0) * 1000)}


def boot_id() -> str:
    """Which start of the kernel this is; empty where the kernel does not say."""
    if sys.platform != "linux":
        return ""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
