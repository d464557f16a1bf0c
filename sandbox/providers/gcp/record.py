"""What the table says about one resource type: how it is called, where it is, what replaces it, what Google computes.

Inputs, required ones and most allowed values come from the SDK (`sdk`); a record holds what the SDK does not say.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.gcp.store import Recorded, Store
from sandbox.providers import wire
from sandbox.providers.autonaming import Naming
from sandbox.providers.protocol import Problem, Props
from sandbox.settings import Settings

NAMED = Naming(longest=63, lower=True)
"""Most names: lower case, at most 63 characters. https://cloud.google.com/compute/docs/naming-resources"""
SERIAL = "serial"
"""Stands in the pattern of an id for what Google makes up: new for every resource."""
Place = Literal["", "region", "zone", "location"]


@dataclass(frozen=True)
class World:
    """What outputs may depend on besides the inputs: the local cloud and what is recorded in it."""

    settings: Settings
    store: Store


class Resource(dict[str, Any]):
    """Inputs with the provider's project and place filled in; absent ones read as None. `id` is empty before there is
    one, `created` too (ISO 8601).
    """

    id: str = ""
    created: str = ""

    def __missing__(self, key: str) -> None:
        return None

    def at(self, path: str) -> Any:
        """The value at a dotted path, None when it or anything on the way is absent."""
        value: Any = self
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def known(self, path: str) -> Any:
        """The value at a dotted path, None also when it is not known yet."""
        value = self.at(path)
        return None if wire.unknown(value) else value


Rule = Callable[[Resource], Iterable[Problem]]
LateRule = Callable[[Resource, World], Iterable[str]]


@dataclass(frozen=True)
class Record:
    """One resource type.

    - `id`: the pattern of its id: `{name}` is an input, `{network:short}` the last part of one, `{serial}` new;
    - `force`: inputs (or paths in them) whose change replaces, besides those in the id; `*` all but `keep`;
    - `place`: the input that says where it is, filled from the provider's settings;
    - `link`: the service whose `selfLink` it has (compute/v1);
    - `outputs`: what Google computes, from the inputs and what is recorded;
    - `computed`: inputs, or paths in them, that Google completes: not known before it is made;
    - `rules`: what Google refuses in the inputs; `late`: what it refuses when the resource is made;
    - `refers`: input -> type that must be recorded under the id or name given;
    - `protected`: the input that must be false before it can be deleted, when leaving it out means true;
    - `members`: types of what goes with it when it is deleted, found by its id in theirs;
    - `held_by`: types that keep it from being deleted while one of them names it;
    - `shared`: made a second time it is the same one (grants, enabled APIs), no conflict;
    - `values`: allowed values by path, for what the SDK does not say.
    """

    type: str
    id: str
    naming: Naming | None = NAMED
    force: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    place: Place = ""
    link: str = ""
    outputs: Callable[[Resource, World], Props] = lambda resource, world: {}  # noqa: ARG005
    computed: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    late: tuple[LateRule, ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    protected: str = ""
    members: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()
    shared: bool = False
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def id_inputs(self) -> frozenset[str]:
        """The inputs that the id is made of."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.id) if name and name != SERIAL)

    def forces(self, path: str) -> bool:
        """Whether a change at a path replaces the resource."""
        plain = "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
        name = plain.split(".", maxsplit=1)[0]
        if name in self.id_inputs or name in {"project", self.place}:
            return True
        if "*" in self.force:
            return not any(_inside(plain, kept) for kept in self.keep)
        return any(_inside(plain, forced) or _inside(forced, plain) for forced in self.force)

    def id_of(self, resource: Resource) -> str:
        """The id that the inputs give. Holds the unknown marker when one of them is unknown."""
        missing = [name for name in self.id_inputs if wire.unknown(resource[name])]
        return wire.UNKNOWN if missing else _Formatter().vformat(self.id, (), resource)


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return short(value) if format_spec == "short" else "" if value is None else str(value)


def short(value: Any) -> str:
    """The name at the end of an id, link or plain name."""
    return str(value).rstrip("/").rpartition("/")[2]


def _inside(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}.")


def find(store: Store, kind: str, given: str, project: str) -> Recorded | None:
    """The recorded resource that an input names: by id, link or name. None when there is none, or when a bare name
    could mean several.
    """
    tail = given.rpartition("/v1/")[2]
    entries = store.of_type(kind)
    exact = [
        one for one in entries if given in (one.id, one.state.get("selfLink"), one.state.get("email")) or one.id == tail
    ]
    named = [
        one
        for one in entries
        if "/" not in given
        and given in (short(one.id), one.state.get("name"))
        and one.state.get("project") in (None, project)
    ]
    found = exact or named
    return found[0] if len(found) == 1 else None
