"""Runs rules over resources. Pure: resources in, findings out; the engine's server and the runner both use it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .carriers import PATHS, carried
from .exemptions import Exemption
from .model import CannotTell, Level, Resource, Rule, Stack, Violation, canonical

IN_FORCE = Rule(
    id="exemption-in-force",
    title="Exemptions are needed and have not run out",
    why="An exemption that nobody needs any more hides the next mistake.",
    severity="low",
    level="advisory",
    types=(),
    fix="remove it from the stack file, or agree on a new last day.",
    references=(),
    parameters={},
    check_stack=lambda *_: iter(()),
)
"""What the pack itself says of exemptions; no rule over resources."""


MALFORMED = (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError)
"""What reading a value of another type than the schema's raises. One bad input must not end the run of all rules."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of a rule by a resource, at the level that applies to the stack."""

    rule: Rule
    level: Level
    resource: Resource
    message: str
    check: str
    exemption: Exemption | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A rule that could not be applied to a resource because a value is unknown or a parameter is missing."""

    rule: Rule
    resource: Resource
    reason: str


@dataclass
class Outcome:
    """What a run said. `exempted` are the findings that an exemption covers."""

    findings: list[Finding] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    exempted: list[Finding] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.findings += other.findings
        self.doubts += other.doubts
        self.exempted += other.exempted


@dataclass
class Pack:
    """Rules with the levels, parameters and exemptions that apply to one stack, indexed by resource type."""

    rules: Sequence[Rule]
    levels: Mapping[str, Level] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()

    def __post_init__(self) -> None:
        self._by_type: dict[str, list[Rule]] = defaultdict(list)
        self._given: dict[str, Mapping[str, Any]] = {}
        self._exempt: dict[str, list[Exemption]] = defaultdict(list)
        self._used: set[Exemption] = set()
        self._judged = {rule.id for rule in self.rules if self.level(rule) != "disabled"}
        self.remedies = [rule for rule in self.rules if rule.remedy and self.level(rule) == "remediate"]
        for exemption in self.exemptions:
            if not exemption.expired():
                self._exempt[exemption.rule].append(exemption)
        for rule in self.rules:
            self._given[rule.id] = _Given({**rule.parameters, **self.parameters.get(rule.id, {})})
            if rule.check_resource and self.level(rule) != "disabled":
                for kind in rule.types:
                    self._by_type[kind].append(rule)

    def level(self, rule: Rule) -> Level:
        """The level of a rule on this stack."""
        return self.levels.get(rule.id, rule.level)

    def concerning(self, kind: str) -> list[Rule]:
        """Resource rules that look at a type; rules on `*` look at every one."""
        return [*self._by_type.get(canonical(kind), ()), *self._by_type.get("*", ())]

    def resource(self, resource: Resource) -> Outcome:
        """Run the resource rules over one resource, and over the workloads that it carries."""
        outcome = Outcome()
        if resource.external:
            return outcome
        self._judge(outcome, resource, self.concerning(resource.type))
        for workload in carried(resource):
            self._judge(outcome, workload, self._by_type.get(workload.type, ()))
        if resource.type in PATHS:  # several of its parts may say the same
            outcome.findings, outcome.doubts = _distinct(outcome.findings), _distinct(outcome.doubts)
            outcome.exempted = _distinct(outcome.exempted)
        return outcome

    def _judge(self, outcome: Outcome, resource: Resource, rules: Iterable[Rule]) -> None:
        for rule in rules:
            check = rule.check_resource
            assert check is not None
            self._collect(outcome, rule, resource, lambda r=rule, c=check: c(resource, self._given[r.id]))

    def stack(self, resources: Iterable[Resource]) -> Outcome:
        """Run the relation and stack rules over all resources."""
        listed = tuple(resources)
        outcome, stack = Outcome(), Stack((*listed, *(part for entry in listed for part in carried(entry))))
        for rule in self.rules:
            subjects = [entry for entry in stack.of(*rule.types) if not entry.external]
            if not subjects or self.level(rule) == "disabled":
                continue
            if relation := rule.check_relation:
                for subject in subjects:
                    self._collect(
                        outcome,
                        rule,
                        subject,
                        lambda r=rule, c=relation, s=subject: c(s, stack, self._given[r.id]),
                    )
            elif whole := rule.check_stack:
                self._collect(outcome, rule, subjects[0], lambda r=rule, c=whole: c(stack, self._given[r.id]))
        outcome.findings += self._not_in_force()
        return outcome

    def _not_in_force(self) -> Iterator[Finding]:
        """Expired exemptions, and those that covered nothing in this run; call after all resources were judged."""
        for entry in self.exemptions:
            where = Resource("pulumi:pulumi:Stack", entry.resource, "", {})
            said = f"the exemption of {entry.resource} from {entry.rule} ({entry.owner}: {entry.reason})"
            if entry.expired():
                message = f"{said} ran out on {entry.expires}."
                yield Finding(IN_FORCE, "advisory", where, message, "expired")
            elif entry not in self._used and entry.rule in self._judged:
                yield Finding(IN_FORCE, "advisory", where, f"{said} covers no finding.", "unused")

    def changes(self, resource: Resource) -> list[tuple[Rule, list[tuple[str, Any]]]]:
        """What the rules at level `remediate` would change in a resource. A rule that cannot tell changes nothing."""
        found: list[tuple[Rule, list[tuple[str, Any]]]] = []
        for rule in self.remedies:
            if rule.remedy is None or self._exempted(rule, resource):
                continue
            if resource.type not in rule.types and "*" not in rule.types:
                continue
            try:
                changes = list(rule.remedy(resource, self._given[rule.id]))
            except (CannotTell, MissingParameter, *MALFORMED):
                continue
            if changes:
                found.append((rule, changes))
        return found

    def _collect(self, out: Outcome, rule: Rule, of: Resource, run: Callable[[], Iterator[Violation]]) -> None:
        try:
            for violation in run():
                subject = violation.resource or of
                exemption = self._exempted(rule, subject)
                self._use(rule, subject)
                finding = Finding(
                    rule, self.level(rule), subject, violation.message, violation.check or rule.id, exemption
                )
                (out.exempted if exemption else out.findings).append(finding)
        except CannotTell as unknown:
            self._doubt(out, rule, of, str(unknown))
        except MissingParameter as missing:
            self._doubt(out, rule, of, f"parameter {missing} is not set")
        except MALFORMED as wrong:  # an input of another shape than the provider takes: its own check will refuse it
            self._doubt(out, rule, of, f"an input has an unexpected shape ({type(wrong).__name__})")

    def _doubt(self, out: Outcome, rule: Rule, of: Resource, reason: str) -> None:
        out.doubts.append(Doubt(rule, of, reason))
        self._use(rule, of)

    def _use(self, rule: Rule, resource: Resource) -> None:
        """An exemption is needed where the rule has a finding, and may be needed where it cannot tell."""
        self._used.update(entry for entry in self._exempt.get(rule.id, ()) if entry.covers(resource))

    def _exempted(self, rule: Rule, resource: Resource) -> Exemption | None:
        return next((entry for entry in self._exempt.get(rule.id, ()) if entry.covers(resource)), None)


def _distinct(entries: list[Any]) -> list[Any]:
    """Findings or doubts without those that say the same of the same resource again."""
    by_text = {(entry.rule.id, getattr(entry, "message", ""), getattr(entry, "reason", "")): entry for entry in entries}
    return list(by_text.values())


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
