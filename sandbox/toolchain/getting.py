"""Gets a tool by the first way that works: on PATH, from the cache, the official download, a build from source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sandbox.settings import Settings
from sandbox.toolchain import golang, platforms
from sandbox.toolchain.progress import Progress, megabytes
from sandbox.toolchain.store import Key, Store, digest
from sandbox.toolchain.tool import Origin, Tool, Unavailable
from terminal import UserError


class Recipe(Protocol):
    """How one tool is recognised and got."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> Key: ...
    @property
    def module(self) -> golang.Module: ...
    def works(self, path: Path) -> bool: ...
    def fetch(self, scratch: Path, progress: Progress) -> str: ...


def store_of(settings: Settings) -> Store:
    return Store(settings.cache / "tools")


def on_path(recipe: Recipe, settings: Settings) -> Tool | None:
    """The right version, outside of our own state and cache."""
    for path in platforms.candidates(recipe.name, {settings.pulumi_home, settings.cache}):
        if recipe.works(path):
            return Tool(recipe.name, recipe.key.version, path, "path", path.stat().st_size, digest(path))
    return None


def present(recipe: Recipe, settings: Settings) -> Tool | None:
    """The tool, if it is on this machine already."""
    return on_path(recipe, settings) or store_of(settings).find(recipe.key)


def get(recipe: Recipe, settings: Settings, progress: Progress) -> Tool:
    """The tool, got if need be; says what it does on stderr. Raises UserError with a line for each way that failed."""
    if tool := present(recipe, settings):
        return tool
    store = store_of(settings)
    with store.lock(recipe.name, progress.say) as lock:
        if tool := store.find(recipe.key):  # the run that we waited for has got it
            return tool
        if store.present(recipe.key):
            progress.say(f"{recipe.name}: the copy in {store.root} is damaged; getting it again")
        ways: dict[Origin, Callable[[Path], str]] = {
            "download": lambda scratch: recipe.fetch(scratch, progress),
            "build": lambda scratch: compile_(recipe, scratch, store, progress, lock),
        }
        failures: list[str] = []
        for origin, way in ways.items():
            try:
                tool = store.install(recipe.key, lambda scratch, o=origin, w=way: (o, checked(recipe, scratch, w)))
            except Unavailable as error:
                failures.append(f"{recipe.name} {recipe.key.version}: {origin}: {error}")
                progress.say(failures[-1])
            else:
                progress.say(f"{recipe.name} {tool.version}: {tool.origin}, {megabytes(tool.size)}, {tool.path}")
                return tool
    raise UserError([*failures, f"put {recipe.name} {recipe.key.version} on PATH, or make one of these ways work"])


def checked(recipe: Recipe, scratch: Path, way: Callable[[Path], str]) -> str:
    """Get the tool and try it before anyone else does."""
    main = way(scratch)
    if not recipe.works(scratch / main):
        raise Unavailable(f"what was got is not a working {recipe.name} {recipe.key.version} for this machine")
    return main


def compile_(recipe: Recipe, scratch: Path, store: Store, progress: Progress, lock: int) -> str:
    """Build the tool from source. Returns the main file. Raises Unavailable, UserError."""
    go = golang.ensure_go(store, progress)
    (scratch / "bin").mkdir()
    golang.build(go, recipe.module, scratch / "bin" / recipe.name, store, progress, lock)
    return f"bin/{recipe.name}"
