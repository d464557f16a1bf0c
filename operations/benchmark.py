"""The verdict of `make up`: waits for the benchmark Jobs of a stack, reads their results, keeps them in the history.

The stack exports where a result lies (`{pool: {namespace, job, result}}`), not the result: the program makes no
look-ups. A Job on simulated nodes was scheduled, not measured; without a node that can run processes there is no
measurement; neither is ever shown as a pass.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations import history
from operations.stack import Stack
from sandbox.daemons import process_node_missing
from sandbox.kubernetes.nodegroups import POOL_LABEL
from sandbox.kubernetes.stages import SIMULATED_SELECTOR
from terminal import err
from training.bench import verdict as bench

if TYPE_CHECKING:
    from kubernetes import client as kube

TIMEOUT_S = 1200
"""How long to wait for one Job; the Job's own deadline normally ends it earlier."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one job on a pool, and the figures behind it."""

    subject: str
    """What is judged, such as "benchmark h100"."""
    pool: str
    of: bench.Verdict
    result: Mapping[str, Any] | None = None

    @property
    def word(self) -> str:
        return self.of.outcome.value

    @property
    def failed(self) -> bool:
        return self.of.failed

    @property
    def summary(self) -> str:
        """The reasons, or for a pass the best figures, on one line."""
        measured = [check.measured for check in self.of.checks if check.headline]
        return "; ".join(self.of.reasons or measured)

    @property
    def gates(self) -> list[bench.Check]:
        """The checks that hold a figure against what the catalog promises."""
        return [check for check in self.of.checks if check.required]


@dataclass(frozen=True)
class Place:
    """Where one Job and its result are, and how the result is judged."""

    subject: str
    pool: str
    namespace: str
    job: str
    result: str
    judge: Callable[[Mapping[str, Any] | None], bench.Verdict] = bench.judge

    def verdict(self, of: bench.Verdict, result: Mapping[str, Any] | None = None) -> Verdict:
        return Verdict(self.subject, self.pool, of, result)


class Cluster:
    """The few reads of the Kubernetes API that a verdict needs."""

    def __init__(self, kubeconfig: str | Mapping[str, Any]) -> None:
        from kubernetes import client, config

        document = json.loads(kubeconfig) if isinstance(kubeconfig, str) else dict(kubeconfig)
        api = config.new_client_from_config_dict(document)
        self.batch, self.core = client.BatchV1Api(api), client.CoreV1Api(api)

    def job(self, place: Place) -> kube.V1Job:
        return self.batch.read_namespaced_job(place.job, place.namespace)  # type: ignore[return-value]

    def pods(self, place: Place) -> list[kube.V1Pod]:
        found = self.core.list_namespaced_pod(
            place.namespace, label_selector=f"batch.kubernetes.io/job-name={place.job}"
        )
        return found.items  # type: ignore[union-attr]

    def nodes(self, selector: str) -> set[str]:
        return {node.metadata.name for node in self.core.list_node(label_selector=selector).items}  # type: ignore[union-attr]

    def result(self, place: Place) -> dict[str, Any] | None:
        """The document that the Job wrote, or None while there is none."""
        from kubernetes.client.exceptions import ApiException

        try:
            data = self.core.read_namespaced_config_map(place.result, place.namespace).data or {}  # type: ignore[union-attr]
        except ApiException as error:
            if error.status == 404:
                return None
            raise
        return json.loads(data["result.json"]) if "result.json" in data else None


def judge(stack: Stack, outputs: Mapping[str, Any]) -> list[Verdict]:
    """Wait for every benchmark of the stack and give the verdicts; new measurements go into the history.

    `outputs`: those of the stack.
    """
    exported: Mapping[str, Mapping[str, str]] = outputs.get("benchmarks") or {}
    if not exported:
        return []
    cluster = Cluster(outputs["cluster"]["kubeconfig"])
    verdicts = []
    for pool, where in sorted(exported.items()):
        place = Place(f"benchmark {pool}", pool, where["namespace"], where["job"], where["result"])
        verdicts.append(wait(cluster, place))
        remember(stack, place, verdicts[-1])
    return verdicts


def wait(
    cluster: Cluster, place: Place, *, timeout: float = TIMEOUT_S, pause: Callable[[float], None] = time.sleep
) -> Verdict:
    """Wait until the Job has ended or it is clear that it cannot, and judge it."""
    deadline = time.monotonic() + timeout
    with err().status(f"{place.subject}: waiting for job {place.job}"):
        while (verdict := look(cluster, place)) is None:
            if time.monotonic() > deadline:
                late = f"job {place.job} did not end within {timeout:.0f} s"
                return _fail(place, late, *waiting_reasons(cluster.pods(place)))
            pause(0.5)
    return verdict


def look(cluster: Cluster, place: Place) -> Verdict | None:
    """The verdict as things stand, or None while the Job still runs."""
    job, pods = cluster.job(place), cluster.pods(place)
    ranks = job.spec.completions or 1  # type: ignore[union-attr]
    nodes = {pod.spec.node_name for pod in pods if pod.spec.node_name}  # type: ignore[union-attr]
    placed = sum(bool(pod.spec.node_name) for pod in pods)  # type: ignore[union-attr]
    if placed >= ranks and nodes <= cluster.nodes(SIMULATED_SELECTOR):
        return place.verdict(bench.scheduled(placed, len(nodes)))
    conditions = {entry.type for entry in job.status.conditions or [] if entry.status == "True"}  # type: ignore[union-attr]
    if "Complete" in conditions:
        result = cluster.result(place)
        return place.verdict(place.judge(result), result)
    if "Failed" in conditions:
        result = cluster.result(place)
        judged = place.judge(result) if result else None
        if judged and judged.failed and judged.checks and not (result or {}).get("errors"):
            return place.verdict(judged, result)  # measured to the end, and found too slow or wrong
        reasons = judged.reasons if judged else ()
        return _fail(place, f"job {place.job} failed", *reasons, *waiting_reasons(pods), result=result)
    missing = no_image(pods) or (process_node_missing() if not cluster.nodes(f"{POOL_LABEL}={place.pool}") else None)
    return place.verdict(bench.not_measured(missing)) if missing else None


def no_image(pods: list[kube.V1Pod]) -> str | None:
    """The node's words when it has nothing to run a container with; it will not get better by waiting."""
    waiting = [state.waiting for pod in pods for _, state in container_states(pod) if state.waiting]
    return next((entry.message or entry.reason for entry in waiting if entry.reason == "ErrImageNeverPull"), None)


def container_states(pod: kube.V1Pod) -> list[tuple[str, kube.V1ContainerState]]:
    """Pod name and state of every container that has one."""
    statuses = pod.status.container_statuses or []  # type: ignore[union-attr]
    return [(pod.metadata.name, entry.state) for entry in statuses if entry.state]  # type: ignore[union-attr]


def _fail(place: Place, *reasons: str, result: Mapping[str, Any] | None = None) -> Verdict:
    return place.verdict(bench.Verdict(bench.Outcome.FAIL, reasons), result)


def waiting_reasons(pods: list[kube.V1Pod]) -> list[str]:
    """Why pods do not run or did not succeed, one line each, in the words of Kubernetes."""
    lines = []
    for pod in pods:
        name, status = pod.metadata.name, pod.status  # type: ignore[union-attr]
        held = [entry for entry in status.conditions or [] if entry.type == "PodScheduled" and entry.status != "True"]  # type: ignore[union-attr]
        lines += [f"{name}: {entry.message}" for entry in held if entry.message]
        for _, state in container_states(pod):
            if state.waiting and state.waiting.message:
                lines.append(f"{name}: {state.waiting.reason}: {state.waiting.message}")
            if state.terminated and state.terminated.exit_code:
                lines.append(f"{name}: ended with exit code {state.terminated.exit_code}")
    return lines


def remember(stack: Stack, place: Place, verdict: Verdict) -> None:
    """Store the verdict once per Job: a second `make up` looks at the same result."""
    known = {(entry.get("job"), entry.get("verdict")) for entry in history.entries(stack)}
    if (place.job, verdict.word) in known:
        return
    entry = {"subject": place.subject, "pool": place.pool, "job": place.job, "verdict": verdict.word}
    history.append(stack, {**entry, "summary": verdict.summary, "result": verdict.result})
