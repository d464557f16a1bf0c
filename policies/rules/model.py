"""What a rule is, what it sees and what it says.

A rule is one function. A resource rule sees one `Resource`, a stack rule sees all of them; both yield `Violation`s. A
rule never handles unknown values itself: reading one through `Resource.get` raises `CannotTell`, which ends that rule
for that resource and is reported as such, never as a pass. What was found before stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["advisory", "mandatory", "disabled"]
ALIASES: Final[dict[str, str]] = {
    f"aws:s3/{name}V2:{name[0].upper()}{name[1:]}V2": f"aws:s3/{name}:{name[0].upper()}{name[1:]}"
    for name in (
        "bucket",
        "bucketAcl",
        "bucketCorsConfiguration",
        "bucketLifecycleConfiguration",
        "bucketLogging",
        "bucketObjectLockConfiguration",
        "bucketServerSideEncryptionConfiguration",
        "bucketVersioning",
        "bucketWebsiteConfiguration",
    )
}
"""Old resource tokens and the ones that took their place; rules name the new ones only."""


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


@dataclass(eq=False, slots=True)
class Resource:
    """A resource as rules see it: inputs with camelCase keys, relations resolved to resources.

    `provider` is the explicit or default provider with its own inputs, where known. `refers` maps an input to the
    resources that it was made from; it works where the value itself is unknown.
    """

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    provider: Resource | None = None
    parent: str | None = None
    protect: bool = False
    refers: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    dependencies: Sequence[Resource] = ()

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path (`spec.template.spec`, `versioning.enabled`), or `default` where nothing is.

        Raises `CannotTell` when the value, or something on the way to it, is unknown.
        """
        value: Any = self.inputs
        for key in path.split("."):
            if value is UNKNOWN:
                raise CannotTell(path)
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, Sequence) and not isinstance(value, str) and key.isdigit():
                value = value[int(key)] if int(key) < len(value) else None
            else:
                return default
        if value is UNKNOWN:
            raise CannotTell(path)
        return default if value is None else value

    def all(self, path: str) -> list[Any]:
        """The items of a list at a path; a single object counts as a list of one, nothing as none."""
        value = self.get(path)
        if value is None:
            return []
        return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]

    def says(self, path: str) -> bool:
        """Whether a flag is on. Providers carry some booleans as text (`"true"`)."""
        return self.get(path) in (True, "true", "True")

    def has(self, path: str) -> bool:
        """Whether something is given at a path, be it unknown: a reference counts as given."""
        try:
            return self.get(path) is not None
        except CannotTell:
            return True

    @property
    def tags(self) -> dict[str, Any]:
        """The resource's own tags over the provider's default tags."""
        default = self.provider.inputs.get("defaultTags") if self.provider else None
        merged: dict[str, Any] = {}
        for source in (
            default.get("tags") if isinstance(default, Mapping) else None,
            self.inputs.get("tagsAll"),
            self.inputs.get("tags"),
        ):
            if source is UNKNOWN:
                raise CannotTell("tags")
            merged.update(source if isinstance(source, Mapping) else {})
        return merged


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule says: a sentence that names what is wrong, the resource, and which of a rule's properties it is."""

    message: str
    check: str = ""
    """Code of the property where a rule looks at several; empty: the rule itself."""
    resource: Resource | None = None
    """Needed from stack rules; a resource rule speaks of its own."""


Parameters = Mapping[str, Any]
ResourceCheck = Callable[[Resource, Parameters], Iterator[Violation]]
StackCheck = Callable[["Stack", Parameters], Iterator[Violation]]


@dataclass(frozen=True, slots=True)
class Stack:
    """All resources of a stack, for rules about relations."""

    resources: Sequence[Resource]

    def of(self, *types: str) -> list[Resource]:
        """Resources of these types."""
        return [resource for resource in self.resources if resource.type in types]

    def referring(self, target: Resource, path: str, *types: str) -> list[Resource]:
        """Resources of these types whose input at `path` was made from `target`."""
        return [resource for resource in self.of(*types) if target in resource.refers.get(path, ())]


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
    check_stack: StackCheck | None = None


def resource_rule(**facts: Any) -> Callable[[ResourceCheck], Rule]:
    """Make a rule from a function over one resource; see `Rule` for the facts."""
    return lambda check: _rule(check, facts, check_resource=check)


def stack_rule(**facts: Any) -> Callable[[StackCheck], Rule]:
    """Make a rule from a function over the whole stack; see `Rule` for the facts."""
    return lambda check: _rule(check, facts, check_stack=check)


def _rule(check: Any, facts: dict[str, Any], **kind: Any) -> Rule:
    why = " ".join((check.__doc__ or "").split())
    for name in ("types", "references"):
        facts[name] = tuple(facts.get(name, ()))
    return Rule(why=why, parameters=facts.pop("parameters", {}), **facts, **kind)
