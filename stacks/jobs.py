"""The jobs of a stack file, the same on every cloud: benchmarks, training, searches, preparation, evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi

from components.benchmark_job import BenchmarkJob
from components.evaluation_job import EvaluationJob
from components.preprocess_job import PreprocessJob
from components.search_job import SearchJob
from components.training_job import TrainingJob
from components.workload_job import Ground, JobSpec, WorkloadJob
from stacks.sections import CommonConfig


def declare(config: CommonConfig, ground: Ground, opts: pulumi.ResourceOptions) -> dict[str, Any]:
    """Everything that runs; returns where each says how it went, by section and name."""
    if any(spec.launcher == "jobset" for spec in _specs(config)):
        # Pulumi's Helm module takes a quarter of a second to load, and few stacks need it.
        from components.jobset_controller import JobSetController

        ground = replace(ground, jobset=JobSetController("jobset", nodes=ground.services, opts=opts))
    benchmarks = {
        pool: BenchmarkJob(f"benchmark-{pool}", spec, ground=ground, pool=pool, opts=opts)
        for pool, spec in config.benchmark.items()
    }
    training = {
        name: TrainingJob(f"training-{name}", name, spec, ground=ground, opts=opts)
        for name, spec in config.training.items()
    }
    preprocess = {
        name: PreprocessJob(f"preprocess-{name}", name, spec, ground=ground, opts=opts)
        for name, spec in config.preprocess.items()
    }
    evaluation = {
        name: EvaluationJob(f"evaluation-{name}", name, spec, ground=ground, opts=opts)
        for name, spec in config.evaluation.items()
    }
    search = {
        name: SearchJob(f"search-{name}", name, spec, ground=ground, opts=opts) for name, spec in config.search.items()
    }
    further = {"training": training, "preprocess": preprocess, "search": search, "evaluation": evaluation}
    return {"benchmarks": _places(benchmarks)} | {name: _places(jobs) for name, jobs in further.items() if jobs}


def _specs(config: CommonConfig) -> Iterator[JobSpec]:
    """Of all jobs, whatever their section."""
    for _, section in config:
        if isinstance(section, Mapping):
            yield from (spec for spec in section.values() if isinstance(spec, JobSpec))


def _places(jobs: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {name: job.whereabouts for name, job in jobs.items() if isinstance(job, WorkloadJob)}
