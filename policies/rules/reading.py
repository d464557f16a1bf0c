"""How rules read values: by path, with unknown values as an exception, never as a pass.

`Reading` is what a resource and a part of one (`View`) have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """A value that a rule needs is unknown, or says nothing: `path` names it, `why` is the rest of the sentence."""

    def __init__(self, path: str, why: str = "is known only after creation") -> None:
        self.path = path
        super().__init__(f"{path} {why}" if path else "a value is unknown")


class Reading:
    """Access to `inputs` by path; `where` is the path of the inputs themselves."""

    inputs: Mapping[str, Any]
    partial: bool
    """Whether only a part is given (a `...Patch` resource): what is absent is then unknown and not unset."""

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
                value = None
                break
        if value is UNKNOWN:
            raise CannotTell(self._path(path))
        if value is None and self.partial:
            raise CannotTell(self._path(path), "is not in the patch")
        return default if value is None else value

    def all(self, path: str) -> list[Any]:
        """The items of a list at a path; a single object counts as a list of one, nothing as none.

        An unknown item is an item: good for asking how many there are. Who asks what they are takes `known`.
        """
        value = self.get(path)
        if value is None:
            return []
        return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]

    def has_items(self, path: str) -> bool:
        """Whether a list has any item, known or not; a list that is unknown itself may have none."""
        return bool(self.all(path))

    def known(self, path: str) -> list[Any]:
        """Like `all`. Raises `CannotTell` when an item is unknown."""
        items = self.all(path)
        if any(item is UNKNOWN for item in items):
            raise CannotTell(self._path(path))
        return items

    def items(self, path: str) -> Iterator[Any]:
        """The items of a list at a path. Where one is unknown `CannotTell` is raised after all others were given."""
        found = self.all(path)
        yield from (item for item in found if item is not UNKNOWN)
        if any(item is UNKNOWN for item in found):
            raise CannotTell(self._path(path))

    def views(self, path: str) -> Iterator[View]:
        """The objects of a list at a path. Where one is unknown `CannotTell` is raised after all others were given."""
        found = self.all(path)
        for index, item in enumerate(found):
            if item is not UNKNOWN and isinstance(item, Mapping):
                yield View(item, f"{self._path(path)}.{index}", self.partial)
        if any(item is UNKNOWN for item in found):
            raise CannotTell(self._path(path))

    def entries(self, path: str) -> Entries:
        """The map at a path, empty where none is. Its keys are known, each value is asked for by itself."""
        value = self.get(path)
        return Entries(value if isinstance(value, Mapping) else {}, self._path(path), partial=self.partial)

    def view(self, path: str) -> View:
        """The object at a path; an empty one where nothing is."""
        value = self.get(path)
        return View(value if isinstance(value, Mapping) else {}, self._path(path), self.partial)

    def number(self, path: str, default: float | None = None) -> float | None:
        """A number, be it written as text; `default` where there is none. Raises `CannotTell` for another text."""
        value = self.get(path)
        if isinstance(value, bool) or value is None or value == "":
            return default
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise CannotTell(self._path(path), "is not a number") from None
        if not math.isfinite(number):
            raise CannotTell(self._path(path), "is not a number")
        return number

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
    partial: bool = False

    @property
    def where(self) -> str:
        return self.path


def holds_unknown(value: Any) -> bool:
    """Whether a value is unknown, or anything in it."""
    if isinstance(value, Mapping):
        return any(map(holds_unknown, value.values()))
    return any(map(holds_unknown, value)) if isinstance(value, list | tuple) else value is UNKNOWN


class Entries(Mapping[str, Any]):
    """A map (tags, labels, limits) whose values raise `CannotTell` when they are read and unknown."""

    def __init__(self, values: Mapping[Any, Any], path: str, *, partial: bool = False) -> None:
        self.raw, self.path, self.partial = {str(key): value for key, value in values.items()}, path, partial

    def __getitem__(self, key: str) -> Any:
        if self.partial and key not in self.raw:
            raise CannotTell(f"{self.path}.{key}", "is not in the patch")
        value = self.raw[key]
        if value is UNKNOWN:
            raise CannotTell(f"{self.path}.{key}" if self.path else key)
        return value

    def __contains__(self, key: object) -> bool:
        return self.partial or key in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)


Item = TypeVar("Item")
Said = TypeVar("Said")


def independently(*parts: Iterable[Said]) -> Iterator[Said]:
    """Run parts of a rule one after another; an unknown value ends only the part that needs it.

    Raises the first `CannotTell` after all parts have spoken.
    """
    return _remembering(parts)


def each(items: Iterable[Item], judge: Callable[[Item], Iterable[Said]]) -> Iterator[Said]:
    """Judge items one after another; what is unknown of one, or that there is an unknown one, hides no other.

    The items are taken one at a time, so that those before the unknown one are judged. Raises the first `CannotTell`
    after all were.
    """
    return _remembering(map(judge, items))


def _remembering(parts: Iterable[Iterable[Said]]) -> Iterator[Said]:
    first: CannotTell | None = None
    waiting = iter(parts)
    while True:
        try:
            part = next(waiting)
        except StopIteration:
            break
        except CannotTell as unknown:  # the items ended with an unknown one, or the judge read one at once
            first = first or unknown
            continue
        try:
            yield from part
        except CannotTell as unknown:
            first = first or unknown
    if first is not None:
        raise first


def any_of(items: Iterable[Item], wanted: Callable[[Item], bool]) -> bool:
    """Whether one of the items is as wanted. What is unknown of the others then does not matter."""
    return any(each(items, lambda item: [True] if wanted(item) else []))


def all_of(items: Iterable[Item], wanted: Callable[[Item], bool]) -> bool:
    """Whether every item is as wanted. One that is not settles it, whatever is unknown of the others."""
    return not any_of(items, lambda item: not wanted(item))
