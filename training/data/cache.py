"""Copies of shards on a disk of this machine: made on first use, checked while they are made, bounded in size.

Files are named by their checksum, so data sets share a folder and a copy can never be of other data. All processes of
the machine share it: each shard is copied by one of them, the others wait. Does not import NumPy.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from training.data.files import checksum, unwritten
from training.data.objects import Store
from training.errors import BadInput, TrainingError


class Cache:
    """A folder of at most `most_bytes`; what was not used for the longest time goes first.

    A file that is removed while a process has it mapped lives on for that process (POSIX), so readers need no lock.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most = folder, most_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = folder.stat().st_uid
        except OSError as problem:
            raise BadInput(f"cache {folder}: cannot be made ({problem.strerror}); give another folder") from None
        if owner not in {0, os.getuid()}:  # what lies there is taken as checked
            raise BadInput(f"cache {folder}: belongs to user {owner}; give another folder")

    @staticmethod
    def default_folder() -> Path:
        """For data that can only be read through a cache."""
        return Path(tempfile.gettempdir()) / f"training-data-{os.getuid()}"

    def fetch(self, store: Store, name: str, sha256: str, size: int) -> Path:
        """The path of the copy. Raises BadInput (missing, corrupt, too large) or TrainingError (disk full)."""
        path = self._folder / sha256
        with self._locked(sha256):
            if path.is_file() and path.stat().st_size == size:
                with contextlib.suppress(OSError):
                    os.utime(path)
                return path
            if size > self._most:
                raise BadInput(
                    f"cache {self._folder}: shard {name} has {size} bytes, the cache may hold {self._most}; "
                    "raise its bound"
                )
            held = path.with_name(f"{sha256}.{os.getpid()}.held")
            try:
                with self._locked("room"):
                    self._make_room(size)
                    with held.open("wb") as file:
                        file.truncate(size)  # an empty file of that length: others count it while the copy is made
                self._copy(store, name, sha256, size, path)
            except OSError as problem:
                raise TrainingError(f"cache {self._folder}: cannot be written ({problem.strerror})") from None
            finally:
                held.unlink(missing_ok=True)
            return path

    def _copy(self, store: Store, name: str, sha256: str, size: int, path: Path) -> None:
        part = path.with_name(f"{sha256}.{os.getpid()}.part")
        remedy = "copy it again to where the data lies, or prepare the data again"
        try:
            store.download(name, part)
            found = part.stat().st_size
            if found != size:
                raise BadInput(f"shard {name}: has {found} bytes, the manifest says {size}; {remedy}")
            if checksum(part) != sha256:
                raise BadInput(f"shard {name}: is corrupt (its SHA-256 is not {sha256[:12]}...); {remedy}")
            os.replace(part, path)
        except FileNotFoundError:
            raise BadInput(f"shard {name}: is missing; {remedy}") from None
        except OSError as problem:
            raise unwritten(part, problem) from None
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Remove the least recently used copies, and what killed processes left half copied."""
        copies, used = [], size
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.suffix in {".part", ".held"} and not _alive(path):
                    path.unlink()
                elif path.suffix == ".held":
                    used += path.stat().st_size
                elif not path.suffix:
                    copies.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        used += sum(one for _, one, _ in copies)
        for _, one, path in sorted(copies):
            if used <= self._most:
                return
            path.unlink(missing_ok=True)
            used -= one

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        try:
            lock = (self._folder / f"{name}.lock").open("a")
        except OSError as problem:
            raise TrainingError(f"cache {self._folder}: cannot be written ({problem.strerror})") from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _alive(part: Path) -> bool:
    """Whether the process whose number is in the name of a half copied file still runs."""
    number = part.name.split(".")[-2]
    return number.isdigit() and Path("/proc", number).exists()
