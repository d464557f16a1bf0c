"""`python -m cost`: the price of a stack, of a preview document or of a deployed state."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

import cost
from cost import throughput, usage
from cost.terms import PROJECT
from plan import Plan, document
from terminal import Exit, InvalidInput, UserError, err, guarded, out

BY = ("component", "pool", "type", "resource")


@dataclass(frozen=True)
class Request:
    """What the command was asked for."""

    stack: str | None
    plan_file: str | None
    state: Path | None
    changes: tuple[str, ...]

    def plan(self) -> Plan:
        """The plan to price. Raises InvalidInput unless exactly one is named."""
        given = [value for value in (self.stack, self.plan_file, self.state) if value]
        if len(given) != 1:
            raise InvalidInput("give one of --stack NAME, --plan FILE, --state FILE")
        if self.changes and not self.stack:
            raise InvalidInput("--set changes values of a stack file: it needs --stack NAME")
        if self.stack:
            from cost import whatif
            from plan import offline

            return whatif.run(self.stack, self.changes) if self.changes else offline.run(self.stack)
        if self.plan_file == "-":
            return document.loads(sys.stdin.read(), "standard input")
        return _with_terms(document.read(self.plan_file or self.state or ""))


def _with_terms(found: Plan) -> Plan:
    """A state does not hold discounts and terms of purchase: those of this project's stack file are taken."""
    if found.project != PROJECT or found.config:
        return found
    from plan import config, offline

    if found.stack not in config.stack_names(offline.ROOT):
        return found
    return replace(found, config=config.load(offline.ROOT, found.stack).config)


@guarded
def main(  # noqa: PLR0913, PLR0917 - one parameter an option
    stack: Annotated[str | None, typer.Option(help="Name of a stack file.")] = None,
    plan_file: Annotated[
        str | None, typer.Option("--plan", help="Output of `pulumi preview --json`; - reads standard input.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Output of `pulumi stack export`.")] = None,
    against: Annotated[str | None, typer.Option(help="Compare with another stack.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Compare with a file: an estimate (--format json), a preview or a state.")
    ] = None,
    set_values: Annotated[
        list[str] | None, typer.Option("--set", help="What if: a changed value, such as pools.h200.nodes=8.")
    ] = None,
    usage_file: Annotated[
        Path | None, typer.Option("--usage", help="How much is used: an infracost usage file.")
    ] = None,
    usage_defaults: Annotated[bool, typer.Option(help="Assume usage that is not given (always for --stack).")] = False,
    strict: Annotated[bool, typer.Option(help="Exit code 3 when something has no price.")] = False,
    explain: Annotated[str | None, typer.Option(help="How the prices of a resource or item come about.")] = None,
    tokens_per_second: Annotated[
        list[str] | None, typer.Option(help="Tokens a second of a pool, POOL=N: shows cost and energy of tokens.")
    ] = None,
    training: Annotated[
        Path | None, typer.Option(help="The same from a training run: its result or its metrics.jsonl.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="Group lines by component, pool, type, resource or tag:<name>.")
    ] = "component",
    format: Annotated[str, typer.Option(help="table, json, markdown, html or csv.")] = "table",  # noqa: A002
) -> None:
    """Show what a stack costs, draws and emits. Exit code 3 when a limit of its budget is broken."""
    if format not in cost.report.FORMATS:
        raise InvalidInput(f"--format {format}: not one of {', '.join(cost.report.FORMATS)}")
    if by not in BY and not by.startswith("tag:"):
        raise InvalidInput(f"--by {by}: not one of {', '.join(BY)} or tag:<name>")
    request = Request(stack, plan_file, state, tuple(set_values or ()))
    wanted, given = request.plan(), _usage(stack, usage_file, usage_defaults)
    cost.limits(wanted)  # a limit that is none is told before the report, not after it
    estimate = cost.estimate(wanted, given)
    if tokens_per_second or training:
        speeds = throughput.given(estimate, tokens_per_second or (), training)
        estimate = replace(estimate, tokens_per_second=speeds)
    difference = _difference(request, estimate, wanted, given, against, baseline)
    if explain is not None:
        from cost import explain as explaining

        for line in explaining.lines(estimate, explain):
            out().print(line, markup=False)
    elif format == "table":
        from cost import table

        table.show(out(), estimate, difference, by=by)
    else:
        sys.stdout.write(cost.report.render(estimate, format, difference, by=by))
        for warning in estimate.warnings:
            err().print(f"note: {warning}", markup=False)
    _judge(estimate, wanted, difference, strict=strict)


def _judge(estimate: cost.Estimate, wanted: Plan, difference: cost.Difference | None, *, strict: bool) -> None:
    for line in cost.untold(estimate, wanted):
        err().print(f"note: {line}", markup=False)
    problems = cost.breaches(estimate, wanted, difference)
    if strict:
        problems += [f"{entry.resource}: {entry.item} is not priced: {entry.reason}" for entry in estimate.unknown]
        problems += [f"incomplete: {estimate.incomplete}"] if estimate.incomplete else []
    if problems:
        raise UserError(problems, Exit.LIMIT)


def _difference(
    request: Request,
    estimate: cost.Estimate,
    wanted: Plan,
    given: usage.Usage,
    against: str | None,
    baseline: Path | None,
) -> cost.Difference | None:
    """Against what was asked for; a what-if is compared with the stack as it is."""
    if against and baseline:
        raise InvalidInput("give one of --against STACK and --baseline FILE")
    if baseline:
        from cost.baseline import read

        return cost.compare(read(baseline, wanted, given), estimate)
    other = against or (request.stack if request.changes else None)
    if other is None:
        return None
    from plan import offline

    return cost.compare(cost.estimate(offline.run(other), None if against else given), estimate)


def _usage(stack: str | None, path: Path | None, assume: bool) -> usage.Usage:
    if path:
        return usage.read(path, assume=assume or bool(stack))
    return usage.of_stack(stack) if stack else usage.Usage(assume=assume)


if __name__ == "__main__":
    typer.run(main)
