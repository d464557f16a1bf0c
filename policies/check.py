"""The pack without an engine: `python -m policies.check --stack NAME | --plan FILE | --state FILE | --all`.

Turns a plan into what the rules see, runs them at the levels of the stack's class, and shows what they say. `--plan`
and `--state` use the production profile unless `--stack` names the stack file whose settings apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import cost
import plan
from plan import config as stack_config
from plan import document
from policies import report
from policies.profiles import Settings, settings
from policies.report import FORMATS, Result, show
from policies.rules import ALL
from policies.rules.evaluate import IN_FORCE, Doubt, Outcome, Pack
from policies.views import views
from terminal import Exit, InvalidInput, guarded, out

ROOT = Path(__file__).resolve().parent.parent
"""Where the stack files are. `plan.offline` is imported only where a program is run: it takes as long as the rules."""


def run(wanted: plan.Plan, estimate: cost.Estimate | None = None, config: Mapping[str, str] | None = None) -> Result:
    """Run the whole pack over a plan. `config` is that of the stack whose settings apply, by default the plan's own."""
    config = wanted.config if config is None else config
    applied = settings(config, estimate)
    pack = Pack(ALL, applied.levels, applied.parameters, applied.exemptions)
    outcome = Outcome()
    resources = views(wanted, config)
    for resource in resources:
        outcome.add(pack.resource(resource))
    outcome.add(pack.stack(resources))
    if wanted.incomplete:  # what is not in the document may be what an exemption is for
        outcome.findings = [entry for entry in outcome.findings if (entry.rule, entry.check) != (IN_FORCE, "unused")]
    return Result(wanted, outcome.findings, list(_once(outcome.doubts)), outcome.exempted, wanted.incomplete)


def _once(doubts: Iterable[Doubt]) -> Iterable[Doubt]:
    """A missing parameter is said once a rule, an unknown value once a resource."""
    said: set[tuple[str, str]] = set()
    for doubt in doubts:
        key = (doubt.rule.id, doubt.reason if doubt.reason.startswith("parameter") else doubt.resource.urn)
        if key not in said:
            said.add(key)
            yield doubt


def engine_configuration(config: Mapping[str, str], estimate: cost.Estimate | None) -> dict[str, Any]:
    """The settings as a file for `pulumi --policy-pack-config`."""
    return _engine_file(settings(config, estimate))


def _engine_file(applied: Settings) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for rule in ALL:
        values: dict[str, Any] = dict(applied.parameters.get(rule.id, {}))
        if exempt := [entry.data() for entry in applied.exemptions if entry.rule == rule.id]:
            values["exemptions"] = exempt
        if values or rule.id in applied.levels:
            found[rule.id] = {"enforcementLevel": applied.levels.get(rule.id, rule.level), **values}
    return found


@guarded
def main(
    stack: Annotated[str | None, typer.Option(help="Name of a stack file.")] = None,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Output of `pulumi preview --json`.")] = None,
    state: Annotated[Path | None, typer.Option(help="Output of `pulumi stack export`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stack that has a file.")] = False,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Say which policies a stack, a preview or a deployed state breaks. Exit code 3 on a mandatory finding."""
    problems = [] if format in FORMATS else [f"--format {format}: give one of {', '.join(FORMATS)}"]
    given = [value for value in (plan_file, state, every or None) if value]
    if len(given) + bool(stack) == 0 or len(given) > 1 or (every and stack):
        problems.append("give one of --stack NAME, --plan FILE, --state FILE, --all (a FILE may go with --stack NAME)")
    if problems:
        raise InvalidInput(problems)
    results = [_result(name, plan_file or state) for name in (_stacks() if every else [stack])]
    if format == "table":
        for result in results:
            if every:
                out().print(f"stack {result.plan.stack}", style="bold")
            show(out(), result)
    else:
        print(report.render(results, format))
    if any(result.mandatory for result in results):
        raise SystemExit(int(Exit.LIMIT))


def _stacks() -> list[str]:
    return stack_config.stack_names(ROOT)


def _result(stack: str | None, file: Path | None) -> Result:
    if file is None:
        from plan import offline

        wanted = offline.run(stack or "")
        return run(wanted, _estimate(wanted))
    wanted = document.read(file)
    config = stack_config.load(ROOT, stack).config if stack else None
    return run(wanted, _estimate(wanted), config)


def _estimate(wanted: plan.Plan) -> cost.Estimate:
    try:
        return cost.estimate(wanted)
    except ArithmeticError:
        raise InvalidInput(
            "a quantity of the plan is beyond what can be priced; look for sizes that no cloud sells"
        ) from None


__all__ = ["Result", "engine_configuration", "main", "run", "show", "views"]

if __name__ == "__main__":
    typer.run(main)
