"""The cache of tools: one directory a tool, version and platform, complete or not there at all.

`<cache>/tools/<name>-<version>-<hash of what it is made from>/` holds the files and `tool.json`, which records size
and SHA-256 of each. It is made in a scratch directory beside it and renamed into place, under a lock: of two runs the
second waits, a killed one leaves only scratch that the next run removes. The lock is handed down to the programs that
do the work: a build that outlives a killed run is waited for, not raced, and leaves Go's caches filled.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain.tool import Origin, Tool
from terminal import UserError

RECORD = "tool.json"


@dataclass(frozen=True)
class Key:
    """What a tool in the cache is known by. `inputs` is a hash of everything that decides what it is made of."""

    name: str
    version: str
    inputs: str

    @property
    def directory(self) -> str:
        return f"{self.name}-{self.version}-{self.inputs[:12]}"


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Hexadecimal hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def no_space(path: Path, need: int, what: str) -> UserError:
    """The one message about a full disk."""
    free = shutil.disk_usage(path).free
    return UserError(
        f"no space for {what}: {path} has {free / 1e9:.1f} GB free, {need / 1e9:.1f} GB are needed; free some, or set "
        "AIDC_CACHE (and GOCACHE, GOMODCACHE for builds) to a directory on a larger disk"
    )


def require_space(path: Path, need: int, what: str) -> None:
    """Refuse to start on what cannot be finished. `need` in bytes. Raises UserError."""
    existing = next(parent for parent in [path, *path.parents] if parent.exists())
    if shutil.disk_usage(existing).free < need:
        raise no_space(existing, need, what)


class Store:
    """Tools below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, key: Key) -> Tool | None:
        """The tool, if it is there and its files are as they were when they were verified."""
        directory = self.root / key.directory
        try:
            record = json.loads((directory / RECORD).read_text())
            main, files = record["main"], record["files"]
            sound = all(_sound(directory / name, entry) for name, entry in files.items())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not sound or main not in files:
            return None
        size = sum(entry["size"] for entry in files.values())
        return Tool(key.name, key.version, directory / main, record["origin"], size, files[main]["sha256"])

    def present(self, key: Key) -> bool:
        """Whether a directory is there, sound or not."""
        return (self.root / key.directory).exists()

    @contextmanager
    def lock(self, name: str, waiting: Callable[[str], None]) -> Iterator[int]:
        """Be the only run that gets the tool `name`. Yields the lock's file descriptor, for the children to inherit."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                waiting(f"{name}: waiting for another run that is getting it (started by process {owner or 'unknown'})")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield descriptor
        finally:
            os.close(descriptor)

    def install(self, key: Key, make: Callable[[Path], tuple[Origin, str]]) -> Tool:
        """Let `make` fill a scratch directory (it returns origin and main file), record the files, move it into place.

        Call it under the lock. Raises what `make` raises, UserError when the disk is full; then nothing has changed.
        """
        self.sweep(key.name)
        scratch = Path(tempfile.mkdtemp(dir=self.root, prefix=f".{key.name}-"))
        try:
            origin, main = make(scratch)
            files = {str(file.relative_to(scratch)): file for file in sorted(scratch.rglob("*")) if _recorded(file)}
            record = {
                "name": key.name,
                "version": key.version,
                "origin": origin,
                "main": main,
                "files": {name: _entry(file) for name, file in files.items()},
            }
            (scratch / RECORD).write_text(json.dumps(record, indent=1) + "\n")
            scratch.chmod(0o755)
            self.discard(key)
            scratch.rename(self.root / key.directory)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise no_space(self.root, 1 << 30, key.name) from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        tool = self.find(key)
        assert tool is not None, "a tool that was just recorded is sound"
        return tool

    def sweep(self, name: str) -> None:
        """Remove what killed runs have left of this tool. Call it under the lock."""
        for leftover in self.root.glob(f".{name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def discard(self, key: Key) -> None:
        """Remove a tool. Renamed first: no one may find it half removed."""
        directory = self.root / key.directory
        if directory.exists():
            grave = Path(tempfile.mkdtemp(dir=self.root, prefix=f".{key.name}-")) / "old"
            directory.rename(grave)
            shutil.rmtree(grave.parent, ignore_errors=True)


def _recorded(file: Path) -> bool:
    """Python rewrites its compiled files as it likes."""
    return file.is_file() and "__pycache__" not in file.parts


def _entry(file: Path) -> dict[str, int | str]:
    status = file.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": digest(file)}


def _sound(file: Path, entry: dict[str, int | str]) -> bool:
    """Cheap when nobody has touched the file; otherwise its hash decides."""
    status = file.stat()
    if status.st_size != entry["size"]:
        return False
    return status.st_mtime_ns == entry["mtime_ns"] or digest(file) == entry["sha256"]
