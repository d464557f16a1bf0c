"""Runs that wait for their pool are started when it is accepted and not before; a drill has a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client as kube

from operations import training
from operations.benchmark import Place, Verdict
from training.bench import verdict as bench

IMAGE = "registry/training:1"
WHERE = {
    "namespace": "training-tiny", "job": "training-tiny-1", "result": "training-tiny-1-result",
    "pool": "bench", "start": "when-accepted", "drill": "true",
}  # fmt: skip
DRILL: dict[str, Any] = {
    "exit_code": 0,
    "last": {"step": 200},
    "checkpoints": ["step-190", "step-200"],
    "export": ["model.safetensors"],
    "drill": {"killed_rank": 1, "after_step": 10, "resumed_from": 20, "answer": {"route": "/v1/x", "answer": "so"}},
}


class Cluster:
    """A Job that was created suspended and completes once it is let go."""

    def __init__(self, result: Any = DRILL, *, suspended: bool = True) -> None:
        self.suspended, self.started, self._result = suspended, [], result
        self.learned: list[str] = []

    def job(self, _: Place) -> kube.V1Job:
        container = kube.V1Container(name="main", image=IMAGE)
        template = kube.V1PodTemplateSpec(spec=kube.V1PodSpec(containers=[container]))
        done = [] if self.suspended else [kube.V1JobCondition(type="Complete", status="True")]
        return kube.V1Job(
            spec=kube.V1JobSpec(completions=2, suspend=self.suspended, template=template),
            status=kube.V1JobStatus(conditions=done),
        )

    def start(self, _: Place, jobset: str | None) -> None:
        self.started.append(jobset)
        self.suspended = False

    def pods(self, _: Place) -> list[kube.V1Pod]:
        return []

    def nodes(self, _: str) -> set[str]:
        return {"node-0"}

    def result(self, _: Place) -> Any:
        return self._result


def pool(outcome: bench.Outcome) -> list[Verdict]:
    return [Verdict("benchmark bench", "bench", bench.Verdict(outcome, ()))]


@pytest.fixture
def stack(tmp_path: Path) -> Any:
    return SimpleNamespace(name="local", history=tmp_path / "history.jsonl", is_local=True)


def follow(
    stack: Any,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    *,
    accepted: list[Verdict] | None = None,
    missing: dict[str, str] | None = None,
    where: dict[str, str] | None = None,
) -> list[Verdict]:
    monkeypatch.setattr(training, "Cluster", lambda _: cluster)
    monkeypatch.setattr(training, "learn", lambda _, identity: cluster.learned.append(identity))
    outputs = {"cluster": {"kubeconfig": {}}, "training": {"tiny": {**WHERE, **(where or {})}}}
    return training.follow(stack, outputs, pool(bench.Outcome.PASS) if accepted is None else accepted, missing or {})


def test_a_run_starts_once_its_pool_has_passed_and_its_drill_is_kept_in_the_history(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    (verdict,) = follow(stack, cluster, monkeypatch)
    assert cluster.started == [None]
    assert cluster.learned == ["training-tiny/training-tiny-1"], "the state knows, or a refresh would find a change"
    assert (verdict.subject, verdict.word) == ("training tiny", "PASS")
    assert "rank 1 was killed after step 10; the run went on from step 20; ended at step 200" in verdict.summary
    (entry,) = [json.loads(line) for line in stack.history.read_text().splitlines()]
    assert (entry["subject"], entry["verdict"], entry["result"]) == ("training tiny", "PASS", DRILL)


def test_a_second_look_starts_nothing_and_writes_nothing(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(suspended=False)
    for _ in range(2):
        (verdict,) = follow(stack, cluster, monkeypatch)
        assert verdict.word == "PASS"
    assert cluster.started == []
    assert len(stack.history.read_text().splitlines()) == 1


@pytest.mark.parametrize("outcome", [bench.Outcome.FAIL, bench.Outcome.NOT_MEASURED, bench.Outcome.SCHEDULED, None])
def test_a_run_does_not_start_on_a_pool_that_has_not_passed(
    stack: Any, monkeypatch: pytest.MonkeyPatch, outcome: bench.Outcome | None
) -> None:
    cluster = Cluster()
    (verdict,) = follow(stack, cluster, monkeypatch, accepted=pool(outcome) if outcome else [])
    assert cluster.started == []
    assert (verdict.word, verdict.failed) == ("not measured", False)
    assert verdict.summary == "not started: benchmark bench has not passed"


def test_a_run_whose_image_this_machine_lacks_waits_and_says_how_to_get_it(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster()
    (verdict,) = follow(stack, cluster, monkeypatch, missing={IMAGE: "PyTorch is not here; `make train` gets it"})
    assert cluster.started == []
    assert "`make train` gets it" in verdict.summary


def test_a_run_of_days_is_started_and_not_waited_for(
    stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster()
    assert follow(stack, cluster, monkeypatch, where={"drill": "false", "jobset": "training-tiny-1"}) == []
    assert cluster.started == ["training-tiny-1"]
    assert cluster.learned == ["training-tiny/training-tiny-1"]
    assert "training tiny: under way" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "word", "reason"),
    [
        ({"exit_code": 1}, "FAIL", "ended: it ended with exit code 1"),
        ({"export": []}, "FAIL", "there is no exported model"),
        ({"drill": {**DRILL["drill"], "resumed_from": None}}, "FAIL", "went on: not from its checkpoint"),
        ({"drill": {**DRILL["drill"], "resumed_from": 0}}, "FAIL", "went on: not from its checkpoint"),
        ({"drill": {**DRILL["drill"], "answer": {"error": "no room"}}}, "FAIL", "no answer: no room"),
        ({"drill": {**DRILL["drill"], "killed_rank": None}}, "not measured", "before a process could be killed"),
        ({"drill": None}, "FAIL", "without the result of a drill"),
    ],
)
def test_what_is_missing_in_a_drill_is_never_a_pass(change: dict[str, Any], word: str, reason: str) -> None:
    found = training.judge({**DRILL, **change})
    assert found.outcome == word
    assert reason in found.reasons[0]


def test_a_drill_whose_job_failed_says_what_it_got_to(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster({**DRILL, "exit_code": 1, "drill": {**DRILL["drill"], "answer": None}}, suspended=False)
    failed = kube.V1JobStatus(conditions=[kube.V1JobCondition(type="Failed", status="True")])
    job = cluster.job(Place("", "", "", "", ""))
    job.status = failed
    cluster.job = lambda _: job  # type: ignore[method-assign]
    (verdict,) = follow(stack, cluster, monkeypatch)
    assert verdict.failed
    assert "ended: it ended with exit code 1" in verdict.summary
