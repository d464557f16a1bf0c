"""One run from joining the ranks to the exported model; what the command, a search and a test call."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.checkpoint.finite import NotFinite
from training.errors import OK, BadInput, TrainingError
from training.train import build, export, faults, loop, parallel
from training.train.config import TrainConfig
from training.train.run import Run, Watch
from training.train.signals import StopRequest


@dataclass(frozen=True)
class Outcome:
    code: int
    """Exit code: 0, or that of a run that was asked to stop."""
    result: dict[str, Any] | None
    """What was trained and how good it is; None when it was asked to stop."""


def execute(config: TrainConfig, output: Path, resume: str, watch: Watch | None = None) -> Outcome:
    """Train to the end or until asked to stop. `watch` sees each evaluation on "dev" and may end the run by raising.

    Raises BadInput, TrainingError.
    """
    stop_request = StopRequest()
    layout = parallel.join(config)
    with faults.explained_at_start(config, layout):
        run = build.build(config, output, resume, layout, stop_request)
    run.watch = watch
    try:
        with faults.explained(run):
            try:
                loop.train(run)
            except NotFinite:
                # Every rank is here: the checkpoint that is being written can be ended.
                run.saver.settle()
                raise
            run.saver.settle()
            result = None if run.stopping else finish(run)
    finally:
        run.close()
    if run.saver.failed:
        last = (
            f"the last whole checkpoint is of step {run.saver.saved}" if run.saver.saved else "there is no checkpoint"
        )
        raise TrainingError(f"step {run.step} is not saved: {run.saver.failed}; {last}")
    parallel.leave()
    if result is None:
        run.say(f"asked to stop: step {run.step} is saved, the run goes on with --resume auto")
        return Outcome(stop_request.exit_code, None)
    return Outcome(OK, result)


def finish(run: Run) -> dict[str, Any]:
    """Export a trained model, then evaluate it; answers the result. Raises TrainingError."""
    result: dict[str, Any] = {"schema_version": 1, "preset": run.config.preset, "steps": run.step}
    if run.config.export:
        parallel.share_buffers(run.model)
        export.write(run.model, run.config, run.output / "export")
        result["export"] = str(run.output / "export")
    try:
        for split in ("dev", "test"):
            report = run.evaluate(split, whole=True)
            result[split] = report and asdict(report)
    except BadInput as error:
        # Not a matter of settings any more: code 2 would say that nothing was trained.
        raise TrainingError([*error.problems, _kept(run, result.get("export"))]) from error
    return {**result, "metrics": str(run.output / build.METRICS), "checkpoints": str(run.output / build.CHECKPOINTS)}


def _kept(run: Run, exported: str | None) -> str:
    where = f"exported to {exported}" if exported else "trained"
    return f"the model of step {run.step} is {where} and could not be evaluated; the same command evaluates it again"
