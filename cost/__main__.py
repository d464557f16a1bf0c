"""`python -m cost`: the price of a stack, of a preview document or of a deployed state."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import cost
from cost import usage
from plan import Plan, document
from terminal import Exit, InvalidInput, UserError, err, guarded, out


@guarded
def main(
    stack: Annotated[str | None, typer.Option(help="Name of a stack file.")] = None,
    plan_file: Annotated[
        str | None, typer.Option("--plan", help="Output of `pulumi preview --json`; - reads standard input.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Output of `pulumi stack export`.")] = None,
    usage_file: Annotated[
        Path | None, typer.Option("--usage", help="How much is used: an infracost usage file.")
    ] = None,
    usage_defaults: Annotated[bool, typer.Option(help="Assume usage that is not given (always for --stack).")] = False,
    strict: Annotated[bool, typer.Option(help="Exit code 3 when something has no price.")] = False,
    format: Annotated[str, typer.Option(help="table, json, markdown, html or csv.")] = "table",  # noqa: A002
) -> None:
    """Show what a stack costs, draws and emits. Exit code 3 when a limit of its budget is broken."""
    if format not in cost.report.FORMATS:
        raise InvalidInput(f"--format {format}: not one of {', '.join(cost.report.FORMATS)}")
    wanted = _plan(stack, plan_file, state)
    given = _usage(stack, usage_file, usage_defaults)
    estimate = cost.estimate(wanted, given)
    if format == "table":
        cost.report.show(out(), estimate)
    else:
        sys.stdout.write(cost.report.render(estimate, format))
    for warning in estimate.warnings if format != "table" else ():
        err().print(f"note: {warning}", markup=False)
    problems = cost.breaches(estimate, wanted)
    if strict:
        problems += [f"{entry.resource}: {entry.item} is not priced: {entry.reason}" for entry in estimate.unknown]
        problems += [f"incomplete: {estimate.incomplete}"] if estimate.incomplete else []
    if problems:
        raise UserError(problems, Exit.LIMIT)


def _plan(stack: str | None, plan_file: str | None, state: Path | None) -> Plan:
    given = [value for value in (stack, plan_file, state) if value]
    if len(given) != 1:
        raise InvalidInput("give one of --stack NAME, --plan FILE, --state FILE")
    if stack:
        from plan import offline

        return offline.run(stack)
    if plan_file == "-":
        return document.loads(sys.stdin.read(), "standard input")
    return document.read(plan_file or state or "")


def _usage(stack: str | None, path: Path | None, assume: bool) -> usage.Usage:
    if path:
        return usage.read(path, assume=assume or bool(stack))
    return usage.of_stack(stack) if stack else usage.Usage(assume=assume)


if __name__ == "__main__":
    typer.run(main)
