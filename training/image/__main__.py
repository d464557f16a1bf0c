"""`python -m training.image`: the build context, and a look into what was built."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.errors import LimitExceeded, err, guarded, out
from training.image import context, layers

app = typer.Typer(help="The training image: its build context, and what is in it.", no_args_is_help=True)


@app.command("context")
def write_context(
    to: Annotated[Path, typer.Option("--out", help="File to write: .tar.gz, or .zip for CodeBuild.")],
) -> None:
    """Pack the build context; the same files give the same bytes."""
    content = context.files()
    data = context.archive_zip(content) if to.suffix == ".zip" else context.tar(content)
    part = to.with_name(to.name + ".part")
    part.write_bytes(data)
    part.replace(to)
    err().print(f"{len(content)} files, {len(data):,} bytes", style="dim")
    out().print(f"sha256:{context.digest(content)}")


@app.command()
def scan(archive: Annotated[Path, typer.Argument(help="Image archive: OCI layout or docker save.")]) -> None:
    """Look for secrets in every layer of an image, also deleted ones. Exit code 3 when there are some."""
    report = layers.scan(archive)
    for secret in report.secrets:
        out().print(f"{secret.verdict} layer {secret.layer} /{secret.path}", markup=False)
    if report.problems:
        raise LimitExceeded(report.problems)
    out().print(f"{report.layers} layers, user {report.user}: nothing that must not be there")


main = guarded(app, "python -m training.image")

if __name__ == "__main__":
    main()
