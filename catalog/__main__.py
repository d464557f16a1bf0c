"""`python -m catalog`: look up what the catalog knows, and check that its tables hold together."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from catalog import describe as description
from catalog import show as render
from catalog.crossref import known_gaps
from catalog.crossref import problems as contradictions
from catalog.package import tables
from catalog.record import SCHEMA_VERSION, listing, record
from catalog.schema import problems as malformed
from catalog.table import CatalogError, rows
from terminal import UserError, err, guarded, out

app = typer.Typer(
    help="Facts with a date and a source: machines, interface plans, prices, power, carbon, versions, limits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="table for people, json for programs.")]


@app.command()
@guarded
def show(
    name: Annotated[str, typer.Argument(help="EC2 instance type, UltraServer or TPU machine type.", metavar="TYPE")],
    region: Annotated[str | None, typer.Option(help="Only prices of this region and its local zones.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """All that is known of one type, with sources and dates."""
    found = record(name, region)
    render.as_json(found) if output is Format.JSON else render.one(found)


@app.command("list")
@guarded
def list_types(
    accelerator: Annotated[str | None, typer.Option(help="Part of the accelerator's name: H200, Trainium.")] = None,
    efa: Annotated[bool | None, typer.Option("--efa/--no-efa", help="Only with, or only without EFA.")] = None,
    capacity_block: Annotated[
        bool | None, typer.Option("--capacity-block/--no-capacity-block", help="Only (not) sold as Capacity Blocks.")
    ] = None,
    region: Annotated[str, typer.Option(help="Region of the on-demand price shown.")] = "us-east-1",
    output: FormatOption = Format.TABLE,
) -> None:
    """EC2 types with accelerators."""
    found = listing(accelerator, efa, capacity_block, region)
    if output is Format.JSON:
        render.as_json({"schema_version": SCHEMA_VERSION, "region": region, "types": found})
    else:
        render.many(found, region)
    if not found:
        err().print("No type fits; leave out an option.")


@app.command()
@guarded
def check(output: FormatOption = Format.TABLE) -> None:
    """Check every row of every table and what the tables say about each other; exit code 1 on a problem."""
    document = _checked()
    render.as_json(document) if output is Format.JSON else render.checked(document)
    if document["problems"]:
        raise UserError(document["problems"])


@app.command()
@guarded
def describe(
    write: Annotated[bool, typer.Option("--write", help="Update the section in catalog/data/README.md.")] = False,
) -> None:
    """What each table holds, as Markdown."""
    if write:
        description.write()
    else:
        print(description.markdown())


def _checked() -> dict[str, Any]:
    problems = list(malformed())
    if not problems:  # what does not parse cannot be compared
        problems = _contradictions()
    return {
        "schema_version": SCHEMA_VERSION,
        "tables": [
            {"name": table.name, "rows": _count(table.name), "date": table.date, "description": table.description}
            for table in tables().values()
        ],
        "known_gaps": [
            {"instance_type": gap.instance_type, "what": gap.what, "reason": reason}
            for gap, reason in known_gaps().items()
        ],
        "problems": problems,
    }


@app.command()
@guarded
def refresh(
    region: Annotated[str, typer.Option(help="Region whose prices are read: us-east-1 of AWS, us-central1 of Google.")],
    endpoint: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Read prices anew and say what changed.

    AWS: the Price List API, with AWS credentials. Google: the Cloud Billing catalog, with GOOGLE_API_KEY.
    """
    from datetime import UTC, datetime

    from rich.progress import Progress

    from catalog import refresh as price_list
    from catalog import refresh_google as billing

    day = datetime.now(UTC).date().isoformat()
    with Progress(console=err(), transient=True) as bar:
        tasks = {}

        def told(what: str, count: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=count)

        if billing.REGION.fullmatch(region):
            outcome = billing.run(region, day, endpoint=endpoint or billing.ENDPOINT, progress=told)
        else:
            outcome = price_list.run(region, day, progress=told)
    description.write()
    for problem in outcome.problems:
        err().print(f"note: {problem}", style="yellow", markup=False)
    for change in outcome.changes:
        before = "new" if change.before is None else f"{change.before.normalize():f}"
        out().print(f"{change.name}: {before} -> {change.after.normalize():f} USD", markup=False)
    kept = f"{len(outcome.problems)} left as they were"
    out().print(f"{len(outcome.changes)} prices changed, {outcome.confirmed} confirmed, {kept}", markup=False)


def _contradictions() -> list[str]:
    stale = [] if description.current() else ["catalog/data/README.md: run `python -m catalog describe --write`"]
    try:
        return stale + list(contradictions())
    except UserError as error:
        return error.problems


def _count(table: str) -> int | None:
    """Rows of a table; None when it cannot be read, which is among the problems."""
    try:
        return sum(1 for _ in rows(table))
    except CatalogError:
        return None


if __name__ == "__main__":
    app()
