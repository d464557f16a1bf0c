"""The command `python -m training.train`, alone or under torchrun.

Exit codes: 0 trained, 1 failure, 2 wrong usage or settings (nothing was trained), 75 asked to stop and ready to go on,
130 ctrl-C. stdout carries the result as one JSON line, stderr the talk; both come from rank 0 only, faults of one rank
from that rank.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml

from training import presets
from training.errors import BadInput, TrainingError, guarded
from training.train import overrides

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def train(
    preset: Annotated[str, typer.Option(help=f"one of {', '.join(presets.PRESETS)}")],
    output: Annotated[Path, typer.Option(help="folder of the run: metrics, checkpoints, export")],
    steps: Annotated[int | None, typer.Option(help="optimizer steps; else by epochs")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings that differ from the preset")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. optimizer.lr=1e-4; repeatable")
    ] = None,
    resume: Annotated[str, typer.Option(help="auto, never, or a folder of checkpoints")] = "auto",
    data: Annotated[str | None, typer.Option(help="folder of prepared data; synthetic without")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the settings as YAML and end")] = False,
) -> None:
    """Train a preset."""
    flags = [*(set_ or []), *([f"steps={steps}"] if steps is not None else [])]
    flags += [f"data.source={data}"] if data else []
    try:
        chosen = overrides.combine(presets.load(preset), config, flags)
    except BadInput as error:
        if os.environ.get("RANK", "0") != "0":
            raise SystemExit(error.code) from None
        raise
    if dry_run:
        sys.stdout.write(yaml.safe_dump(overrides.to_mapping(chosen), sort_keys=False))
        return
    # PyTorch takes seconds to import: wrong settings are told before.
    from training.train import session

    try:
        outcome = session.execute(chosen, output, resume)
    except TrainingError as error:
        _raise_once(error)
    if outcome.result is not None and os.environ.get("RANK", "0") == "0":
        sys.stdout.write(json.dumps(outcome.result) + "\n")
    if outcome.code:
        raise typer.Exit(outcome.code)


def _raise_once(error: TrainingError) -> NoReturn:
    """What is wrong on every rank is told by one."""
    from training.train import parallel

    if parallel.is_first_to_say(str(error)):
        raise error
    raise SystemExit(error.code)


def main() -> None:
    """The command with its problems as lines."""
    code = 0
    try:
        guarded(app, "python -m training.train")()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    if code and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Threads of the process group and of a checkpoint may wait for another rank: end without them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code)
