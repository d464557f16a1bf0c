"""How rules read values: by path, with unknown values as an exception, never as a pass.

`Reading` is what a resource and a part of one (`View`) have in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar


class Unknown:
    """A value known only after creation. Truth-testing it is a mistake and raises."""

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        raise CannotTell("")


UNKNOWN: Final = Unknown()


class CannotTell(Exception):
    """A value that a rule needs is unknown; `path` names it."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


class Reading:
    """Access to `inputs` by path; `where` is the path of the inputs themselves."""

    inputs: Mapping[str, Any]

    @property
    def where(self) -> str:
        """Path of this part in its resource, empty for the resource itself."""
        return ""

    def _path(self, path: str) -> str:
        return f"{self.where}.{path}" if self.where else path

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path (`spec.template.spec`, `rules.0.status`), or `default` where nothing is.

        Raises `CannotTell` when the value, or something on the way to it, is unknown.
        """
        value: Any = self.inputs
        for key in path.split("."):
            if value is UNKNOWN:
                raise CannotTell(self._path(path))
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, Sequence) and not isinstance(value, str) and key.isdigit():
                value = value[int(key)] if int(key) < len(value) else None
            else:
                return default
        if value is UNKNOWN:
            raise CannotTell(self._path(path))
        return default if value is None else value

    def all(self, path: str) -> list[Any]:
        """The items of a list at a path; a single object counts as a list of one, nothing as none."""
        value = self.get(path)
        if value is None:
            return []
        return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]

    def known(self, path: str) -> list[Any]:
        """Like `all`. Raises `CannotTell` when an item is unknown."""
        items = self.all(path)
        if any(item is UNKNOWN for item in items):
            raise CannotTell(self._path(path))
        return items

    def views(self, path: str) -> Iterator[View]:
        """The objects of a list at a path. Where one is unknown `CannotTell` is raised after all others were given."""
        unknown = False
        for index, item in enumerate(self.all(path)):
            if item is UNKNOWN:
                unknown = True
            elif isinstance(item, Mapping):
                yield View(item, f"{self._path(path)}.{index}")
        if unknown:
            raise CannotTell(self._path(path))

    def view(self, path: str) -> View:
        """The object at a path; an empty one where nothing is."""
        value = self.get(path)
        return View(value if isinstance(value, Mapping) else {}, self._path(path))

    def number(self, path: str, default: float | None = None) -> float | None:
        """A number, be it written as text; `default` where there is none. Raises `CannotTell` for another text."""
        value = self.get(path)
        if isinstance(value, bool) or value is None or value == "":
            return default
        try:
            return float(value)
        except (TypeError, ValueError):
            raise CannotTell(self._path(path)) from None

    def says(self, path: str) -> bool:
        """Whether a flag is on. Providers carry some booleans as text (`"true"`)."""
        return self.get(path) in (True, "true", "True")

    def denies(self, path: str) -> bool:
        """Whether a flag is expressly off; absent is not."""
        return self.get(path) in (False, "false", "False")

    def has(self, path: str) -> bool:
        """Whether something is given at a path, be it unknown: a reference counts as given."""
        try:
            return self.get(path) not in (None, "")
        except CannotTell:
            return True


@dataclass(eq=False, slots=True)
class View(Reading):
    """A part of a resource."""

    inputs: Mapping[str, Any]
    path: str = ""

    @property
    def where(self) -> str:
        return self.path


Said = TypeVar("Said")


def independently(*parts: Iterable[Said]) -> Iterator[Said]:
    """Run parts of a rule one after another; an unknown value ends only the part that needs it.

    Raises the first `CannotTell` after all parts have spoken.
    """
    first: CannotTell | None = None
    for part in parts:
        try:
            yield from part
        except CannotTell as unknown:
            first = first or unknown
    if first is not None:
        raise first
