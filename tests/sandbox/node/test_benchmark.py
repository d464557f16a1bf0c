"""The acceptance benchmark as a Job on process nodes: what `make up` ends with, without the engine."""

from __future__ import annotations

import json

import pytest

from components import program
from sandbox import toolchain
from sandbox.node import images
from sandbox.node.api import Object, namespaced
from sandbox.settings import Settings
from tests.sandbox.emulated import eventually
from tests.sandbox.node.conftest import Namespace
from training.bench import verdict

pytestmark = pytest.mark.sandbox
IMAGE = "tests/benchmark:local"
RBAC = "apis/rbac.authorization.k8s.io/v1"
SMALL = {
    "BENCH_MEMORY_BYTES": "1MiB",
    "BENCH_FILE_BYTES": "1MiB",
    "BENCH_SIZES": "4KiB,1MiB",
    "BENCH_ORDERS": "64",
    "BENCH_REPETITIONS": "3",
    "MPLCONFIGDIR": "/tmp",
}


@pytest.fixture
def image(cloud: Settings) -> str:
    try:
        environment = toolchain.benchmark_environment(cloud)
    except toolchain.Unavailable as problem:
        pytest.skip(str(problem))
    images.register(images.table(cloud), IMAGE, images.of_virtual_environment(environment))
    return IMAGE


def rights(here: Namespace) -> None:
    """The default service account may write config maps in its namespace."""
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "update"]}
    here.create("roles", {"metadata": {"name": "writer"}, "rules": [rule]}, RBAC)
    here.create("rolebindings", {
        "metadata": {"name": "writer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "writer"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": here.name}],
    }, RBAC)  # fmt: skip


def container(image: str, **values: str) -> Object:
    """Locked down as a careful stack does it: no root, no capability, nothing to write to but /tmp."""
    values = {"WORLD_SIZE": "2", "MASTER_ADDR": "bench-0.bench", "MASTER_PORT": "29500", "RESULT_CONFIGMAP": "result",
              "HOME": "/tmp", "PYTHONPATH": "/program", **SMALL, **values}  # fmt: skip
    return {
        "image": image,
        "command": ["python", "-m", "training.bench"],
        "env": [{"name": name, "value": value} for name, value in values.items()],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "program", "mountPath": "/program"}, {"name": "tmp", "mountPath": "/tmp"}],
    }  # fmt: skip


def run(here: Namespace, image: str, **values: str) -> str:
    """Run the job to its end: Complete or Failed."""
    files = program.read("training.bench")
    here.create("configmaps", {"metadata": {"name": "program"}, "data": program.keys(files)})
    rights(here)
    here.job(
        "bench", "", 2,
        container=container(image, **values),
        nodeSelector={"dc/pool": "bench"},
        securityContext={"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
        volumes=[{"name": "program", "configMap": {"name": "program", "items": program.items(files)}},
                  {"name": "tmp", "emptyDir": {}}],
    )  # fmt: skip
    path = namespaced("jobs", here.name, "bench", "apis/batch/v1")

    def end() -> str:
        conditions = here.api.get(path).get("status", {}).get("conditions") or []
        return next((one["type"] for one in conditions if one["type"] in {"Complete", "Failed"}), "")

    return eventually(end, 600)


def result(here: Namespace) -> Object:
    return json.loads(here.api.get(namespaced("configmaps", here.name, "result"))["data"]["result.json"])


def test_two_ranks_measure_over_the_pods_network_and_the_verdict_is_a_pass(here: Namespace, image: str) -> None:
    assert run(here, image) == "Complete"
    found = result(here)
    assert verdict.judge(found).outcome is verdict.Outcome.PASS
    assert len({(rank["hostname"], rank["pid_namespace"]) for rank in found["ranks"]}) == 2
    assert found["transport"]["name"] == "gloo over TCP, eth0 (veth)"
    assert found["allreduce"][0]["busbw_gb_per_s"] > 0


def test_a_benchmark_that_cannot_finish_fails_with_a_result_that_says_why(here: Namespace, image: str) -> None:
    assert run(here, image, BENCH_REPETITIONS="1000000", BENCH_LIMIT_SECONDS="2") == "Failed"
    found = verdict.judge(result(here))
    assert found.failed
    assert "did not finish within 2 s" in found.reasons[0]
