"""`python -m training.feedback add|show|export`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from training.errors import BadInput, TrainingError, guarded, out
from training.feedback import export as exporting
from training.feedback import rated as answers
from training.feedback.store import open_store

app = typer.Typer(
    help="Rated answers of a model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
STORE = typer.Argument(help="The store: a .jsonl or .sqlite file.")


@app.command()
def add(store: Annotated[Path, STORE]) -> None:
    """Keep the rated answers that come as JSON lines on standard input."""
    opened, kept, problems = open_store(store), 0, []
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            opened.add(answers.parse(json.loads(line)))
            kept += 1
        except ValueError as problem:
            problems.append(f"line {number}: is no JSON ({problem})")
        except BadInput as problem:
            problems += [f"line {number}: {one}" for one in problem.problems]
    out().print(f"{store}: {kept} kept")
    if problems:
        raise BadInput(problems)


@app.command()
def show(store: Annotated[Path, STORE]) -> None:
    """How many answers of which model were rated how."""
    counts = Counter((one.model, one.rating) for one in open_store(store))
    for model in sorted({model for model, _ in counts}):
        ratings = ", ".join(
            f"{counts[model, rating]} x {rating}"
            for rating in range(answers.BEST, answers.WORST - 1, -1)
            if counts[model, rating]
        )
        out().print(f"{model}: {ratings}", markup=False)


@app.command()
def export(
    store: Annotated[Path, STORE],
    output: Annotated[Path, typer.Option(help="Folder of the fine-tune set.")],
    kind: Annotated[str, typer.Option(help="tokens (language models) or texts (classifiers).")] = "tokens",
    at_least: Annotated[int, typer.Option(help="Rating from which an answer is an example.")] = 4,
    at_most_rejected: Annotated[int, typer.Option(help="Rating up to which it is a rejected one.")] = 2,
    model: Annotated[list[str] | None, typer.Option(help="Only answers of this model; may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="Only those rated since, such as 2026-11-01.")] = "",
) -> None:
    """Make the next fine-tune set: files for `python -m training.data prepare`."""
    if kind not in {"tokens", "texts"}:
        raise BadInput(f"--kind: {kind!r} is not tokens or texts")
    rules = exporting.Rules(at_least, at_most_rejected, tuple(model or ()), since)
    found = exporting.select(open_store(store), rules, kind)  # type: ignore[arg-type]
    if not found.examples:
        raise TrainingError(
            f"feedback {store}: no answer is good enough ({found.left_out} prompts left out); lower --at-least"
        )
    for path in exporting.write(found, output):
        rows = found.pairs if path.name == exporting.PAIRS else found.examples
        out().print(f"{path}: {len(rows)}", markup=False)
    if found.left_out:
        out().print(f"left out: {found.left_out} prompts without a good answer")


main = guarded(app, "python -m training.feedback")
