"""What is recorded: one JSON file a resource under `<state>/gcp`, written by plugin processes, read by daemons.

A file is complete or not there: it is written beside its place and moved into it. So a plugin that is killed leaves
either no resource or a whole one, and needs no lock. Values are as the program gave them, secrets too: the files are
readable by this user only, and go with the local cloud.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.settings import Settings

SETTLED_NS = 2 * 10**9
"""Age from which the time of a folder's last change is trusted to tell the next change."""


@dataclass(frozen=True)
class Recorded:
    """One resource. `inputs` are what the program declared, `state` the outputs, `urn` whose it is."""

    type: str
    id: str
    urn: str
    created: str
    """ISO 8601, UTC."""
    inputs: Mapping[str, Any]
    state: Mapping[str, Any]


class AlreadyRecorded(Exception):
    """A resource of this type and id is there; `found` is it."""

    def __init__(self, found: Recorded) -> None:
        super().__init__(found.id)
        self.found = found


class Store:
    """The resources of one local cloud."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[int, list[Recorded]] | None = None

    @classmethod
    def of(cls, settings: Settings) -> Store:
        return cls(settings.state / "gcp")

    def add(self, entry: Recorded) -> None:
        """Record a new resource. Raises `AlreadyRecorded`."""
        path = self._path(entry.type, entry.id)
        scratch = self._written(entry)
        try:
            os.link(scratch, path)  # unlike a rename, refuses when it is there
        except FileExistsError:
            found = self.get(entry.type, entry.id)
            if found is None:  # removed between the two looks
                scratch.replace(path)
                return
            raise AlreadyRecorded(found) from None
        finally:
            scratch.unlink(missing_ok=True)

    def put(self, entry: Recorded) -> None:
        """Record a resource in the place of what was recorded of it."""
        self._written(entry).replace(self._path(entry.type, entry.id))

    def get(self, kind: str, resource_id: str) -> Recorded | None:
        """One resource, None when it is not recorded."""
        return _read(self._path(kind, resource_id))

    def remove(self, kind: str, resource_id: str) -> None:
        """Forget a resource. Already gone is fine."""
        self._path(kind, resource_id).unlink(missing_ok=True)

    def all(self) -> list[Recorded]:
        """Everything, oldest first. Cheap to ask again while nothing has changed."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if self._seen and self._seen[0] == changed:
            return list(self._seen[1])
        read = [entry for path in self.folder.glob("[!.]*.json") if (entry := _read(path))]
        found = sorted(read, key=lambda entry: (entry.created, entry.id))
        # The clock of a file system ticks slowly: two changes in one tick look like one.
        self._seen = (changed, found) if time.time_ns() - changed > SETTLED_NS else None
        return list(found)

    def of_type(self, kind: str) -> list[Recorded]:
        """Every resource of a type, oldest first."""
        return [entry for entry in self.all() if entry.type == kind]

    def _path(self, kind: str, resource_id: str) -> Path:
        return self.folder / f"{hashlib.sha256(f'{kind} {resource_id}'.encode()).hexdigest()[:32]}.json"

    def _written(self, entry: Recorded) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(entry), file)
        return Path(name)


def _read(path: Path) -> Recorded | None:
    try:
        return Recorded(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
