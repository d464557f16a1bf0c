"""The files of the training program that a job needs, as text: they travel in a ConfigMap. Pure but for reading them.

A module brings its whole package below `training/` and every package that one imports; so a job carries what it runs
and nothing else, and a change elsewhere does not make it a new job.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from terminal import UserError

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "training"
SUFFIXES = {".py", ".yaml", ".json"}
NOT_OURS = {"pyrightconfig.json"}
"""Settings of tools that lie beside the program."""
LIMIT_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB; the rest is for its metadata."""


@cache
def read(*packages: str) -> Mapping[str, str]:
    """Path (`training/bench/cli.py`) -> text, for packages such as "training.bench".

    Raises UserError when it is more than a ConfigMap holds.
    """
    files: dict[str, str] = {}
    waiting = [PACKAGE, *packages]
    seen: set[str] = set()
    while waiting:
        package = waiting.pop()
        if package in seen:
            continue
        seen.add(package)
        found = _files(package)
        files |= found
        waiting += [name for path, text in found.items() if path.endswith(".py") for name in _imports(text)]
    size = sum(len(text.encode()) for text in files.values())
    if size > LIMIT_BYTES:
        raise UserError(
            f"the program of {', '.join(packages)} has {size} bytes, a ConfigMap holds {LIMIT_BYTES}: build it "
            "into the image (training/image) or take something out"
        )
    return dict(sorted(files.items()))


def keys(program: Mapping[str, str]) -> dict[str, str]:
    """ConfigMap key -> text: keys may hold no slash."""
    return {_key(path): text for path, text in program.items()}


def items(program: Mapping[str, str]) -> list[dict[str, str]]:
    """Where the keys stand in the volume, as its source lists them."""
    return [{"key": _key(path), "path": path} for path in program]


def _key(path: str) -> str:
    return path.replace("/", ".")


def _files(package: str) -> dict[str, str]:
    """A module's file, or all files of a package; of `training` itself only what lies beside the packages."""
    place = ROOT / Path(*package.split("."))
    if place.is_dir():
        found = place.glob("*") if package == PACKAGE else place.rglob("*")
        paths = [path for path in found if path.suffix in SUFFIXES and path.name not in NOT_OURS]
    else:
        paths = [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else []
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def _imports(text: str) -> Iterator[str]:
    """Packages below `training` that a module imports, at any depth of its functions."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == PACKAGE:
            names = [f"{PACKAGE}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE and len(parts) > 1:
                yield ".".join(parts[:2])
