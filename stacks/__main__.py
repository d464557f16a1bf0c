"""`python -m stacks`: check stack files, and keep what is generated from their shape current."""

from __future__ import annotations

from typing import Annotated

import typer

from stacks import config, reference
from stacks import schema as json_schema
from terminal import InvalidInput, guarded, out

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
Every = Annotated[bool, typer.Option("--all", help="Every stack that has a file.")]


@app.command()
@guarded
def check(
    name: Annotated[str | None, typer.Argument(help="Stack, such as local.", show_default=False)] = None,
    every: Every = False,
) -> None:
    """Report every mistake in one stack file or in all of them."""
    if (name is None) == (not every):
        raise InvalidInput(f"give the name of a stack ({', '.join(config.names())}) or --all")
    problems: list[str] = []
    for stack in config.names() if every else [name or ""]:
        try:
            config.load(stack)
        except InvalidInput as error:
            problems += [f"{stack}: {problem}" for problem in error.problems]
        else:
            out().print(f"{stack}: fine")
    if problems:
        raise InvalidInput(problems)


@app.command()
def schema() -> None:
    """Write stacks/schema.json, the JSON schema of stack files."""
    json_schema.write()
    out().print(f"wrote {json_schema.FILE.relative_to(config.FOLDER.parent)}")


@app.command()
def docs() -> None:
    """Write docs/stack-file.md, the reference of the stack file."""
    reference.write()
    out().print(f"wrote {reference.FILE.relative_to(config.FOLDER.parent)}")


if __name__ == "__main__":
    app()
