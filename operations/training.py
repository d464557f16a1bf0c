"""The training runs of a stack, after its benchmarks: starts those that wait for their pool, judges drills.

A run whose stack file says `start: when-accepted` was created suspended; it is let go once the benchmark of its pool
has passed. Runs go on for days, so nobody waits for them here, but for drills: those are short, and have a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from operations import benchmark, engine
from operations.benchmark import Place, Verdict
from operations.stack import Stack
from terminal import err
from training.bench.verdict import Check, Outcome
from training.bench.verdict import Verdict as Judgement

ACCEPTED = (Outcome.PASS, Outcome.WARN)
JOBSET = ("jobset.x-k8s.io", "v1alpha2")


class Cluster(benchmark.Cluster):
    """What starting a run needs beside the reads of a verdict."""

    def __init__(self, kubeconfig: str | Mapping[str, Any]) -> None:
        super().__init__(kubeconfig)
        from kubernetes import client

        self.custom = client.CustomObjectsApi(self.batch.api_client)

    def start(self, place: Place, jobset: str | None) -> None:
        """Let a suspended Job, or the JobSet that owns it, go."""
        wanted = {"spec": {"suspend": False}}
        if jobset:
            self.custom.patch_namespaced_custom_object(*JOBSET, place.namespace, "jobsets", jobset, wanted)
        else:
            self.batch.patch_namespaced_job(place.job, place.namespace, wanted)


def follow(
    stack: Stack, outputs: Mapping[str, Any], benchmarks: Sequence[Verdict], missing: Mapping[str, str]
) -> list[Verdict]:
    """Start what may start; the verdicts of drills, which go into the history.

    `benchmarks`: the verdicts on the pools. `missing`: images that this machine cannot stand in for, and why.
    """
    exported: Mapping[str, Mapping[str, str]] = outputs.get("training") or {}
    if not exported:
        return []
    cluster = Cluster(outputs["cluster"]["kubeconfig"])
    accepted = {verdict.pool: verdict for verdict in benchmarks}
    verdicts = []
    for name, where in sorted(exported.items()):
        place = Place(f"training {name}", where["pool"], where["namespace"], where["job"], where["result"], judge)
        held_back = _start(stack, cluster, place, where, accepted.get(place.pool), missing)
        if where["drill"] != "true":
            err().print(f"{place.subject}: {held_back or 'under way'}", markup=False)
            continue
        verdicts.append(place.verdict(_not_measured(held_back)) if held_back else benchmark.wait(cluster, place))
        if not held_back:
            benchmark.remember(stack, place, verdicts[-1])
    return verdicts


def _start(
    stack: Stack,
    cluster: Cluster,
    place: Place,
    where: Mapping[str, str],
    pool: Verdict | None,
    missing: Mapping[str, str],
) -> str | None:
    """Let the run go if it still waits. Returns why it may not start."""
    job = cluster.job(place)
    if not job.spec.suspend or where["start"] != "when-accepted":  # type: ignore[union-attr]
        return None
    if pool is None or pool.of.outcome not in ACCEPTED:
        return f"not started: benchmark {place.pool} has not passed"
    image = str(job.spec.template.spec.containers[0].image)  # type: ignore[union-attr]
    if image in missing:
        return f"not started: {missing[image]}"
    cluster.start(place, where.get("jobset"))
    learn(stack, f"{place.namespace}/{where.get('jobset') or place.job}")
    return None


def learn(stack: Stack, identity: str) -> None:
    """Tell the state that an object is no longer suspended: else the next `pulumi refresh` would find a change."""
    resources = engine.export(stack)["deployment"]["resources"]
    targets = [
        word
        for one in resources
        if one.get("id") == identity and one["type"].startswith("kubernetes:")
        for word in ("--target", one["urn"])
    ]
    if targets:
        engine.read(stack, "refresh", "--yes", "--skip-preview", "--stack", stack.name, *targets)


def judge(result: Mapping[str, Any] | None) -> Judgement:
    """The verdict on a drill: a rank was killed, the run went on from its checkpoint and ended, its model answers."""
    drill = (result or {}).get("drill")
    if result is None or drill is None:
        return Judgement(Outcome.FAIL, ("the job ended without the result of a drill",))
    code, step = result.get("exit_code"), (result.get("last") or {}).get("step")
    if code == 0 and drill["killed_rank"] is None:
        return _not_measured("the run ended before a process could be killed; give it more steps")
    rank, killed, resumed = drill["killed_rank"], drill["after_step"], drill["resumed_from"]
    answer = drill.get("answer") or {}
    went_on = resumed is not None and killed is not None and resumed >= killed
    checks = (
        _check("killed", killed is not None, f"rank {rank} was killed after step {killed}", "nobody was"),
        _check("went on", went_on, f"the run went on from step {resumed}", "not from its checkpoint"),
        _check("ended", code == 0, f"ended at step {step}", f"it ended with exit code {code}"),
        _check("exported", bool(result.get("export")), "exported", "there is no exported model"),
        _check("answered", "answer" in answer, "its model answers", f"no answer: {answer.get('error', 'not asked')}"),
    )
    failed = tuple(f"{check.name}: {check.reason}" for check in checks if check.outcome is Outcome.FAIL)
    return Judgement(Outcome.FAIL if failed else Outcome.PASS, failed, checks)


def _not_measured(reason: str) -> Judgement:
    return Judgement(Outcome.NOT_MEASURED, (reason,))


def _check(name: str, ok: bool, measured: str, reason: str) -> Check:
    outcome = Outcome.PASS if ok else Outcome.FAIL
    return Check(name, outcome, measured if ok else "", "", "" if ok else reason, headline=ok)
