"""`python -m sandbox`: start, stop and look at the local cloud."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sandbox.settings import Settings
from terminal import Exit, InvalidInput, UserError, err, guarded, out

app = typer.Typer(
    help="A cloud on this machine: AWS API, Kubernetes control plane, simulated and real nodes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json for programs.")]


def load() -> Settings:
    """The settings of the environment."""
    try:
        return Settings.load()
    except ValueError as problem:
        raise InvalidInput(str(problem)) from None


@app.command()
@guarded
def up() -> None:
    """Start everything and wait until it answers. Changes nothing when it runs already."""
    from sandbox import supervisor

    settings = load()
    supervisor.start(settings)
    err().print(
        f"local cloud: ready (AWS API {settings.aws_url}, Kubernetes API {settings.kubernetes_url})", style="green"
    )


@app.command()
@guarded
def down() -> None:
    """Stop everything. The emulated cloud is gone then; Pulumi's state, keys and logs stay."""
    from sandbox import supervisor

    supervisor.stop(load())
    err().print("local cloud: stopped")


@app.command()
@guarded
def status(format: FormatOption = Format.TABLE) -> None:  # noqa: A002 - the option's name
    """What runs where. Exit code 0 when all that can run here does, else 1."""
    from sandbox import overview

    settings = load()
    found = overview.gather(settings)
    if format == Format.JSON:
        sys.stdout.write(json.dumps(found.document(), indent=2) + "\n")
    else:
        out().print(overview.rendered(found))
    if not found.healthy:
        raise SystemExit(int(Exit.FAILURE))


@app.command()
@guarded
def logs(
    name: Annotated[str, typer.Argument(help="A daemon, as `status` names it, or supervisord.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Show the log of a daemon."""
    from sandbox import daemons, supervisord
    from sandbox import logs as files

    settings = load()
    known = [*daemons.names(), supervisord.NAME]
    if name not in known:
        raise InvalidInput(f"logs: there is no daemon {name}; give one of {', '.join(known)}")
    path = supervisord.log_path(settings, name)
    if not path.exists() and not follow:
        raise UserError(f"{name} has no log yet ({path}); `python -m sandbox up` starts it")
    last, following = files.tail_and_follow(path, lines)
    for line in last:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    for text in following if follow else ():
        sys.stdout.write(text)
        sys.stdout.flush()


@app.command()
@guarded
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Stop everything and remove what the sandbox wrote but Pulumi's state and the cached tools."""
    from sandbox import supervisor

    settings = load()
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInput("reset: there is no terminal to ask on; give --yes to go ahead")
        typer.confirm(
            f"Stop the local cloud and remove its keys and logs under {settings.state}?", abort=True, err=True
        )
    for path in supervisor.reset(settings):
        err().print(f"removed {path}", markup=False)


@app.command()
@guarded
def env() -> None:
    """Print the environment of the local stack: eval "$(python -m sandbox env)"."""
    from sandbox import toolchain
    from sandbox.engine import home

    settings = load()
    sys.stdout.write(home.shell_exports(settings, toolchain.ensure("pulumi", settings)))


@app.command()
@guarded
def tools(
    install: Annotated[bool, typer.Option("--install", help="Get those that are missing.")] = False,
    path: Annotated[
        str | None, typer.Option("--path", help="Print where one tool is, or `training`: the Python with PyTorch.")
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002 - the option's name
) -> None:
    """Version, origin and size of each tool. Exit code 1 when one is missing."""
    from rich.table import Table

    from sandbox import toolchain

    settings = load()
    if path is not None:
        sys.stdout.write(f"{_tool_path(path, settings, install)}\n")
        return
    found = [toolchain.ensure(name, settings) for name in toolchain.NAMES] if install else toolchain.report(settings)
    missing = [name for name in toolchain.NAMES if name not in {tool.name for tool in found}]
    if format == Format.JSON:
        rows = [
            {"name": t.name, "version": t.version, "origin": t.origin, "bytes": t.size, "path": str(t.path)}
            for t in found
        ]
        sys.stdout.write(json.dumps({"schema_version": 1, "tools": rows, "missing": missing}, indent=2) + "\n")
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("tool", "version", "origin", "size", "path"):
            table.add_column(column, overflow="fold")
        for tool in found:
            table.add_row(tool.name, tool.version, tool.origin, f"{tool.size / 1e6:.0f} MB", str(tool.path))
        for name in missing:
            table.add_row(name, "-", "missing", "-", "`python -m sandbox tools --install` gets it")
        out().print(table)
    if missing:
        raise SystemExit(int(Exit.FAILURE))


def _tool_path(name: str, settings: Settings, install: bool) -> Path:
    """Where a tool is, got first with `install`. Raises UserError."""
    from sandbox import toolchain

    known = [*toolchain.NAMES, "training"]
    if name not in known:
        raise InvalidInput(f"tools: there is no tool {name}; give one of {', '.join(known)}")
    if name == "training":
        found = toolchain.training_python(settings, install=install)
    else:
        tool = toolchain.ensure(name, settings) if install else toolchain.installed(name, settings)
        found = tool and tool.path
    if found is None:
        raise UserError(f"{name} is not there; `python -m sandbox tools --install --path {name}` gets it")
    return found


@app.command()
@guarded
def coverage(
    service: Annotated[str | None, typer.Argument(help="An AWS service, for its actions by name, or gcp.")] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002 - the option's name
) -> None:
    """What the local cloud does of each provider: emulated, recorded, or real."""
    from sandbox.coverage import show

    show(service, as_json=format == Format.JSON)


if __name__ == "__main__":
    app(prog_name="python -m sandbox")
