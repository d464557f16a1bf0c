"""Files of arrays: written at once, read by memory mapping, named by their checksum.

One file holds a few arrays one after the other, each at a multiple of 64 bytes; where, stands in its `Entry`. Shards
and the intermediate parts of a preparation are both such files.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training import atomic
from training.data.files import checksum, unwritten
from training.errors import BadInput

ALIGNMENT = 64


@dataclass(frozen=True)
class Entry:
    """What a manifest says of one file."""

    file: str
    bytes: int
    sha256: str
    records: int
    """Documents, texts or images; for packed tokens the tokens."""
    arrays: dict[str, dict[str, Any]]
    """By name: dtype, shape, offset in bytes."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def write(path: Path, arrays: Mapping[str, np.ndarray], records: int) -> Entry:
    """Write the arrays, synced to disk, under their name only when whole. Raises TrainingError on a full disk."""
    digest, position, places = hashlib.sha256(), 0, {}
    try:
        with atomic.writing(path) as file:
            for name, array in arrays.items():
                gap = bytes(-position % ALIGNMENT)
                content = np.ascontiguousarray(array)
                places[name] = {"dtype": content.dtype.str, "shape": list(content.shape), "offset": position + len(gap)}
                for piece in (gap, content.reshape(-1).view(np.uint8).data):
                    file.write(piece)
                    digest.update(piece)
                    position += len(piece)
    except OSError as problem:
        raise unwritten(path, problem) from None
    return Entry(path.name, position, digest.hexdigest(), records, places)


def verify(path: Path, entry: Entry, how: str) -> None:
    """Raises BadInput when the file is missing, of another size or, with `how` "checksum", of another content."""
    remedy = "copy it again from where it was made, or prepare the data again"
    try:
        size = path.stat().st_size
        if size != entry.bytes:
            raise BadInput(f"shard {path}: has {size} bytes, the manifest says {entry.bytes}; {remedy}")
        if how == "checksum" and (found := checksum(path)) != entry.sha256:
            raise BadInput(
                f"shard {path}: is corrupt (SHA-256 {found[:12]}..., expected {entry.sha256[:12]}...); {remedy}"
            )
    except FileNotFoundError:
        raise BadInput(f"shard {path}: is missing; {remedy}") from None
    except OSError as problem:
        raise BadInput(f"shard {path}: cannot be read ({problem.strerror}); {remedy}") from None


def open_arrays(path: Path, entry: Entry) -> dict[str, np.ndarray]:
    """The arrays of a file, read-only, mapped into memory: nothing is read before it is used."""
    if entry.bytes == 0:
        return {name: np.zeros(place["shape"], place["dtype"]) for name, place in entry.arrays.items()}
    whole = np.memmap(path, dtype=np.uint8, mode="r")
    found = {}
    for name, place in entry.arrays.items():
        dtype = np.dtype(place["dtype"])
        size = int(np.prod(place["shape"], dtype=np.int64)) * dtype.itemsize
        found[name] = whole[place["offset"] : place["offset"] + size].view(dtype).reshape(place["shape"])
    return found
