"""The pack without an engine: `python -m policies.check --stack NAME | --plan FILE | --state FILE | --all`.

Turns a plan into what the rules see, runs them at the levels of the stack's class, and shows what they say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import cost
import plan
from plan import config as stack_config
from plan import document, offline
from policies.rules import ALL
from policies.rules.evaluate import Doubt, Finding, Pack
from policies.rules.model import UNKNOWN, Level, Resource
from terminal import Exit, InvalidInput, guarded, out

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Result:
    """What the pack says of a plan."""

    findings: list[Finding]
    cannot_tell: list[Doubt]

    @property
    def mandatory(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "mandatory"]


def run(wanted: plan.Plan, estimate: cost.Estimate | None = None) -> Result:
    """Run the whole pack over a plan."""
    levels, parameters = settings(wanted.config, estimate)
    pack = Pack(ALL, levels, parameters)
    findings: list[Finding] = []
    doubts: list[Doubt] = []
    resources = views(wanted)
    for resource in resources:
        outcome = pack.resource(resource)
        findings += outcome.findings
        doubts += outcome.doubts
    outcome = pack.stack(resources)
    return Result(findings + outcome.findings, doubts + outcome.doubts)


def views(wanted: plan.Plan) -> list[Resource]:
    """The resources of a plan as the rules see them, without components: those have no inputs."""
    custom = [resource for resource in wanted if resource.custom]
    found = {
        resource.urn: Resource(
            type=resource.type,
            name=resource.name,
            urn=resource.urn,
            inputs=_plain(_unpacked(resource.inputs) if resource.is_provider else resource.inputs),
            parent=resource.parent,
            protect=resource.protect,
        )
        for resource in custom
    }
    for resource in custom:
        view = found[resource.urn]
        view.provider = found.get(resource.provider or "")
        view.dependencies = [found[urn] for urn in resource.dependencies if urn in found]
        view.refers = {
            key: [found[urn] for urn in urns if urn in found] for key, urns in resource.property_dependencies.items()
        }
    return list(found.values())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return UNKNOWN if value is plan.UNKNOWN else value


def _unpacked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Objects of provider configuration travel as JSON text."""
    found = dict(inputs)
    for key, value in inputs.items():
        if isinstance(value, str) and value[:1] in ("{", "["):
            found[key] = json.loads(value)
    return found


def settings(
    config: Mapping[str, str], estimate: cost.Estimate | None
) -> tuple[dict[str, Level], dict[str, dict[str, Any]]]:
    """Levels and parameters of the rules for a stack."""
    del config, estimate
    return {}, {}


def engine_configuration(config: Mapping[str, str], estimate: cost.Estimate | None) -> dict[str, Any]:
    """The same as a file for `pulumi --policy-pack-config`."""
    levels, parameters = settings(config, estimate)
    return {rule: {"enforcementLevel": level} for rule, level in levels.items()} | {
        rule: {**values, **({"enforcementLevel": levels[rule]} if rule in levels else {})}
        for rule, values in parameters.items()
    }


def show(console: Console, result: Result) -> None:
    """Findings as a table, one line a finding; then what could not be told."""
    table = Table(box=None, pad_edge=False)
    for column in ("level", "severity", "rule", "resource", "message"):
        table.add_column(column, no_wrap=column != "message")
    for entry in sorted(result.findings, key=lambda found: (found.level != "mandatory", found.rule.id)):
        style = "red" if entry.level == "mandatory" else "yellow"
        table.add_row(entry.level, entry.rule.severity, entry.rule.id, entry.resource.name, entry.message, style=style)
    if result.findings:
        console.print(table)
    console.print(
        f"policies: {len(result.mandatory)} mandatory, {len(result.findings) - len(result.mandatory)} advisory "
        "findings; "
        f"{len(result.cannot_tell)} cannot be told before creation ({len(ALL)} rules)"
    )


def to_json(result: Result) -> str:
    """The result for other programs."""
    findings = [
        {
            "rule": entry.rule.id,
            "check": entry.check,
            "level": entry.level,
            "severity": entry.rule.severity,
            "resource": entry.resource.name,
            "urn": entry.resource.urn,
            "message": entry.message,
            "fix": entry.rule.fix,
        }
        for entry in result.findings
    ]
    doubts = [
        {"rule": entry.rule.id, "resource": entry.resource.name, "urn": entry.resource.urn, "reason": entry.reason}
        for entry in result.cannot_tell
    ]
    full = {"schema_version": SCHEMA_VERSION, "findings": findings, "exempted": [], "cannot_tell": doubts}
    return json.dumps(full, indent=2)


@guarded
def main(
    stack: Annotated[str | None, typer.Option(help="Name of a stack file.")] = None,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Output of `pulumi preview --json`.")] = None,
    state: Annotated[Path | None, typer.Option(help="Output of `pulumi stack export`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stack that has a file.")] = False,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Say which policies a stack, a preview or a deployed state breaks. Exit code 3 on a mandatory finding."""
    given = [value for value in (stack, plan_file, state, every or None) if value]
    if len(given) != 1:
        raise InvalidInput("give one of --stack NAME, --plan FILE, --state FILE, --all")
    if every:
        plans = [offline.run(name) for name in stack_config.stack_names(offline.ROOT)]
    else:
        plans = [offline.run(stack) if stack else document.read(plan_file or state or "")]
    results = [run(wanted, cost.estimate(wanted)) for wanted in plans]
    for wanted, result in zip(plans, results, strict=True):
        if format == "json":
            print(to_json(result))
        else:
            if every:
                out().print(f"stack {wanted.stack}", style="bold")
            show(out(), result)
    if any(result.mandatory for result in results):
        raise SystemExit(int(Exit.LIMIT))


if __name__ == "__main__":
    typer.run(main)
