"""This machine, and the programs that are on it."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def current() -> tuple[str, str]:
    """Operating system and architecture by Go's names: ("linux", "amd64")."""
    machine = platform.machine().lower()
    return platform.system().lower(), GO_NAMES.get(machine, machine)


def inputs(*files: Path, extra: str = "") -> str:
    """Hash of what a tool is made from: files, anything else, and the platform."""
    parts = [file.read_bytes() for file in files]
    return hashlib.sha256(b"\0".join([*parts, extra.encode(), "/".join(current()).encode()])).hexdigest()


def candidates(name: str, avoid: Iterable[Path]) -> Iterator[Path]:
    """Programs called `name` on PATH, as real files, but for those below `avoid` (copies of our own)."""
    avoided = list(avoid)
    seen: set[Path] = set()
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = (Path(directory or ".") / name).resolve()
        ours = any(path.is_relative_to(directory) for directory in avoided)
        if path not in seen and not ours and path.is_file() and os.access(path, os.X_OK):
            yield path
        seen.add(path)


def first_line(command: list[str], env: Mapping[str, str] | None = None) -> str | None:
    """The first line that a program prints, or None when it cannot be run or fails."""
    try:
        result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return result.stdout.partition("\n")[0].strip()
