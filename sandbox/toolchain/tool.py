"""What is known about a tool that is ready for use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["path", "download", "build"]
"""How a tool came here: found on PATH, the official download, or built from its source modules."""


@dataclass(frozen=True)
class Tool:
    """A program that has been verified. `path` is the real file, never a symbolic link."""

    name: str
    version: str
    path: Path
    origin: Origin
    size: int
    """Bytes."""
    sha256: str
