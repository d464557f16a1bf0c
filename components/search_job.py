"""A search for good settings of a trainer: a Job array with one trial an index, which share one study on the volume.

Trials are processes of their own and do not meet: they start as there is room, and each learns from those that ended
before it (`training.search`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pulumi
from pydantic import Field

from components import program
from components.spec import Name, Problem
from components.training_job import SETTINGS_REFUSED, RunSpec, Value, launched, set_arguments
from components.workload import NOT_MEETING, Workload
from components.workload_job import Ground, WorkloadJob, labels
from components.workload_pod import VOLUME_FOLDER

COMPONENT = "search"
PACKAGE = "training.search"


class SearchSpec(RunSpec):
    """What is varied, how often, and what the best is. `ranks` is how many trials run at a time."""

    preset: Name = Field(description="Preset of the trainer that is varied.")
    trials: int = Field(ge=1, description="Trials; a grid has as many as there are combinations.")
    space: dict[str, str] = Field(
        min_length=1,
        description="Values of settings by name: a list such as 8,16,32 or a range such as 1e-5..1e-3:log.",
    )
    sampler: Literal["grid", "random", "tpe"] = Field(
        "random", description="How values are chosen; tpe learns from trials."
    )
    pruner: Literal["median", "halving", "none"] = Field("median", description="Which trials are ended early.")
    metric: Literal["loss", "accuracy"] = Field("loss", description="What is compared, on the dev split.")
    steps: int | None = Field(None, ge=1, description="Optimizer steps of a trial. Default: as the preset says.")
    data: str | None = Field(None, description="Folder of prepared data on the file system. Default: synthetic data.")
    settings: dict[str, Value] = Field(default={}, description="Settings of the trainer for all trials, by name.")

    def needs_files(self, pods: int) -> str | None:  # noqa: ARG002 - see RunSpec
        return "the study that all trials share"

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.launcher == "jobset":
            yield Problem(("launcher",), "jobset starts all pods anew when one fails; trials are independent. Drop it.")
        for name in sorted(self.settings.keys() & self.space.keys()):
            yield Problem(("settings", name), f"{name} is varied by space. Take it out of one of the two.")


def search(name: str, spec: SearchSpec, ground: Ground) -> Workload:
    """The job as plain data."""
    placement = ground.placements[spec.pool]
    output = f"{VOLUME_FOLDER}/searches/{name}"
    arguments = ["--preset", spec.preset, "--output", output, "--sampler", spec.sampler, "--pruner", spec.pruner]
    arguments += ["--metric", spec.metric]
    arguments += [] if spec.sampler == "grid" else ["--trials", str(spec.trials)]
    arguments += ["--steps", str(spec.steps)] if spec.steps else []
    arguments += ["--data", f"{VOLUME_FOLDER}/{spec.data}"] if spec.data else []
    arguments += [word for key, values in sorted(spec.space.items()) for word in ("--space", f"{key}={values}")]
    arguments += set_arguments(dict(spec.settings))
    return Workload(
        name=f"search-{name}",
        image=spec.image,
        command=[*NOT_MEETING, *launched([PACKAGE, *arguments], ["--each"], alone=True)],
        ranks=min(spec.pods(ground), spec.trials),
        indexes=spec.trials,
        placement=placement,
        program=program.read(PACKAGE),
        labels=labels(ground.site, COMPONENT, spec.pool),
        run=spec.run(spec.deadline_minutes),
        claim=ground.claim(spec.pool),
        fail_on=(SETTINGS_REFUSED,),
    )


class SearchJob(WorkloadJob):
    """A search."""

    def __init__(
        self, name: str, run: str, spec: SearchSpec, *, ground: Ground, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`run` is the name in the stack file."""
        kind, plan = "aidc:search_job:SearchJob", search(run, spec, ground)
        super().__init__(kind, name, plan, ground=ground, pool=spec.pool, part=COMPONENT, opts=opts)
