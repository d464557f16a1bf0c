"""Training, preparation and evaluation as plain data: what the stack file says is what the pods run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import yaml

from catalog import instances
from components.benchmark_job import BenchmarkSpec, benchmark
from components.evaluation_job import EvaluationSpec, evaluation
from components.placement import Placement, Taint
from components.preprocess_job import PreprocessSpec, preparation
from components.search_job import SearchSpec, search
from components.site import Site, SiteSpec
from components.spec import Spec
from components.training_job import TrainingSpec, training
from components.workload_job import Ground
from stacks import config
from terminal import InvalidInput
from tests.stacks.support import changed, plan_of
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


def test_a_drill_has_a_folder_of_its_own_and_brings_the_server() -> None:
    fields = {"pool": "cpu", "preset": "mnist-mlp-tiny", "image": IMAGE, "drill": True, "checkpoint_steps": 5}
    job = training("x", made(TrainingSpec, **fields, start="when-accepted"), GROUND)
    folder = "/volume/drills/$(RESULT_CONFIGMAP)"
    assert f"--output {folder}" in words(job)
    assert f"--result {folder} --drill -- training.train" in words(job)
    assert {"training/drill.py", "training/serve/app.py"} <= set(job.program)
    assert job.job_spec()["suspend"] is True
    assert sum(len(text.encode()) for text in job.program.values()) < 1_000_000


def test_prometheus_finds_the_figures_of_every_process_of_a_pod() -> None:
    fields = {"pool": "h200", "preset": "bloom-560m", "image": IMAGE, "metrics_port": 9400}
    job = training("x", made(TrainingSpec, **fields), GROUND)
    assert "--set telemetry.prometheus_port=9400" in words(job)
    template = job.job_spec()["template"]
    assert template["metadata"]["annotations"] == {"prometheus.io/scrape": "true", "prometheus.io/port": "9400"}
    (container,) = template["spec"]["containers"]
    assert [one["containerPort"] for one in container["ports"]] == list(range(9400, 9408))
    (rule,) = job.scraping()["ingress"]
    assert [one["port"] for one in rule["ports"]] == list(range(9400, 9408))
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"dc/monitoring": "true"}}}]


def test_a_run_has_time_to_save_before_it_is_killed_and_torchrun_waits_for_it() -> None:
    fields = {"pool": "h200", "preset": "bloom-560m", "image": IMAGE, "grace_seconds": 300}
    job = training("x", made(TrainingSpec, **fields), GROUND)
    assert job.job_spec()["template"]["spec"]["terminationGracePeriodSeconds"] == 300
    assert job.environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] == "290"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"drill": True}, "drill"),
        ({"drill": True, "checkpoint-steps": 5, "resume": False}, "drill"),
        ({"start": "when-accepted", "launcher": "kueue", "queue": "q"}, "start"),
        ({"pool": "general", "start": "when-accepted"}, "start"),
    ],
)
def test_a_drill_needs_a_checkpoint_and_a_run_that_waits_needs_somebody_who_lets_it_go(
    fields: dict[str, Any], key: str
) -> None:
    run = {"pool": "bench", "preset": "mnist-mlp", "image": IMAGE, **fields}
    (problem,) = stack(training={"tiny": run})
    assert problem.startswith(f"`training[tiny].{key}`")


def test_a_search_is_a_job_array_whose_trials_do_not_meet_and_share_a_study() -> None:
    space = {"optimizer.lr": "1e-5..1e-3:log", "batch.micro": "8,16"}
    spec = made(SearchSpec, pool="cpu", image=IMAGE, preset="mnist-mlp", trials=12, space=space, steps=50)
    job = search("x", spec, GROUND)
    found = job.job_spec()
    assert (found["completions"], found["parallelism"]) == (12, 2), "as many at a time as there are nodes"
    assert words(job).startswith("env -u WORLD_SIZE -u MASTER_ADDR -u MASTER_PORT python -m training.launch --each")
    assert "--output /volume/searches/x" in words(job)
    assert "--space batch.micro=8,16 --space optimizer.lr=1e-5..1e-3:log" in words(job)
    assert "training/search/trials.py" in job.program


def test_a_search_that_cannot_be_is_refused() -> None:
    given = {
        "pool": "bench",
        "image": IMAGE,
        "preset": "mnist-mlp",
        "trials": 3,
        "space": {"optimizer.lr": "1e-3,1e-2"},
    }
    twice, together = (
        stack(search={"x": {**given, **more}}) for more in ({"settings": {"optimizer.lr": 1}}, {"launcher": "jobset"})
    )
    assert twice == [
        "`search[x].settings[optimizer.lr]`: optimizer.lr is varied by space. Take it out of one of the two."
    ]
    assert together[0].startswith("`search[x].launcher`: jobset starts all pods anew")


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


def test_a_preparation_that_outgrows_a_node_runs_on_a_ray_cluster_of_its_own() -> None:
    fields = {"pool": "cpu", "image": IMAGE, "sources": ("raw/wiki",), "output": "data/wiki", "launcher": "ray"}
    job = preparation("wiki", made(PreprocessSpec, **fields), GROUND)
    spec = job.ray_spec()
    assert "training.data prepare /volume/raw/wiki" in spec["entrypoint"]
    assert spec["entrypoint"].endswith("--ray")
    assert spec["entrypoint"].startswith("env -u WORLD_SIZE -u MASTER_ADDR"), "its pods have other names"
    head, (workers,) = spec["rayClusterSpec"]["headGroupSpec"], spec["rayClusterSpec"]["workerGroupSpecs"]
    assert workers["replicas"] == 1
    for template in (head["template"], workers["template"]):
        (container,) = template["spec"]["containers"]
        assert "command" not in container, "the operator starts Ray"
        assert container["resources"]["limits"] == job.share
        assert "restartPolicy" not in template["spec"]
    assert spec["submissionMode"] == "HTTPMode"


def test_ray_lets_its_operator_ask_the_head_and_nobody_else() -> None:
    fields = {"pool": "general", "image": IMAGE, "sources": ["raw"], "output": "data/x", "launcher": "ray"}
    plan = plan_of(changed({"system-pools/general/mount-file-system": True, "preprocess": {"wiki": fields}}))
    assert [one.inputs["kind"] for one in plan if one.type == "kubernetes:ray.io/v1:RayJob"] == ["RayJob"]
    policies = {
        one.inputs["metadata"]["name"]: one for one in plan.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    }
    (rule,) = policies["ray-operator"].inputs["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8265}]
    assert rule["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "kuberay-operator"}


def test_only_preparations_run_on_ray() -> None:
    (problem,) = stack(training={"x": RUN | {"launcher": "ray"}})
    assert problem.startswith("`training[x].launcher`: ray runs preparations of data only.")


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


@pytest.mark.parametrize("machine", sorted(name for name, one in instances.items() if one.accelerator))
def test_no_message_of_a_benchmark_is_more_than_its_devices_hold(machine: str) -> None:
    """torch holds a message once, JAX twice; what the thresholds need comes first."""
    ground = dataclasses.replace(GROUND, placements={"p": Placement("p", instances[machine], 2)})
    job = benchmark(made(BenchmarkSpec, image=IMAGE), ground, "p")
    accelerator = instances[machine].accelerator
    if accelerator and accelerator.memory_gib:
        assert int(job.environment["BENCH_LARGEST"]) * 2 <= accelerator.memory_gib * (1 << 30)


def test_the_files_of_a_benchmark_can_be_written_in_its_time() -> None:
    place = dataclasses.replace(GROUND.placements["h200"], mounts_file_system=True)
    source: Any = SimpleNamespace(capacity_gib=1200, mb_s_per_tib=125, efa=False, csi={})
    ground = dataclasses.replace(GROUND, placements={"p": place}, file_system=source)
    job = benchmark(made(BenchmarkSpec, image=IMAGE), ground, "p")
    seconds = 32 * int(job.environment["BENCH_FILE_BYTES"]) / (1200 / 1024 * 0.125e9)
    assert seconds < 120, "32 GPUs write at 0.15 GB/s together"


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
        (
            {"pool": "general", "ranks": 2},
            "`training[x].pool`: a checkpoint that all pods write lies on",
        ),
        ({"settings": {"steps": 3}}, "`training[x].settings[steps]`: steps has a key of its own. Write steps instead."),
    ],
)
def test_a_job_that_cannot_run_is_refused_before_anything_is_made(change: dict[str, Any], says: str) -> None:
    found = stack(training={"x": RUN | change})
    assert len(found) == 1
    assert says in found[0]


def test_a_job_that_can_run_is_taken() -> None:
    assert stack(training={"x": RUN}, evaluation={"x": RUN | {"run": "x"}}) == []
