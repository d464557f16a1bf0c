"""What a rule is, what it sees and what it says.

A rule is one function. A resource rule sees one `Resource`; a relation rule sees one and the stack around it; a stack
rule sees only the whole, for sums. All yield `Violation`s. A rule never handles unknown values itself: reading one
through `Resource.get` raises `CannotTell`, which ends that rule for that resource and is reported as such, never as a
pass. What was found before stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from .reading import UNKNOWN, CannotTell, Entries, Reading, Unknown, View, all_of, any_of, each, independently
from .shapes import modern
from .tokens import ALIASES, canonical, is_patch

Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["advisory", "mandatory", "remediate", "disabled"]
Remedy = Callable[["Resource", "Parameters"], Iterator[tuple[str, Any]]]
"""Changes that end a violation: dotted path and new value; None removes. List items by number, `-` appends."""


@dataclass(eq=False, repr=False, slots=True)
class Resource(Reading):
    """A resource as rules see it: inputs with camelCase keys, relations resolved to resources.

    `provider` is the explicit or default provider with its own inputs, where known. `refers` maps an input to the
    resources that it was made from; it works where the value itself is unknown. Old type tokens become the new ones.
    """

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    provider: Resource | None = None
    parent: str | None = None
    protect: bool = False
    external: bool = False
    """Whether it is only read (`.get()`): others are judged by it, it is not judged itself."""
    partial: bool = False
    refers: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    dependencies: Sequence[Resource] = ()

    def __post_init__(self) -> None:
        self.partial = is_patch(self.type)
        self.inputs = modern(self.type, self.inputs)
        self.type = canonical(self.type)

    @property
    def tags(self) -> dict[str, Any]:
        """The resource's own tags over the provider's default tags, which some types do not get."""
        own = self.type in WITHOUT_DEFAULT_TAGS
        default = self.provider.inputs.get("defaultTags") if self.provider and not own else None
        merged: dict[str, Any] = {}
        for source in (
            default.get("tags") if isinstance(default, Mapping) else default,
            self.inputs.get("tagsAll"),
            self.inputs.get("tags"),
        ):
            merged.update(_tags(source))
        return merged

    def tag(self, key: str) -> Any:
        """The value of a tag, with or without a prefix (`data-class`, `dc:data-class`); None where there is none."""
        value = next((value for name, value in self.tags.items() if name.rpartition(":")[2] == key), None)
        if value is UNKNOWN:
            raise CannotTell(f"tags.{key}")
        return value

    def referred(self, path: str, *types: str) -> list[Resource]:
        """Resources of these types that the input at `path`, or a part of it, was made from."""
        found: list[Resource] = []
        for key, targets in self.refers.items():
            if key == path or key.startswith((f"{path}.", f"{path}[")):
                found += [target for target in targets if target.type in types and target not in found]
        return found


WITHOUT_DEFAULT_TAGS = ("aws:autoscaling/group:Group",)
"""Types whose tags the provider takes as they are (pulumi-aws: autoscaling.Group)."""


def _tags(source: Any) -> Mapping[str, Any]:
    """Tags from a map, or from a list of objects with key and value."""
    if source is UNKNOWN or (isinstance(source, list) and any(entry is UNKNOWN for entry in source)):
        raise CannotTell("tags")
    if isinstance(source, list):
        return {str(entry["key"]): entry.get("value") for entry in map(dict, source) if entry.get("key") is not UNKNOWN}
    return source if isinstance(source, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule says: a sentence that names what is wrong, the resource, and which of a rule's properties it is."""

    message: str
    check: str = ""
    """Code of the property where a rule looks at several; empty: the rule itself."""
    resource: Resource | None = None
    """Where it is not the subject of the rule."""


Parameters = Mapping[str, Any]
ResourceCheck = Callable[[Resource, Parameters], Iterator[Violation]]
RelationCheck = Callable[[Resource, "Stack", Parameters], Iterator[Violation]]
StackCheck = Callable[["Stack", Parameters], Iterator[Violation]]


@dataclass(frozen=True)
class Stack:
    """All resources of a stack, for rules about relations."""

    resources: Sequence[Resource]

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return found

    def of(self, *types: str) -> list[Resource]:
        """Resources of these types; `*` is all of them."""
        if "*" in types:
            return list(self.resources)
        return [resource for kind in types for resource in self._by_type.get(kind, ())]

    def referring(self, target: Resource, path: str, *types: str) -> list[Resource]:
        """Resources of these types whose input at `path` was made from `target`."""
        return [resource for resource in self.of(*types) if target in resource.referred(path, target.type)]

    def belonging(self, target: Resource, path: str, *types: str, by: str = "id") -> list[Resource]:
        """Resources of these types whose input at `path` was made from `target` or equals its input `by`.

        Raises `CannotTell` when there are none, and one names its target by a value that nobody knows yet.
        """
        name = target.inputs.get(by)
        found = self.referring(target, path, *types)
        if isinstance(name, str):
            found += [
                entry
                for entry in self.of(*types)
                if entry.inputs.get(path) == name and not entry.refers.get(path) and entry not in found
            ]
        if not found and any(
            entry.inputs.get(path) is UNKNOWN and not entry.refers.get(path) for entry in self.of(*types)
        ):
            raise CannotTell(path)
        return found


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with all that is said about it."""

    id: str
    title: str
    why: str
    """From the docstring of the function."""
    severity: Severity
    level: Level
    types: tuple[str, ...]
    """Resource types that the rule looks at; for a stack rule, those without which it has nothing to say."""
    fix: str
    references: tuple[str, ...]
    parameters: Mapping[str, Any]
    """Names of parameters and their defaults; None: the rule cannot tell without one."""
    check_resource: ResourceCheck | None = None
    check_relation: RelationCheck | None = None
    check_stack: StackCheck | None = None
    remedy: Remedy | None = None
    theme: str = ""
    """Name of the module."""


def resource_rule(**facts: Any) -> Callable[[ResourceCheck], Rule]:
    """Make a rule from a function over one resource; see `Rule` for the facts."""
    return lambda check: _rule(check, facts, check_resource=check)


def relation_rule(**facts: Any) -> Callable[[RelationCheck], Rule]:
    """Make a rule from a function over one resource and the stack around it; see `Rule` for the facts."""
    return lambda check: _rule(check, facts, check_relation=check)


def stack_rule(**facts: Any) -> Callable[[StackCheck], Rule]:
    """Make a rule from a function over the whole stack; see `Rule` for the facts."""
    return lambda check: _rule(check, facts, check_stack=check)


def _rule(check: Any, facts: dict[str, Any], **kind: Any) -> Rule:
    why = " ".join((check.__doc__ or "").split())
    for name in ("types", "references"):
        facts[name] = tuple(facts.get(name, ()))
    theme = str(check.__module__).rpartition(".")[2]
    return Rule(why=why, theme=theme, parameters=facts.pop("parameters", {}), **facts, **kind)


__all__ = [
    "ALIASES",
    "UNKNOWN",
    "CannotTell",
    "Entries",
    "Level",
    "Parameters",
    "Reading",
    "Resource",
    "Rule",
    "Severity",
    "Stack",
    "Unknown",
    "View",
    "Violation",
    "all_of",
    "any_of",
    "canonical",
    "each",
    "independently",
    "relation_rule",
    "resource_rule",
    "stack_rule",
]
