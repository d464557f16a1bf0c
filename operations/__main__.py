"""`python -m operations`: what the Makefile calls."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.up import wants_yes
from terminal import guarded

app = typer.Typer(
    help="Create, look after and remove a stack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
StackName = Annotated[
    str, typer.Option("--stack", "-s", envvar="STACK", help="Name of a file stacks/Pulumi.<stack>.yaml.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without asking (also: YES=1).")]


@app.command()
@guarded
def up(stack: StackName = "local", yes: Yes = False) -> None:
    """Create or change a stack: estimate, policies, `pulumi up`, benchmark, verdict."""
    from operations import up as command

    command.run(stack, yes=yes or wants_yes())


@app.command()
@guarded
def preview(stack: StackName = "local") -> None:
    """Show the estimate and what `up` would do; create nothing."""
    from operations import up as command

    command.preview(stack)


@app.command()
@guarded
def down(stack: StackName = "local", yes: Yes = False) -> None:
    """Destroy a stack, prove that nothing is left, stop the local cloud."""
    from operations import down as command

    command.run(stack, yes=yes or wants_yes())


@app.command()
@guarded
def status(stack: StackName = "local") -> None:
    """What runs where: daemons, resources, nodes, benchmark verdicts."""
    from operations import status as command

    command.run(stack)


@app.command()
@guarded
def drift(stack: StackName = "local") -> None:
    """What is in the cloud otherwise than the state says. Exit code 3 when something is."""
    from operations import drift as command

    command.run(stack)


@app.command()
@guarded
def orphans(stack: StackName = "local") -> None:
    """Tagged objects that no state holds. Exit code 3 when there are some."""
    from operations import orphans as command

    command.run(stack)


@app.command()
@guarded
def recover(stack: StackName = "local", yes: Yes = False) -> None:
    """Show what an interrupted command left behind and put it right."""
    from operations import recover as command

    command.run(stack, yes=yes or wants_yes())


@app.command()
@guarded
def history(stack: StackName = "local") -> None:
    """The stack's benchmark verdicts, newest last."""
    from operations import report
    from operations.stack import Stack

    report.past(Stack.load(stack))


@app.command()
@guarded
def backend(stack: StackName) -> None:
    """Make an S3 bucket and a KMS key for the state of cloud stacks."""
    from operations import backend as command

    command.run(stack)


@app.command()
@guarded
def image(
    stack: StackName,
    base: Annotated[str, typer.Option(envvar="BASE", help="Base image, pinned: name@sha256:<digest>.")] = "",
    builder: Annotated[
        str, typer.Option(envvar="BUILDER", help="codebuild, cloudbuild, buildkit (in the cluster), docker or buildah.")
    ] = "docker",
    repository: Annotated[str, typer.Option(help="Repository of the stack's registry.")] = "training",
    expect: Annotated[
        str, typer.Option(envvar="EXPECT", help="What the image must have: cuda, efa, neuron, tpu, comma separated.")
    ] = "",
    platform: Annotated[str, typer.Option(help="Platform of the nodes: linux/amd64 or linux/arm64.")] = "linux/amd64",
) -> None:
    """Build the training image, push it to the stack's registry and print its digest."""
    from operations import image as command

    command.run(stack, builder=builder, base=base, repository=repository, expect=expect, platform=platform)


@app.command()
@guarded
def gallery() -> None:
    """Renew the table of stacks in the README."""
    from operations import gallery as command

    command.write()


if __name__ == "__main__":
    app()
