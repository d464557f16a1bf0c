"""The command `python -m training.search`: all trials one after another, or the one of JOB_COMPLETION_INDEX.

Exit codes: 0 done (a trial whose loss is no number is done too), 1 failure, 2 wrong usage, 75 asked to stop. stdout
carries the best trial and all others as JSON, which also stands in OUT/search.json.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from training import presets
from training.errors import BadInput, err, guarded
from training.search import space
from training.search.space import Axis
from training.train import overrides
from training.train.config import TrainConfig

if TYPE_CHECKING:
    from training.search.trials import Search

T = TypeVar("T")

SAMPLERS, PRUNERS, METRICS = ("grid", "random", "tpe"), ("median", "halving", "none"), ("loss", "accuracy")
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def search(  # noqa: PLR0913, PLR0917 - one option for each setting of a search
    preset: Annotated[str, typer.Option(help="what is trained")],
    output: Annotated[Path, typer.Option(help="folder of the search; shared by all pods of a Job array")],
    axes: Annotated[list[str], typer.Option("--space", help="key=a,b,c or key=low..high[:log][:points]; repeatable")],
    sampler: Annotated[str, typer.Option(help="grid, random or tpe (learns from the trials so far)")] = "random",
    trials: Annotated[int | None, typer.Option(min=1, help="trials; a grid has as many as combinations")] = None,
    steps: Annotated[int | None, typer.Option(help="optimizer steps of a trial")] = None,
    pruner: Annotated[str, typer.Option(help="early stopping: median, halving or none")] = "median",
    metric: Annotated[str, typer.Option(help="on the dev split: loss (least) or accuracy (most)")] = "loss",
    config: Annotated[Path | None, typer.Option(help="YAML file with settings that differ from the preset")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="key=value for all trials; repeatable")] = None,
    data: Annotated[str | None, typer.Option(help="folder of prepared data; synthetic without")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the trials' values")] = 0,
    index: Annotated[int | None, typer.Option(min=0, help="only this trial; else JOB_COMPLETION_INDEX")] = None,
) -> None:
    """Find good settings."""
    flags = [*(set_ or []), *([f"steps={steps}"] if steps is not None else [])]
    flags += [f"data.source={data}"] if data else []
    choices = {"sampler": (sampler, SAMPLERS), "pruner": (pruner, PRUNERS), "metric": (metric, METRICS)}
    problems = [
        f"--{name} {value}: give one of {', '.join(allowed)}"
        for name, (value, allowed) in choices.items()
        if value not in allowed
    ]
    index = _told(problems, lambda: _own_index(index))
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        problems.append("search: a trial is one process; start it without torchrun, as many pods as trials")
    base = _told(problems, lambda: overrides.combine(presets.load(preset), config, flags))
    chosen = _told(problems, lambda: space.parse(axes))
    count = _told(problems, lambda: _count(chosen or (), sampler, trials, index))
    if base is not None and chosen is not None:
        _told(problems, lambda: _fitting(base, chosen, metric))
    if problems or base is None or chosen is None or count is None:
        raise BadInput(problems)
    from training.search.trials import Search

    plan = Search(base, chosen, sampler, pruner, metric, seed, output)  # type: ignore[arg-type] - checked above
    code = _execute(plan, range(count) if index is None else range(index, index + 1))
    if code:
        raise typer.Exit(code)


def _told(problems: list[str], make: Callable[[], T]) -> T | None:
    """What `make` answers; its problems go to the others."""
    try:
        return make()
    except BadInput as error:
        problems += error.problems
        return None


def _count(axes: Sequence[Axis], sampler: str, trials: int | None, index: int | None) -> int:
    """How many trials there are. Raises BadInput."""
    if sampler == "grid":
        count = len(space.grid(axes))
        if trials is not None and trials != count:
            raise BadInput(f"--trials {trials}: the grid has {count} combinations; leave it out")
    elif trials is not None:
        count = trials
    elif index is not None:
        count = index + 1
    else:
        raise BadInput(f"--trials: say how many {sampler} trials")
    if index is not None and index >= count:
        raise BadInput(f"--index {index}: there are {count} trials, they count from 0")
    return count


def _fitting(base: TrainConfig, axes: Sequence[Axis], metric: str) -> None:
    """Raises BadInput when a setting is not known, or when one of its values is not allowed."""
    problems: list[str] = []
    for axis in axes:
        values = axis.values or (axis.at(0), axis.at(1))
        for value in values:
            found: list[str] = []
            _told(found, lambda pair=(axis.key, value): overrides.combine(base, None, space.flags(dict([pair]))))
            problems += [line for one in found if (line := one.replace("--set ", "--space ", 1)) not in problems]
    if base.evaluate_batches == 0:
        problems.append("evaluate_batches: 0 leaves nothing to compare trials by; give at least 1")
    if metric == "accuracy" and base.data.kind == "tokens":
        problems.append("--metric accuracy: language models have none; give loss")
    if problems:
        raise BadInput(problems)


def _execute(plan: Search, indexes: range) -> int:
    """Train the trials; answers the exit code. The state of the whole study is written after each."""
    from training.search import report, trials

    for index in indexes:
        if code := trials.run(plan, index):
            return code
        report.write(plan)
    found = report.write(plan)
    err().print(report.table(found))
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _own_index(value: int | None) -> int | None:
    """The option, else what an Indexed Job gives each of its pods. Raises BadInput."""
    given = os.environ.get("JOB_COMPLETION_INDEX")
    if value is not None or given is None:
        return value
    if not given.isdigit():
        raise BadInput(f"JOB_COMPLETION_INDEX: {given!r} is not a number from 0")
    return int(given)


main = guarded(app, "python -m training.search")
