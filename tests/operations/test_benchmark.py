"""A verdict says what was measured, and never calls anything else a pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client as kube

from catalog import instances
from components import gates
from components.placement import Placement
from operations import benchmark, up
from operations.benchmark import Place, Verdict

PLACE = Place("benchmark bench", "bench", "benchmark-bench", "job-1", "job-1-result")
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


def cut_to_half() -> dict[str, Any]:
    """What two p5.48xlarge report whose pool lists 16 of their 32 interfaces; the stack expects the catalog's."""
    cut = Placement("h100", instances["p5.48xlarge"], 2, efa_interfaces=16)
    limits = gates.thresholds(cut, 2)
    expected = {one["of"]: one["expected"] for one in limits["checks"]}
    gpu = {"platform": "cuda", "local_devices": 8, "fabric_interfaces": int(cut.share()["vpc.amazonaws.com/efa"])}
    return {
        **RESULT,
        "schema_version": 2,
        "parts": ["allreduce", "gemm"],
        "ranks": [{**rank, **gpu} for rank in RESULT["ranks"]],
        "transport": {"name": "nccl over OFI (efa)"},
        "allreduce": [{**ROW, "bytes": 1 << 30, "busbw_gb_per_s": expected["allreduce"], "seconds": {"median": 0.1}}],
        "gemm": [{"rank": 0, "n": 8192, "dtype": "bfloat16", "tflop_per_s": expected["gemm"], "right": True}],
        "memory": [{"rank": 0, "operation": "copy", "gb_per_s": expected["memory"]}],
        "thresholds": limits,
    }


def test_a_pool_cut_to_half_its_interfaces_fails_its_gate_with_the_cause_to_look_at() -> None:
    """The program ends with exit code 3, so the Job is marked failed; the verdict is the gate's and not the Job's."""
    ended = {"terminated": kube.V1ContainerStateTerminated(exit_code=3)}
    verdict = look(Cluster("Failed", [pod("a", "node-0", **ended)], cut_to_half()))
    assert verdict is not None
    assert (verdict.word, verdict.failed) == ("FAIL", True)
    assert verdict.summary.startswith("EFA interfaces of a rank: 16 is 50% of the expected 32")
    failed = [check for check in verdict.gates if check.outcome == "FAIL"]
    assert "launch template" in failed[0].likely[0]


def test_a_failed_gate_ends_make_up_with_exit_code_3_after_its_verdict_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = SimpleNamespace(name="local", history=tmp_path / "history.jsonl", is_local=True)
    monkeypatch.setattr(benchmark, "Cluster", lambda _: Cluster("Failed", [], cut_to_half()))
    place = {"namespace": PLACE.namespace, "job": PLACE.job, "result": PLACE.result}
    outputs = {"cluster": {"kubeconfig": {}}, "benchmarks": {"h100": place}}
    verdicts = benchmark.judge(stack, outputs)  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as ended:
        up.conclude(stack, outputs, verdicts)  # type: ignore[arg-type]
    assert ended.value.code == 3
    shown = capsys.readouterr().out
    assert "EFA interfaces of a rank" in shown
    assert "look first at the pool's launch template" in " ".join(shown.split())
    (entry,) = [json.loads(line) for line in stack.history.read_text().splitlines()]
    assert (entry["pool"], entry["verdict"]) == ("h100", "FAIL")
    assert entry["at"] and "commit" in entry
    assert entry["result"]["thresholds"]["devices"] == 16
