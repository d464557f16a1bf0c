"""The shape of a plan: resources with their inputs and relations, exports, configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from terminal import Exit, UserError

SECRET: Final = "[secret]"  # noqa: S105 - the absence of one
"""Stands for every secret value, as in Pulumi's own JSON output: plans are printed, stored and sent to others."""


class Unknown:
    """A value that is known only after creation. Falsy on purpose: `if value` must not take it for a value."""

    _only: Unknown | None = None

    def __new__(cls) -> Unknown:
        cls._only = cls._only or super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return False

    def __deepcopy__(self, memo: object) -> Unknown:
        return self

    def __reduce__(self) -> tuple[type[Unknown], tuple[()]]:
        return (Unknown, ())


UNKNOWN: Final = Unknown()


class PlanError(UserError):
    """A plan cannot be made or read."""

    def __init__(self, problems: str | Sequence[str], code: Exit = Exit.USAGE) -> None:
        super().__init__(problems, code)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a plan.

    `inputs` hold camelCase keys as providers see them; unknown values are `UNKNOWN`, secrets are `SECRET`. `parent` and
    `provider` are URNs. `dependencies` are URNs; `property_dependencies` says which input refers to which URNs.
    `id` and `outputs` are known only for a plan read from a deployed state. `external`: it is read, not managed: others
    may refer to it, but it is not the stack's own.
    """

    urn: str
    type: str
    name: str
    parent: str | None = None
    provider: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    custom: bool = True
    protect: bool = False
    id: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    external: bool = False

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")


@dataclass(frozen=True)
class Plan:
    """A stack before it exists (or as deployed).

    `config` maps full keys (`aws:region`, `ai-datacenter:network`) to their text as Pulumi passes them (objects: JSON).
    `incomplete` says why resources are missing from the document the plan was read from, or is None.
    """

    project: str
    stack: str
    resources: tuple[Resource, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, Any] = field(default_factory=dict)
    incomplete: str | None = None

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    def __len__(self) -> int:
        return len(self.resources)

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """Resources by URN."""
        return {resource.urn: resource for resource in self.resources}

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Resources of these type tokens, in plan order."""
        return tuple(resource for resource in self.resources if resource.type in types)

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """The parents of a resource, nearest first, up to the stack."""
        parent = resource.parent
        while parent and (found := self.by_urn.get(parent)):
            yield found
            parent = found.parent

    def referred(self, resource: Resource, path: str) -> tuple[Resource, ...]:
        """The resources that one top-level input refers to."""
        urns = resource.property_dependencies.get(path, ())
        return tuple(found for urn in urns if (found := self.by_urn.get(urn)))


def contains_unknown(value: object) -> bool:
    """Whether a value is unknown or holds an unknown anywhere."""
    if isinstance(value, Mapping):
        return any(map(contains_unknown, value.values()))
    if isinstance(value, list | tuple):
        return any(map(contains_unknown, value))
    return value is UNKNOWN
