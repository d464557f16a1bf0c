"""What a folder of shards holds: `manifest.json`, written last, so a folder without one is not finished."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training import atomic
from training.data.files import unwritten
from training.data.recipe import digest
from training.data.shards import Entry
from training.errors import BadInput

FILE_NAME = "manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """Of one prepared data set."""

    kind: str
    preparation: str
    """Digest of recipe and source files: the same preparation again has nothing to do."""
    recipe: dict[str, Any]
    tokenizer: dict[str, Any] | None
    """name, sha256, vocabulary (ids lie below it), end, pad; None for images."""
    classes: list[str]
    """Names of the labels 0, 1, ...; empty without labels."""
    counts: dict[str, Any]
    """read, kept, dropped by reason; documents and tokens by split."""
    sources: list[dict[str, Any]]
    """The files it was made of: file, bytes, documents."""
    splits: dict[str, list[Entry]]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Digest of everything that a reader gets to see."""
        return digest({name: [one.sha256 for one in entries] for name, entries in self.splits.items()})

    def as_dict(self) -> dict[str, Any]:
        body = {name: value for name, value in vars(self).items() if name != "splits"}
        splits = {name: [one.as_dict() for one in entries] for name, entries in self.splits.items()}
        found = {"schema_version": SCHEMA_VERSION, **body, "splits": splits}
        return {**found, "sha256": digest(found)}


def write(folder: Path, manifest: Manifest) -> None:
    """Write it at once or not at all. Raises TrainingError on a full disk."""
    path = folder / FILE_NAME
    try:
        atomic.write(path, json.dumps(manifest.as_dict(), indent=1))
    except OSError as problem:
        raise unwritten(path, problem) from None


def parse(content: bytes, where: str) -> Manifest:
    """Raises BadInput when it is cut off, changed, or of another version."""
    remedy = "copy it again from where it was made, or run the preparation again"
    try:
        found = json.loads(content)
        told = found.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"manifest {where}: is cut off or no manifest ({len(content)} bytes); {remedy}") from None
    if found.get("schema_version") != SCHEMA_VERSION:
        version = found.get("schema_version")
        raise BadInput(
            f"manifest {where}: version {version} is not {SCHEMA_VERSION}, which this program reads; {remedy}"
        )
    if digest(found) != told:
        raise BadInput(f"manifest {where}: was changed after it was written (its checksum is wrong); {remedy}")
    del found["schema_version"]
    splits = {name: [Entry(**one) for one in entries] for name, entries in found.pop("splits").items()}
    return Manifest(**found, splits=splits)


def read(folder: Path) -> Manifest:
    """Raises BadInput: no such folder, not finished, or as `parse`."""
    path = folder / FILE_NAME
    try:
        return parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        state = "is not finished: run the same prepare command again" if folder.is_dir() else "is no such folder"
        raise BadInput(f"data {folder}: {state} ({FILE_NAME} is missing)") from None
    except OSError as problem:
        raise BadInput(f"manifest {path}: cannot be read ({problem.strerror})") from None
