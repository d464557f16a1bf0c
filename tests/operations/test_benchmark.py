"""A verdict says what was measured, and never calls anything else a pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client as kube

from operations import benchmark
from operations.benchmark import Place, Verdict

PLACE = Place("bench", "benchmark-bench", "job-1", "job-1-result")
RANK = {"rank": 0, "hostname": "h0", "pid": 1, "pid_namespace": "p", "boot_id": "b", "reported": True}
ROW = {"bytes": 1024, "devices": 2, "busbw_gb_per_s": 1.0, "wrong_sums": 0}
RESULT: dict[str, Any] = {
    "schema_version": 1,
    "measured": True,
    "world_size": 2,
    "parts": ["allreduce"],
    "ranks": [RANK, {**RANK, "rank": 1, "hostname": "h1"}],
    "allreduce": [ROW],
    "gemm": [],
    "errors": [],
}


def pod(name: str, node: str | None, **state: Any) -> kube.V1Pod:
    status = kube.V1ContainerStatus(
        name="main", image="i", image_id="", ready=False, restart_count=0, state=kube.V1ContainerState(**state)
    )
    held = [] if node else [kube.V1PodCondition(type="PodScheduled", status="False", message="0/4 nodes: no GPU")]
    return kube.V1Pod(
        metadata=kube.V1ObjectMeta(name=name),
        spec=kube.V1PodSpec(containers=[kube.V1Container(name="main")], node_name=node),
        status=kube.V1PodStatus(container_statuses=[status], conditions=held),
    )


class Cluster:
    """What the API would say."""

    def __init__(self, condition: str = "", pods: list[kube.V1Pod] | None = None, result: Any = None) -> None:
        self.condition, self._pods, self._result = condition, pods or [], result
        self.simulated: set[str] = set()
        self.pool: set[str] = {"node-0"}

    def job(self, place: Place) -> kube.V1Job:
        conditions = [kube.V1JobCondition(type=self.condition, status="True")] if self.condition else []
        return kube.V1Job(
            spec=kube.V1JobSpec(completions=2, template=kube.V1PodTemplateSpec()),
            status=kube.V1JobStatus(conditions=conditions),
        )

    def pods(self, place: Place) -> list[kube.V1Pod]:
        return self._pods

    def nodes(self, selector: str) -> set[str]:
        return self.simulated if selector == benchmark.SIMULATED_SELECTOR else self.pool

    def result(self, place: Place) -> Any:
        return self._result


def look(cluster: Cluster) -> Verdict | None:
    return benchmark.look(cluster, PLACE)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def capable_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "process_node_missing", lambda: None)


def test_a_measured_result_of_all_ranks_passes() -> None:
    verdict = look(Cluster("Complete", [pod("a", "node-0"), pod("b", "node-0")], RESULT))
    assert verdict is not None
    assert (verdict.word, verdict.failed) == ("PASS", False)
    assert "1 GB/s at best" in verdict.summary


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ranks": [RANK]}, "1 of 2 ranks reported"),
        ({"allreduce": [{**ROW, "wrong_sums": 3}]}, "3 sums are wrong"),
        ({"allreduce": [{**ROW, "busbw_gb_per_s": 0.0}]}, "bus bandwidth"),
        ({"ranks": [RANK, RANK]}, "2 ranks are 1 processes"),
        ({"errors": ["rank 1 died"]}, "rank 1 died"),
    ],
)
def test_anything_missing_or_wrong_fails(change: dict[str, Any], reason: str) -> None:
    verdict = look(Cluster("Complete", [], {**RESULT, **change}))
    assert verdict is not None
    assert verdict.failed
    assert reason in verdict.summary


def test_a_finished_job_without_a_result_fails() -> None:
    verdict = look(Cluster("Complete", []))
    assert verdict is not None
    assert verdict.failed


def test_a_failed_job_fails_with_the_reasons_of_its_pods() -> None:
    ended = {"terminated": kube.V1ContainerStateTerminated(exit_code=3)}
    verdict = look(Cluster("Failed", [pod("a", "node-0", **ended)], RESULT))
    assert verdict is not None
    assert verdict.failed
    assert "a: ended with exit code 3" in verdict.summary


def test_pods_on_simulated_nodes_are_scheduled_not_measured_even_when_their_job_completes() -> None:
    cluster = Cluster("Complete", [pod("a", "sim-0"), pod("b", "sim-1")])
    cluster.simulated = {"sim-0", "sim-1"}
    verdict = look(cluster)
    assert verdict is not None
    assert (verdict.word, verdict.failed) == ("scheduled, not measured", False)


def test_a_job_that_runs_is_waited_for() -> None:
    assert look(Cluster("", [pod("a", "node-0"), pod("b", None)])) is None


def test_a_machine_that_cannot_run_pods_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "process_node_missing", lambda: "pods as processes need root")
    cluster = Cluster("", [pod("a", None)])
    cluster.pool = set()
    verdict = look(cluster)
    assert verdict is not None
    assert (verdict.word, verdict.failed) == ("not measured", False)
    assert "need root" in verdict.summary


def test_a_missing_environment_is_not_measured() -> None:
    waiting = {"waiting": kube.V1ContainerStateWaiting(reason="ErrImageNeverPull", message="no such image here")}
    verdict = look(Cluster("", [pod("a", "node-0", **waiting)]))
    assert verdict is not None
    assert (verdict.word, verdict.summary) == ("not measured", "no such image here")


def test_waiting_ends_with_the_schedulers_reasons() -> None:
    cluster = Cluster("", [pod("a", None)])
    ticks: Iterator[float] = iter(range(1000))
    verdict = benchmark.wait(cluster, PLACE, timeout=0, pause=lambda _: next(ticks) and None)  # type: ignore[arg-type]
    assert verdict.failed
    assert "a: 0/4 nodes: no GPU" in verdict.summary
