"""A training run on a pool: a preset of `training.train` over all its accelerators, with checkpoints and resume.

Processes that die are started again in place, lost pods are replaced, and both go on from the last whole checkpoint.
The run's folder lies on the file system (`checkpoints/<name>`, which the object store can be linked to), or in an empty
folder of each pod where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pulumi
from pydantic import Field

from components import program
from components.spec import Name, Problem
from components.workload import Run, Workload
from components.workload_environment import processes
from components.workload_job import Ground, JobSpec, WorkloadJob, labels
from components.workload_pod import VOLUME_FOLDER

COMPONENT = "training"
PACKAGE, SERVER = "training.train", "training.serve"
DRILL_FOLDER = f"{VOLUME_FOLDER}/drills/$(RESULT_CONFIGMAP)"
"""Of a drill: each job its own. Kubernetes fills in the variable."""
SETTINGS_REFUSED, ASKED_TO_STOP = 2, 75
"""Exit codes of the trainer."""
LEAVE_SECONDS = 10
"""Of the grace, for the launcher to end after the processes of the trainer."""
Value = str | int | float | bool


class RunSpec(JobSpec):
    """What jobs that read and write the file system share."""

    pool: Name = Field(description="Pool it runs on, of pools or system-pools.")
    ranks: int | None = Field(
        None, ge=1, description="Pods, each with an even share of its node. Default: one a node of the pool."
    )
    deadline_hours: int | None = Field(None, ge=1, description="Hours after which it counts as failed. Default: none.")

    @property
    def deadline_minutes(self) -> int | None:
        return self.deadline_hours * 60 if self.deadline_hours else None

    def needs_files(self, pods: int) -> str | None:  # noqa: ARG002 - some kinds of job ask
        """What must lie on the file system when there are so many pods; None: nothing."""
        return None

    def pods(self, ground: Ground) -> int:
        return self.ranks or max(ground.placements[self.pool].nodes, 1)


class TrainingSpec(RunSpec):
    """What is trained, on what, for how long."""

    preset: Name = Field(description="Preset of the trainer, such as bloom-560m or mnist-mlp-tiny.")
    steps: int | None = Field(None, ge=1, description="Optimizer steps. Default: by the epochs of the preset.")
    data: str | None = Field(
        None, description="Folder of prepared data on the file system, such as data/wiki. Default: synthetic data."
    )
    checkpoint_steps: int | None = Field(
        None, ge=1, description="Steps between checkpoints. Default: only at the end and when asked to stop."
    )
    resume: bool = Field(True, description="Whether a run of this name goes on from its last whole checkpoint.")
    restarts: int = Field(3, ge=0, description="How often dead processes are started again in place.")
    grace_seconds: int = Field(
        120,
        gt=LEAVE_SECONDS,
        description="Seconds that a pod has to save a checkpoint when it is asked to stop. Spot machines are taken "
        "back after two minutes.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1024,
        le=65000,
        description="Port of the figures for Prometheus; each further process of a pod has the next one. Namespaces "
        'labelled dc/monitoring: "true" may read them. Default: none.',
    )
    start: Literal["at-once", "when-accepted"] = Field(
        "at-once",
        description="when-accepted: created but not started; `make up` starts it once the benchmark of its pool has "
        "passed.",
    )
    drill: bool = Field(
        False,
        description="A trial that proves the run: in a folder of its own below drills/, one process is killed after a "
        "checkpoint, the run must go on from there, and its exported model must answer. `make up` waits for the "
        "verdict.",
    )
    settings: dict[str, Value] = Field(
        default={}, description="Further settings of the trainer by name, such as optimizer.lr or parallel.strategy."
    )

    def needs_files(self, pods: int) -> str | None:
        return self.data or ("a checkpoint that all pods write" if pods > 1 else None)

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        own = {
            "telemetry.prometheus_port": "metrics-port",
            "data.source": "data",
            "checkpoint.every": "checkpoint-steps",
            "steps": "steps",
        }
        for name in self.settings.keys() & own.keys():
            yield Problem(("settings", name), f"{name} has a key of its own. Write {own[name]} instead.")
        if self.start == "when-accepted" and self.launcher == "kueue":
            yield Problem(("start",), "when-accepted does not go with launcher: kueue, which itself decides. Drop one.")
        if self.drill and not self.checkpoint_steps:
            yield Problem(("drill",), "a drill kills a process after a checkpoint. Set checkpoint-steps.")
        if self.drill and not self.resume:
            yield Problem(("drill",), "a drill must go on from its checkpoint. Drop resume: false.")

    def run(self, deadline_minutes: int | None) -> Run:
        return replace(super().run(deadline_minutes), held=self.start == "when-accepted")


def folder(name: str) -> str:
    """Of a run, on the volume."""
    return f"{VOLUME_FOLDER}/checkpoints/{name}"


def training(name: str, spec: TrainingSpec, ground: Ground) -> Workload:
    """The job as plain data."""
    placement, ranks = ground.placements[spec.pool], spec.pods(ground)
    each = processes(placement, placement.pods_per_node(ranks))
    accelerator = placement.instance.accelerator
    settings: dict[str, Value] = {}
    if accelerator and accelerator.bf16_tflops:
        settings["telemetry.peak_tflops"] = accelerator.bf16_tflops  # what MFU of a run in bfloat16 is a share of
    if spec.metrics_port:
        settings["telemetry.prometheus_port"] = spec.metrics_port
    if spec.checkpoint_steps:
        settings["checkpoint.every"] = spec.checkpoint_steps
    output = DRILL_FOLDER if spec.drill else folder(name)
    arguments = ["--preset", spec.preset, "--output", output, "--resume", "auto" if spec.resume else "never"]
    arguments += ["--steps", str(spec.steps)] if spec.steps else []
    arguments += ["--data", f"{VOLUME_FOLDER}/{spec.data}"] if spec.data else []
    arguments += set_arguments(settings | dict(spec.settings))
    return Workload(
        name=f"training-{name}",
        image=spec.image,
        command=launched(
            [PACKAGE, *arguments],
            ["--check=--dry-run", "--restarts", str(spec.restarts), "--result", output]
            + (["--drill"] if spec.drill else []),
            alone=placement.vendor == "google",
        ),
        ranks=ranks,
        placement=placement,
        program=program.read(PACKAGE, SERVER) if spec.drill else program.read(PACKAGE),
        labels=labels(ground.site, COMPONENT, spec.pool),
        run=spec.run(spec.deadline_minutes),
        environment={
            "LAUNCH_PROCESSES": str(each),
            "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(spec.grace_seconds - LEAVE_SECONDS),
        },
        claim=ground.claim(spec.pool),
        fail_on=(SETTINGS_REFUSED,),
        no_failure=(ASKED_TO_STOP,),
        metrics_ports=[spec.metrics_port + n for n in range(each)] if spec.metrics_port else (),
        grace_seconds=spec.grace_seconds,
    )


def set_arguments(settings: dict[str, Value]) -> list[str]:
    """`--set key=value` for each, as the trainer reads them."""
    spelled = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}
    return [word for name, value in sorted(spelled.items()) for word in ("--set", f"{name}={value}")]


def launched(module: list[str], options: list[str], *, alone: bool = False) -> list[str]:
    """The command of a pod: the launcher, and what it starts. `alone`: the program finds its ranks by itself (TPU)."""
    return ["python", "-m", "training.launch", *options, *(["--alone"] if alone else []), "--", *module]


class TrainingJob(WorkloadJob):
    """A training run."""

    def __init__(
        self, name: str, run: str, spec: TrainingSpec, *, ground: Ground, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`run` is the name in the stack file."""
        kind, plan = "aidc:training_job:TrainingJob", training(run, spec, ground)
        self._spec, self._started_as = spec, plan.job if spec.launcher == "jobset" else None
        super().__init__(kind, name, plan, ground=ground, pool=spec.pool, part=COMPONENT, opts=opts)

    @property
    def whereabouts(self) -> dict[str, str]:
        """What the stack exports, with what `make up` does about the run: start it, wait for its verdict."""
        told = {"pool": self._spec.pool, "start": self._spec.start, "drill": str(self._spec.drill).lower()}
        return super().whereabouts | told | ({"jobset": self._started_as} if self._started_as else {})
