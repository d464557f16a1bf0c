"""Runs rules over resources. Pure: resources in, findings out; the engine's server and the runner both use it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .model import ALIASES, CannotTell, Level, Resource, Rule, Stack, Violation


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule by a resource, at the level that applies to the stack."""

    rule: Rule
    level: Level
    resource: Resource
    message: str
    check: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that could not be applied to a resource because a value is unknown or a parameter is missing."""

    rule: Rule
    resource: Resource
    reason: str


@dataclass
class Outcome:
    """What a run said."""

    findings: list[Finding] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


@dataclass
class Pack:
    """Rules with the levels and parameters that apply to one stack, indexed by resource type."""

    rules: Sequence[Rule]
    levels: Mapping[str, Level] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_type: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            if rule.check_resource and self.level(rule) != "disabled":
                for kind in rule.types:
                    self._by_type[kind].append(rule)

    def level(self, rule: Rule) -> Level:
        """The level of a rule on this stack."""
        return self.levels.get(rule.id, rule.level)

    def concerning(self, kind: str) -> list[Rule]:
        """Resource rules that look at a type; rules on `*` look at every one."""
        return [*self._by_type.get(ALIASES.get(kind, kind), ()), *self._by_type.get("*", ())]

    def resource(self, resource: Resource) -> Outcome:
        """Run the resource rules over one resource."""
        outcome = Outcome()
        for rule in self.concerning(resource.type):
            check = rule.check_resource
            assert check is not None
            self._collect(outcome, rule, resource, lambda r=rule, c=check: c(resource, self._given(r)))
        return outcome

    def stack(self, resources: Iterable[Resource]) -> Outcome:
        """Run the stack rules over all resources."""
        outcome, stack = Outcome(), Stack(tuple(resources))
        present = {resource.type for resource in stack.resources}
        for rule in self.rules:
            check = rule.check_stack
            if check is None or self.level(rule) == "disabled" or not (set(rule.types) & present or "*" in rule.types):
                continue
            first = next((entry for entry in stack.resources if entry.type in rule.types), stack.resources[0])
            self._collect(outcome, rule, first, lambda r=rule, c=check: c(stack, self._given(r)))
        return outcome

    def _collect(self, out: Outcome, rule: Rule, of: Resource, run: Callable[[], Iterator[Violation]]) -> None:
        try:
            for violation in run():
                subject = violation.resource or of
                check = violation.check or rule.id
                out.findings.append(Finding(rule, self.level(rule), subject, violation.message, check))
        except CannotTell as unknown:
            reason = f"{unknown.path} is known only after creation" if unknown.path else "a value is unknown"
            out.doubts.append(Doubt(rule, of, reason))
        except MissingParameter as missing:
            out.doubts.append(Doubt(rule, of, f"parameter {missing} is not set"))

    def _given(self, rule: Rule) -> Mapping[str, Any]:
        return _Given({**rule.parameters, **self.parameters.get(rule.id, {})})


class MissingParameter(Exception):
    """A rule asked for a parameter that nobody set."""


class _Given(dict[str, Any]):
    """Parameters of a rule: a missing one, or one that is None, ends the rule as `cannot tell`."""

    def __getitem__(self, name: str) -> Any:
        value = super().get(name)
        if value is None:
            raise MissingParameter(name)
        return value

    __missing__ = __getitem__
