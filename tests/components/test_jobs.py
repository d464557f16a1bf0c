"""Training, preparation and evaluation as plain data: what the stack file says is what the pods run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from catalog import instances
from components.benchmark_job import BenchmarkSpec, benchmark
from components.evaluation_job import EvaluationSpec, evaluation
from components.placement import Placement, Taint
from components.preprocess_job import PreprocessSpec, preparation
from components.site import Site, SiteSpec
from components.spec import Spec
from components.training_job import TrainingSpec, training
from components.workload_job import Ground
from stacks import config
from terminal import InvalidInput
from training.launch import Place, command

SITE = Site(
    SiteSpec(name="t", environment="sandbox", owner="o", cost_center="c"), account="123456789012", region="us-east-1"
)
GROUND = Ground(
    SITE,
    {
        "h200": Placement("h200", instances["p5en.48xlarge"], 4, 16, Taint("nvidia.com/gpu", "present")),
        "cpu": Placement("cpu", instances["c7i.2xlarge"], 2),
    },
    api_cidrs=["10.0.0.0/16"],
)
IMAGE = "registry/training:1"
S = TypeVar("S", bound=Spec)


def made(kind: type[S], **fields: Any) -> S:
    """As from a stack file: what is left out has its default."""
    return kind.model_validate(fields)


def words(job: Any) -> str:
    return " ".join(job.command)


def test_a_training_run_names_its_preset_folder_and_settings() -> None:
    spec = made(
        TrainingSpec, pool="h200", preset="bloom-560m", image=IMAGE, steps=100, data="data/wiki", checkpoint_steps=20,
        settings={"optimizer.lr": 0.0001, "compile": True},
    )  # fmt: skip
    job = training("bloom", spec, GROUND)
    assert (job.ranks, job.environment["LAUNCH_PROCESSES"]) == (4, "8")
    assert "training.train --preset bloom-560m --output /volume/checkpoints/bloom --resume auto --steps 100" in words(
        job
    )
    assert "--data /volume/data/wiki" in words(job)
    for setting in ("checkpoint.every=20", "compile=true", "optimizer.lr=0.0001", "telemetry.peak_tflops=989"):
        assert f"--set {setting}" in words(job), "the peak is what MFU is a share of"
    assert "training/launch.py" in job.program
    assert "training/train/loop.py" in job.program


def test_its_pods_meet_under_torchrun_with_all_accelerators() -> None:
    job = training("bloom", made(TrainingSpec, pool="h200", preset="bloom-560m", image=IMAGE), GROUND)
    (container,) = job.job_spec()["template"]["spec"]["containers"]
    env = {one["name"]: one.get("value", "") for one in container["env"]} | {"JOB_COMPLETION_INDEX": "2"}
    place = Place.of(env)
    assert place.own_name == f"{job.job}-2.training-bloom"
    assert "--nnodes=4" in command(place, ["training.train"], 3, 60, alone=False)


def test_without_resume_a_run_begins_anew() -> None:
    job = training("x", made(TrainingSpec, pool="cpu", preset="mnist-mlp", image=IMAGE, resume=False), GROUND)
    assert "--resume never" in words(job)


def test_a_preparation_divides_its_files_among_its_pods() -> None:
    spec = made(
        PreprocessSpec,
        pool="cpu",
        image=IMAGE,
        sources=("raw/wiki",),
        output="data/wiki",
        settings={"tokenizer": "bpe:32000"},
    )
    job = preparation("wiki", spec, GROUND)
    assert job.ranks == 2
    wanted = (
        "training.data prepare /volume/raw/wiki --output /volume/data/wiki --kind tokens --of 2 --tokenizer bpe:32000"
    )
    assert wanted in words(job)


def test_an_evaluation_takes_up_the_checkpoints_of_its_run_and_trains_no_step() -> None:
    job = evaluation("x", made(EvaluationSpec, pool="cpu", image=IMAGE, run_name="bloom", preset="bloom-560m"), GROUND)
    assert "--steps 1" in words(job)
    assert "--resume /volume/checkpoints/bloom/checkpoints" in words(job)
    assert "--set export=false" in words(job)


def test_a_benchmark_carries_its_thresholds_and_reaches_the_size_they_need() -> None:
    job = benchmark(made(BenchmarkSpec, image=IMAGE), GROUND, "h200")
    assert '"instance_type": "p5en.48xlarge"' in job.program["thresholds.json"]
    assert job.environment["BENCH_THRESHOLDS"] == "/program/thresholds.json"
    assert int(job.environment["BENCH_LARGEST"]) >= 1 << 30
    assert 3 in job.fail_on, "measuring again makes no machine faster"
    assert "--cpu" not in job.command


def test_parts_can_be_chosen() -> None:
    job = benchmark(made(BenchmarkSpec, image=IMAGE, parts=("gemm", "memory")), GROUND, "cpu")
    assert list(job.command) == ["python", "-m", "training.bench", "gemm", "memory", "--cpu"]


def stack(**sections: Any) -> list[str]:
    """Problems of the local stack with these sections."""
    path = Path(config.FOLDER) / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    found = config.named(document) | sections
    try:
        config.parse(found)
    except InvalidInput as error:
        return list(error.problems)
    return []


RUN = {"pool": "h100", "image": IMAGE, "preset": "bloom-560m"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pool": "h900"}, "`training[x].pool`: h900 is no pool (bench, general, h100). Correct it or add one."),
        ({"ranks": 6}, "`training[x].ranks`: 6 ranks on 2 nodes of p5.48xlarge do not divide a node's devices evenly."),
        ({"pool": "bench", "ranks": 2}, "`training[x].pool`: a checkpoint that all pods write lies on the file system"),
        ({"settings": {"steps": 3}}, "`training[x].settings[steps]`: steps has a key of its own. Write steps instead."),
    ],
)
def test_a_job_that_cannot_run_is_refused_before_anything_is_made(change: dict[str, Any], says: str) -> None:
    found = stack(training={"x": RUN | change})
    assert len(found) == 1
    assert says in found[0]


def test_a_job_that_can_run_is_taken() -> None:
    assert stack(training={"x": RUN}, evaluation={"x": RUN | {"run": "x"}}) == []
