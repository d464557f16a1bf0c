"""Which images this machine can stand in for: a table of references and the local environments behind them.

The process node pulls nothing. `<state>/node/images.json` maps an image reference to a local environment, for instance
the benchmark's JAX environment; a container with any other image waits with `ErrImageNeverPull`. The table is read
anew at each look-up, so a running node learns of a new image by itself.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.node.launch import read_json, write_json
from sandbox.settings import Settings


@dataclass(frozen=True)
class Image:
    """What a container of this image finds on this machine."""

    path: list[str]
    """Folders in front of PATH."""
    mounts: list[str] = field(default_factory=list)
    """Folders shown read-only at the same place; needed for what lies below a home, /tmp or the state folder, which
    containers see empty."""
    env: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    """What runs when the container names no command."""


def table(settings: Settings) -> Path:
    return settings.state / "node" / "images.json"


def find(path: Path, reference: str) -> Image | None:
    """The environment for a reference. Raises ValueError with one line when the table is not what it should be."""
    try:
        entry = (read_json(path) or {}).get(reference)
        return None if entry is None else Image(**entry)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a table of images ({error}); remove it and run `make up`") from error


def register(path: Path, reference: str, image: Image) -> None:
    """Add or replace one image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, (read_json(path) or {}) | {reference: asdict(image)})


def of_virtual_environment(folder: Path) -> Image:
    """A Python virtual environment as an image. Raises ValueError when `folder` is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        raise ValueError(f"{folder}: not a virtual environment, it has no bin/python")
    # The interpreter of a virtual environment is a chain of links to one somewhere else; its library lies there too.
    places = {folder, *(_installation(link) for link in _links(python))}
    system = ("/bin", "/lib", "/lib64", "/sbin", "/usr")
    mounts = sorted(str(place) for place in places if not str(place).startswith(system))
    return Image(path=[str(folder / "bin")], mounts=mounts, env={"VIRTUAL_ENV": str(folder)})


def _links(path: Path) -> list[Path]:
    """Every step from `path` to the file it means, `path` left out."""
    found = []
    while path.is_symlink() and len(found) < 40:
        path = Path(os.path.normpath(path.parent / path.readlink()))
        found.append(path)
    return found


def _installation(program: Path) -> Path:
    """`/opt/python` for `/opt/python/bin/python3`."""
    return program.parent.parent if program.parent.name == "bin" else program.parent


def describe(path: Path) -> str:
    """The table as a reader wants to see it in a message."""
    try:
        return ", ".join(sorted(json.loads(path.read_text(encoding="utf-8")))) or "none"
    except (OSError, ValueError):
        return "none"


if __name__ == "__main__":
    register(table(Settings.load()), sys.argv[1], of_virtual_environment(Path(sys.argv[2]).absolute()))
