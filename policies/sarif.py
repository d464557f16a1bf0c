"""What the pack said as SARIF 2.1, for GitHub code scanning: rules, findings, exempted ones, and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cost.book import PROJECT
from plan import config
from policies.rules import ALL
from policies.rules.evaluate import IN_FORCE, Doubt, Finding
from policies.rules.model import Resource, Rule

if TYPE_CHECKING:
    from policies.report import Result

ROOT = Path(__file__).resolve().parent.parent
LEVEL = {"mandatory": "error", "remediate": "error", "advisory": "warning"}
PROBLEM = {"critical": "error", "high": "error", "medium": "warning", "low": "recommendation"}
SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
"""Scores between which GitHub draws its lines: above 9.0 critical, from 7.0 high, from 4.0 medium."""


def log(results: Sequence[Result]) -> dict[str, Any]:
    """One run over all results."""
    rules = [_rule(rule) for rule in (*ALL, IN_FORCE)]
    driver = {"name": "ai-datacenter policies", "version": "0.1.0", "rules": rules}
    found = [entry for result in results for entry in _results(result)]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": found}],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "properties": {
            "tags": ["security", *rule.references],
            "problem.severity": PROBLEM[rule.severity],
            "security-severity": SCORE[rule.severity],
        },
    }


def _results(result: Result) -> Iterator[dict[str, Any]]:
    file = _file(result)
    for entry in (*result.findings, *result.exempted):
        yield _finding(entry, file)
    for doubt in result.cannot_tell:
        yield _open(doubt, file)


def _file(result: Result) -> str | None:
    """The stack file of the result; None for a plan of another program."""
    wanted = result.plan
    names = config.stack_names(ROOT) if wanted.project == PROJECT else []
    return f"stacks/Pulumi.{wanted.stack}.yaml" if wanted.stack in names else None


def _finding(entry: Finding, file: str | None) -> dict[str, Any]:
    found = {
        "ruleId": entry.rule.id,
        "level": LEVEL.get(entry.level, "note"),
        "message": {"text": f"{entry.resource.name}: {entry.message} Fix: {entry.rule.fix}"},
        "locations": _locations(entry.resource, file),
        "partialFingerprints": {"finding/v1": f"{entry.resource.urn}|{entry.rule.id}|{entry.check}"},
    }
    if entry.exemption:
        found["suppressions"] = [{"kind": "external", "justification": entry.exemption.reason}]
    return found


def _open(doubt: Doubt, file: str | None) -> dict[str, Any]:
    return {
        "ruleId": doubt.rule.id,
        "kind": "open",
        "level": "none",
        "message": {"text": f"{doubt.resource.name}: cannot tell: {doubt.reason}."},
        "locations": _locations(doubt.resource, file),
        "partialFingerprints": {"finding/v1": f"{doubt.resource.urn}|{doubt.rule.id}|open"},
    }


def _locations(resource: Resource, file: str | None) -> list[dict[str, Any]]:
    place: dict[str, Any] = {"logicalLocations": [{"name": resource.name, "fullyQualifiedName": resource.urn}]}
    if file:
        place["physicalLocation"] = {"artifactLocation": {"uri": file}}
    return [place]
