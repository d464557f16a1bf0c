"""What the pack said, for people and for programs: table, JSON, SARIF 2.1, JUnit, Markdown."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

import plan
from policies import sarif
from policies.rules import ALL
from policies.rules.evaluate import IN_FORCE, Doubt, Finding

SCHEMA_VERSION = 1
FORMATS = ("table", "json", "sarif", "junit", "markdown")
SECTIONS = {
    "aidc:network": "network",
    "aidc:flow_logs": "network",
    "aidc:cluster": "cluster",
    "aidc:system_pool": "system-pools",
    "aidc:accelerator_pool": "pools",
    "aidc:parallel_file_system": "file-system",
    "aidc:file_system": "file-system",
    "aidc:lustre_driver": "file-system",
    "aidc:object_store": "object-store",
    "aidc:image_registry": "image-registry",
    "aidc:benchmark_job": "benchmark",
    "aidc:budget": "budget",
    "aidc:device_plugins": "pools",
}
"""Beginning of a component's type to the section of the stack file that it is made from."""
COLOURS = {"mandatory": "red", "remediate": "red"}


@dataclass(frozen=True)
class Result:
    """What the pack says of a plan."""

    plan: plan.Plan
    findings: list[Finding]
    cannot_tell: list[Doubt]
    exempted: list[Finding] = field(default_factory=list)
    incomplete: str | None = None

    @property
    def mandatory(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level in ("mandatory", "remediate")]

    def source(self, finding: Finding) -> tuple[str | None, str | None]:
        """The component that made a resource, and the key of the stack file to change; None where not known."""
        resource = self.plan.by_urn.get(finding.resource.urn)
        if resource is None:
            return None, None
        component = key = None
        for ancestor in self.plan.ancestors(resource):
            if not ancestor.custom and ancestor.type != "pulumi:pulumi:Stack":
                component = component or f"{ancestor.type} {ancestor.name}"
                section = next((name for kind, name in SECTIONS.items() if ancestor.type.startswith(kind)), None)
                if section:
                    named = section in ("pools", "system-pools", "benchmark") and "plugins" not in ancestor.type
                    key = f"{section}.{ancestor.name.removeprefix('benchmark-')}" if named else section
        return component, key


def show(console: Console, result: Result) -> None:
    """One line a rule with its resources, the exempted ones, and what could not be told."""
    table = Table(box=None, pad_edge=False)
    for column in ("level", "severity", "rule", "resources", "message"):
        table.add_column(column, no_wrap=column in ("level", "severity", "rule"), overflow="fold")
    for first, resources in _by_rule(result.findings):
        names = ", ".join(resources[:3]) + (f" and {len(resources) - 3} more" if len(resources) > 3 else "")
        row = (first.level, first.rule.severity, first.rule.id, names, first.message)
        table.add_row(*row, style=COLOURS.get(first.level, "yellow"))
    for first, resources in _by_rule(result.exempted):
        reason = f"{first.exemption.reason} ({first.exemption.owner}, until {first.exemption.expires})"
        table.add_row("exempted", first.rule.severity, first.rule.id, ", ".join(resources), reason, style="dim")
    if result.findings or result.exempted:
        console.print(table)
    if result.incomplete:
        console.print(f"the plan is incomplete: {result.incomplete}", style="yellow")
    console.print(_summary(result))


def _summary(result: Result) -> str:
    return (
        f"policies: {len(result.mandatory)} mandatory, {len(result.findings) - len(result.mandatory)} advisory "
        f"findings; {len(result.exempted)} exempted; {len(result.cannot_tell)} cannot be told ({len(ALL)} rules)"
    )


def _by_rule(findings: Sequence[Finding]) -> Iterator[tuple[Any, list[str]]]:
    """The first finding of each rule and property, mandatory first, with the names of all resources."""
    grouped: dict[tuple[bool, str, str], list[Finding]] = defaultdict(list)
    for entry in findings:
        grouped[entry.level not in ("mandatory", "remediate"), entry.rule.id, entry.check].append(entry)
    for _, entries in sorted(grouped.items(), key=lambda item: item[0]):
        yield entries[0], sorted({entry.resource.name for entry in entries})


def render(results: Sequence[Result], format: str) -> str:  # noqa: A002 - the option's name
    """Results in one of `FORMATS` but table. JSON of one stack is an object, of several a list."""
    if format == "json":
        found = [_data(result) for result in results]
        return json.dumps(found[0] if len(found) == 1 else found, indent=2)
    if format == "sarif":
        return json.dumps(sarif.log(results), indent=2)
    return _junit(results) if format == "junit" else "\n".join(_markdown(results))


def _data(result: Result) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "project": result.plan.project,
        "stack": result.plan.stack,
        "incomplete": result.incomplete,
        "findings": [_finding(result, entry) for entry in result.findings],
        "exempted": [
            {**_finding(result, entry), "exemption": entry.exemption.data()}
            for entry in result.exempted
            if entry.exemption
        ],
        "cannot_tell": [
            {"rule": doubt.rule.id, "resource": doubt.resource.name, "urn": doubt.resource.urn, "reason": doubt.reason}
            for doubt in result.cannot_tell
        ],
    }


def _finding(result: Result, entry: Finding) -> dict[str, Any]:
    component, key = result.source(entry)
    return {
        "rule": entry.rule.id,
        "check": entry.check,
        "level": entry.level,
        "severity": entry.rule.severity,
        "resource": entry.resource.name,
        "type": entry.resource.type,
        "urn": entry.resource.urn,
        "message": entry.message,
        "fix": entry.rule.fix,
        "component": component,
        "stack_file_key": key,
    }


def _junit(results: Sequence[Result]) -> str:
    root = ElementTree.Element("testsuites")
    for result in results:
        failed = {entry.rule.id for entry in result.mandatory}
        suite = ElementTree.SubElement(root, "testsuite", name=f"policies {result.plan.stack}")
        rules = (*ALL, IN_FORCE)
        suite.attrib |= {"tests": str(len(rules)), "failures": str(len(failed))}
        for rule in rules:
            case = ElementTree.SubElement(suite, "testcase", classname=f"policies.{rule.theme}", name=rule.id)
            mine = [entry for entry in result.findings if entry.rule.id == rule.id]
            said = "\n".join(f"{entry.resource.name}: {entry.message}" for entry in mine)
            if rule.id in failed:
                ElementTree.SubElement(case, "failure", message=rule.title).text = f"{said}\nFix: {rule.fix}"
            elif mine:
                ElementTree.SubElement(case, "system-out").text = said
            elif any(doubt.rule.id == rule.id for doubt in result.cannot_tell):
                ElementTree.SubElement(case, "skipped", message="cannot be told")
    return ElementTree.tostring(root, encoding="unicode")


def _markdown(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        yield f"### Policies: {result.plan.stack or 'plan'}"
        yield ""
        yield _summary(result)
        if result.findings:
            yield from ("", "| level | severity | rule | resources | message | fix |", "|---|---|---|---|---|---|")
        for first, names in _by_rule(result.findings):
            cells = (first.level, first.rule.severity, first.rule.id, ", ".join(names), first.message, first.rule.fix)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
        for entry in result.exempted:
            if entry.exemption:
                yield f"- exempted: {entry.rule.id} on {entry.resource.name}: {entry.exemption.reason}"
        yield ""
