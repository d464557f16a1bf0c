"""Shared helper of the rules that ask a value of one property after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .model import Parameters, Resource, Violation, each

Need = tuple[str, str, Any]
"""Path, check code, and the value that it must have; `...`: any value."""


def missing(resource: Resource, needs: Sequence[Need]) -> Iterator[Violation]:
    """A violation for every property that is not as it must be, each judged by itself."""
    yield from each(needs, lambda need: _one(resource, *need))


def judged(*parts: tuple[Callable[[], bool], Violation]) -> Iterator[Violation]:
    """A violation for every condition that holds. Each is asked by itself: an unknown value of one hides no other."""
    yield from each(parts, lambda part: [part[1]] if part[0]() else [])


def _one(resource: Resource, path: str, check: str, wanted: Any) -> Iterator[Violation]:
    if not fulfilled(resource, path, wanted):
        yield Violation(f"{path} is not {'set' if wanted is ... else str(wanted).lower()}.", check=check)


def fulfilled(resource: Resource, path: str, wanted: Any) -> bool:
    """Whether a property has the value that it must have."""
    if wanted is ...:
        return resource.has(path)
    if wanted is True:
        return resource.says(path)
    if wanted is False:
        return not resource.says(path)
    return resource.get(path) == wanted


def setting(*needs: Need, of: str = "") -> Any:
    """A remedy that sets what has a definite value; `of` limits it to one resource type."""

    def remedy(resource: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
        for path, _check, wanted in needs:
            if wanted is not ... and (not of or resource.type == of) and not fulfilled(resource, path, wanted):
                yield path, wanted

    return remedy
