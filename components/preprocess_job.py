"""Preparation of training data on a pool: files of the file system become shards, each pod doing its share.

The pods need no meeting: they divide the files by their index, and the last one to finish packs the shards.
"""

from __future__ import annotations

from typing import Literal

import pulumi
from pydantic import Field

from components import program
from components.training_job import SETTINGS_REFUSED, RunSpec, Value, launched
from components.workload import NOT_MEETING, Workload
from components.workload_job import Ground, WorkloadJob, labels
from components.workload_pod import VOLUME_FOLDER

COMPONENT = "preprocess"
PACKAGE = "training.data"


class PreprocessSpec(RunSpec):
    """Which files become which data."""

    runs_on_ray = True
    sources: tuple[str, ...] = Field(
        min_length=1, description="Files or folders on the file system, such as data/raw/wiki."
    )
    output: str = Field(description="Folder of the shards on the file system, such as data/wiki.")
    kind: Literal["tokens", "texts", "images", "digits"] = Field("tokens", description="What a sample is.")
    settings: dict[str, Value] = Field(
        default={},
        description="Further settings by name, such as tokenizer or deduplicate (options of `training.data prepare`).",
    )

    def needs_files(self, pods: int) -> str | None:  # noqa: ARG002 - see RunSpec
        return self.output


def preparation(name: str, spec: PreprocessSpec, ground: Ground) -> Workload:
    """The job as plain data."""
    ranks = spec.pods(ground)
    arguments = ["prepare", *(f"{VOLUME_FOLDER}/{source}" for source in spec.sources)]
    on_ray = spec.launcher == "ray"
    arguments += ["--output", f"{VOLUME_FOLDER}/{spec.output}", "--kind", spec.kind]
    arguments += ["--ray"] if on_ray else ["--of", str(ranks)]
    for option, value in sorted(spec.settings.items()):
        if value is not False:
            arguments += [f"--{option}", *([] if value is True else [str(value)])]
    return Workload(
        name=f"preprocess-{name}",
        image=spec.image,
        command=[*(NOT_MEETING if on_ray else ()), *launched([PACKAGE, *arguments], [], alone=True)],
        ranks=ranks,
        placement=ground.placements[spec.pool],
        program=program.read(PACKAGE),
        labels=labels(ground.site, COMPONENT, spec.pool),
        run=spec.run(spec.deadline_minutes),
        claim=ground.claim(spec.pool),
        fail_on=(SETTINGS_REFUSED,),
    )


class PreprocessJob(WorkloadJob):
    """A preparation of data."""

    def __init__(
        self, name: str, run: str, spec: PreprocessSpec, *, ground: Ground, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`run` is the name in the stack file."""
        kind, plan = "aidc:preprocess_job:PreprocessJob", preparation(run, spec, ground)
        super().__init__(kind, name, plan, ground=ground, pool=spec.pool, part=COMPONENT, opts=opts)
