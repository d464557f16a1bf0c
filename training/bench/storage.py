"""Sequential write and read of a folder's file system: by fio or IOR where present, else a loop of our own.

Past the page cache where the file system allows it (O_DIRECT), and the finding says whether it did: figures through
the cache are those of memory. Every rank has files of its own; the sum over ranks is made where the reports meet.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

BLOCK = 4 << 20
THREADS = 4
MIB = 1 << 20
Finding = dict[str, Any]


class ToolFailed(Exception):
    """A tool that is present did not give a figure; one line."""


def measure(folder: str, size: int) -> Iterator[Finding]:
    """Write and read `size` bytes below `folder`; what was written is removed. Raises OSError, such as a full disk."""
    size = max(size // (BLOCK * THREADS), 1) * BLOCK * THREADS
    place = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
    try:
        yield from _by_a_tool(place, size) or _by_ourselves(place, size)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _by_a_tool(place: Path, size: int) -> list[Finding] | None:
    """With the first tool that is present and works."""
    for name, run in (("fio", _fio), ("ior", _ior)):
        if path := shutil.which(name):
            with contextlib.suppress(ToolFailed):
                return run(path, place, size)
    return None


def _fio(path: str, place: Path, size: int) -> list[Finding]:
    found = []
    for operation in ("write", "read"):
        for direct in (1, 0):
            command = [path, f"--name={operation}", f"--directory={place}", "--filename_format=data.$jobnum",
                       f"--rw={operation}", f"--bs={BLOCK}", f"--size={size // THREADS}", f"--numjobs={THREADS}",
                       f"--direct={direct}", "--ioengine=psync", "--thread", "--group_reporting", "--end_fsync=1",
                       "--refill_buffers", "--output-format=json"]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        try:
            document = json.loads(done.stdout)
            job = document["jobs"][0][operation]
            seconds = job["runtime"] / 1000
            found.append(
                _finding(operation, job["io_bytes"], seconds, direct=bool(direct), tool=document["fio version"])
            )
        except (ValueError, KeyError, IndexError) as problem:
            raise ToolFailed(f"fio: {problem!r}") from None
    return found


def _ior(path: str, place: Path, size: int) -> list[Finding]:
    command = [path, "-a", "POSIX", "-w", "-r", "-e", "--posix.odirect", "-t", str(BLOCK), "-b", str(size),
               "-o", str(place / "data"), "-O", "summaryFormat=JSON"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        document = json.loads(done.stdout)
        speeds = {row["operation"]: row["bwMaxMIB"] * MIB for row in document["summary"]}
        tool = f"ior {document.get('Version', '')}".strip()
        return [
            _finding(operation, size, size / speeds[operation], direct=True, tool=tool)
            for operation in ("write", "read")
        ]
    except (ValueError, KeyError, ZeroDivisionError) as problem:
        raise ToolFailed(f"ior: {problem!r}") from None


def _by_ourselves(place: Path, size: int) -> list[Finding]:
    part = size // THREADS
    direct = _allows_direct(place)
    flag = os.O_DIRECT if direct else 0
    found = []
    for operation, work, mode in (("write", _write, os.O_WRONLY | os.O_CREAT), ("read", _read, os.O_RDONLY)):
        files = [os.open(place / f"data.{number}", mode | flag, 0o600) for number in range(THREADS)]
        try:
            if operation == "read" and not direct:
                for file in files:
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            began = time.perf_counter()
            _together([partial(work, file, part) for file in files])
            seconds = time.perf_counter() - began
        finally:
            for file in files:
                os.close(file)
        found.append(_finding(operation, size, seconds, direct=direct, tool="own loop"))
    return found


def _together(tasks: list[Callable[[], None]]) -> None:
    """All at once, in threads; the first problem is raised."""
    problems: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except OSError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def _write(file: int, size: int) -> None:
    with _buffer() as block:
        block[:] = os.urandom(BLOCK)  # a file system may compress, or leave zeros out
        for offset in range(0, size, BLOCK):
            os.pwrite(file, block, offset)
        os.fsync(file)


def _read(file: int, size: int) -> None:
    with _buffer() as block:
        for offset in range(0, size, BLOCK):
            if os.preadv(file, [block], offset) != BLOCK:
                raise OSError(f"the file ended at {offset}")


def _buffer() -> mmap.mmap:
    """Memory at a page's edge, as O_DIRECT wants it."""
    return mmap.mmap(-1, BLOCK)


def _allows_direct(place: Path) -> bool:
    try:
        file = os.open(place / "probe", os.O_WRONLY | os.O_CREAT | os.O_DIRECT, 0o600)
    except OSError:
        return False  # tmpfs and some overlays refuse
    try:
        with _buffer() as block:
            return os.pwrite(file, block, 0) == BLOCK
    except OSError:
        return False
    finally:
        os.close(file)
        (place / "probe").unlink()


def _finding(operation: str, size: int, seconds: float, *, direct: bool, tool: str) -> Finding:
    return {"operation": operation, "bytes": size, "seconds": [seconds], "direct": direct, "tool": tool}
