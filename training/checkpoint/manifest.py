"""What a whole checkpoint holds: its files with sizes and SHA-256 checksums, the step, the ranks, the state of the run.

The manifest is the last file written before the folder gets its name. Leaves out the tensors (DCP's files).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

NAME = "manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    step: int
    world_size: int
    config_hash: str
    config: Mapping[str, Any]
    """The settings behind the hash, flat: what differs can be named."""
    state: Mapping[str, Any]
    """Plain data of the run: samples and tokens seen, data position, scaler."""
    files: Mapping[str, Mapping[str, Any]]
    """name -> {"bytes": size, "sha256": hexadecimal}"""
    created: str
    """RFC 3339."""
    schema_version: int = SCHEMA_VERSION


class Broken(Exception):
    """A checkpoint that is not whole: says which file and why."""


def describe(file: Path) -> dict[str, Any]:
    """Size in bytes and checksum of one file."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}


def write(folder: Path, manifest: Manifest) -> None:
    """Write and flush to the disk; the folder's own entry is flushed by its renaming (`folder.commit`)."""
    with (folder / NAME).open("w", encoding="utf-8") as stream:
        json.dump(asdict(manifest), stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())


def read(folder: Path) -> Manifest:
    """Raises Broken."""
    try:
        values = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if values["schema_version"] != SCHEMA_VERSION:
            raise Broken(f"{NAME} is of version {values['schema_version']}, this program reads {SCHEMA_VERSION}")
        return Manifest(**values)
    except OSError as error:
        raise Broken(f"{NAME}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Broken(f"{NAME} cannot be read: {error}") from None


def verify(folder: Path, manifest: Manifest, part: int = 0, parts: int = 1) -> None:
    """Raises Broken unless every file is there with its size, and each `parts`-th one has its checksum.

    Checksums read the whole checkpoint, so ranks share the work: rank r of n looks at files r, r + n, ...
    """
    for name, known in manifest.files.items():
        file = folder / name
        if not file.is_file():
            raise Broken(f"{name} is missing")
        if (size := file.stat().st_size) != known["bytes"]:
            raise Broken(f"{name} has {size} bytes, {known['bytes']} were written")
    for name in sorted(manifest.files)[part::parts]:
        if describe(folder / name)["sha256"] != manifest.files[name]["sha256"]:
            raise Broken(f"{name} is not what was written (checksum)")
