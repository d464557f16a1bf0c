"""Which properties of a resource differ between two plans: the reason of a change of cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plan import Plan, Resource

ASIDE = frozenset({"tags", "tagsAll", "labels", "tagSpecifications", "description"})
"""Inputs that no price depends on."""
TEMPLATES = ("Template", "LaunchConfiguration")
"""Ends of types that describe the machines of what refers to them."""
SHOWN, LONGEST = 3, 40
ABSENT = object()


class Comparison:
    """Two plans side by side. A resource is the same one when type and name are; the stacks may be different ones."""

    def __init__(self, before: Plan | None, after: Plan | None) -> None:
        self._before, self._after = before, after
        self._sides = [_by_name(plan) for plan in (before, after)]

    def causes(self, kind: str, name: str) -> str:
        """The properties that differ, `scalingConfig.desiredSize 4 -> 8`, and those of the template that is used.

        Where neither differs, those of anything that the resource refers to.
        """
        old, new = (side.get((kind, name)) for side in self._sides)
        if old is None or new is None:
            return ""
        found = [*_differences(old.inputs, new.inputs), *self._of_referred(new, TEMPLATES)]
        found = found or list(self._of_referred(new))
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return ", ".join(found[:SHOWN]) + more

    def _of_referred(self, resource: Resource, kinds: tuple[str, ...] = ("",)) -> Iterator[str]:
        """What differs in resources that it refers to, of kinds that the end of the type tells."""
        plan = self._after
        urns = dict.fromkeys(urn for listed in resource.property_dependencies.values() for urn in listed)
        for urn in urns if plan else ():
            target = plan.by_urn.get(urn) if plan else None
            old = self._sides[0].get((target.type, target.name)) if target else None
            if target and old and target.type.endswith(kinds):
                yield from (f"{target.name}: {text}" for text in _differences(old.inputs, target.inputs))


def _by_name(plan: Plan | None) -> dict[tuple[str, str], Resource]:
    return {(resource.type, resource.name): resource for resource in plan or ()}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        if prefix or key not in ASIDE:
            yield from _pair(f"{prefix}{key}", old.get(key, ABSENT), new.get(key, ABSENT))


def _pair(path: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _differences(before, after, f"{path}.")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _pair(f"{path}[{number}]", one, other)
    else:
        yield f"{path} {_text(before)} -> {_text(after)}"


def _text(value: Any) -> str:
    text = "none" if value is ABSENT or value is None else " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
