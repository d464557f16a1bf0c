"""What a tool is, and the one way in which getting it can fail without the whole thing failing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["path", "download", "build"]
"""How a tool came here: found on PATH, the official download, or built from its source modules."""


class Unavailable(Exception):
    """This way of getting a tool does not work here, for a reason of one line; another way may."""


@dataclass(frozen=True)
class Tool:
    """A program that has been verified. `path` is the real file, never a symbolic link."""

    name: str
    version: str
    path: Path
    origin: Origin
    size: int
    """Bytes on disk, with the files that belong to it."""
    sha256: str
    """Of the file at `path`."""

    def command(self, *arguments: str) -> list[str]:
        """A command line of the tool."""
        return [str(self.path), *arguments]
