"""Evaluation of a training run's last checkpoint on the dev and test data: the trainer, asked for no further step."""

from __future__ import annotations

import pulumi
from pydantic import Field

from components import program
from components.spec import Name
from components.training_job import PACKAGE, SETTINGS_REFUSED, RunSpec, Value, folder, launched, set_arguments
from components.workload import Workload
from components.workload_environment import processes
from components.workload_job import Ground, WorkloadJob, labels
from components.workload_pod import VOLUME_FOLDER

COMPONENT = "evaluation"


class EvaluationSpec(RunSpec):
    """Which run is evaluated, on what."""

    run_name: Name = Field(alias="run", description="Training run on the file system: a name of the section training.")
    preset: Name = Field(description="Preset of the run.")
    data: str | None = Field(None, description="Folder of prepared data on the file system. Default: synthetic data.")
    batches: int | None = Field(None, ge=1, description="Batches at most. Default: as the preset says.")
    settings: dict[str, Value] = Field(default={}, description="Further settings of the trainer: those of the run.")

    def needs_files(self, pods: int) -> str | None:  # noqa: ARG002 - see RunSpec
        return f"the run {self.run_name}"


def evaluation(name: str, spec: EvaluationSpec, ground: Ground) -> Workload:
    """The job as plain data."""
    placement, ranks = ground.placements[spec.pool], spec.pods(ground)
    output = f"{VOLUME_FOLDER}/evaluations/{name}"
    # One step is behind every checkpoint, so none is taken; nothing is written that a run would.
    settings: dict[str, Value] = {"export": False, "checkpoint.at_end": False}
    if spec.batches:
        settings["evaluate_batches"] = spec.batches
    arguments = ["--preset", spec.preset, "--steps", "1", "--output", output]
    arguments += ["--resume", f"{folder(spec.run_name)}/checkpoints"]
    arguments += ["--data", f"{VOLUME_FOLDER}/{spec.data}"] if spec.data else []
    arguments += set_arguments(dict(spec.settings) | settings)
    return Workload(
        name=f"evaluation-{name}",
        image=spec.image,
        command=launched(
            [PACKAGE, *arguments], ["--check=--dry-run", "--result", output], alone=placement.vendor == "google"
        ),
        ranks=ranks,
        placement=placement,
        program=program.read(PACKAGE),
        labels=labels(ground.site, COMPONENT, spec.pool),
        run=spec.run(spec.deadline_minutes),
        environment={"LAUNCH_PROCESSES": str(processes(placement, placement.pods_per_node(ranks)))},
        claim=ground.claim(spec.pool),
        fail_on=(SETTINGS_REFUSED,),
    )


class EvaluationJob(WorkloadJob):
    """An evaluation of a run."""

    def __init__(
        self, name: str, run: str, spec: EvaluationSpec, *, ground: Ground, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`run` is the name in the stack file."""
        kind, plan = "aidc:evaluation_job:EvaluationJob", evaluation(run, spec, ground)
        super().__init__(kind, name, plan, ground=ground, pool=spec.pool, part=COMPONENT, opts=opts)
