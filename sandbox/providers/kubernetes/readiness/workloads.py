"""Controllers that keep pods running: Deployment, DaemonSet, StatefulSet, ReplicationController.

Follows deployment.go, daemonset.go (kstatus), statefulset.go and awaiters.go in provider/pkg/await of the official
provider. Unlike there, a Deployment whose own progress deadline has passed ends the wait at once, as `kubectl rollout
status` does.
"""

from __future__ import annotations

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object, condition, items, members, pluck
from sandbox.providers.kubernetes.readiness import pods
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings, number

REVISION = "deployment.kubernetes.io/revision"


def observed(live: Object) -> bool:
    """Whether the controller has seen the current generation; before that its status is about an older one."""
    return number(pluck(live, "status", "observedGeneration")) >= number(objects.metadata(live).get("generation"))


def deployment(live: Object, around: Surroundings) -> Progress:
    """Rolled out: the newest ReplicaSet has its pods ready, the Deployment is Available, the volume claims it names
    are bound.
    """
    revision = objects.annotation(live, REVISION)
    if not observed(live) or not revision:
        return Progress(False, "Waiting for the Deployment controller")
    sets = around.list("apps/v1", "ReplicaSet")
    current = next((s for s in sets if objects.owned_by(s, live) and objects.annotation(s, REVISION) == revision), {})
    wanted, ready = number(pluck(current, "spec", "replicas")), number(pluck(current, "status", "readyReplicas"))
    progressing, available = condition(live, "Progressing"), condition(live, "Available")
    rolled_out = revision == "1" or (
        progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    )
    live_pods = bool(current) and ready >= wanted
    unbound = _unbound_claims(live, around)
    if available.get("status") == "True" and live_pods and rolled_out and not unbound:
        return Progress(True)
    return Progress(
        False,
        f"Waiting for app ReplicaSet to be available ({ready}/{wanted} Pods available)",
        [
            *(_reason(one) for one in (progressing, available) if one.get("status") == "False"),
            *(_reason(one) for one in (condition(live, "ReplicaFailure"),) if one.get("status") == "True"),
            *([f"Failed to bind PersistentVolumeClaim(s): {', '.join(unbound)}"] if unbound else []),
            _shortfall(revision, available=available.get("status") == "True", rolled_out=rolled_out),
            *pods.all_problems(pods.owned(around, current) if current else []),
        ],
        failed=progressing.get("reason") == "ProgressDeadlineExceeded",
    )


def _shortfall(revision: str, *, available: bool, rolled_out: bool) -> str:
    if not available:
        return "Minimum number of live Pods was not attained"
    if revision == "1" or not rolled_out:
        return "Minimum number of Pods to consider the application live was not attained"
    return "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"


def _reason(one: Object) -> str:
    return f"[{one.get('reason')}] {one.get('message')}"


def _unbound_claims(live: Object, around: Surroundings) -> list[str]:
    volumes = items(pluck(live, "spec", "template", "spec", "volumes"))
    names = [pluck(volume, "persistentVolumeClaim", "claimName") for volume in volumes]
    found = [(name, around.find("v1", "PersistentVolumeClaim", name)) for name in names if name]
    return [name for name, claim in found if claim is not None and pluck(claim, "status", "phase") != "Bound"]


def daemon_set(live: Object, around: Surroundings) -> Progress:
    """One updated, available and ready pod on every node that should have one (kstatus rules)."""
    status = members(live.get("status"))
    if not observed(live) or "desiredNumberScheduled" not in status:
        return Progress(False, "Waiting for the DaemonSet controller")
    if pluck(live, "spec", "updateStrategy", "type") == "OnDelete":
        return Progress(True)
    wanted = number(status["desiredNumberScheduled"])
    for field, word in (
        ("currentNumberScheduled", "Current"),
        ("updatedNumberScheduled", "Updated"),
        ("numberAvailable", "Available"),
        ("numberReady", "Ready"),
    ):
        have = number(status.get(field))
        if have < wanted:
            text = f"{word}: {have}/{wanted}"
            return Progress(False, text, [text, *pods.all_problems(pods.owned(around, live))])
    return Progress(True)


def stateful_set(live: Object, around: Surroundings) -> Progress:
    """All replicas ready and at the newest revision (OnDelete updates: ready only)."""
    if not observed(live):
        return Progress(False, "Waiting for the StatefulSet controller")
    status = members(live.get("status"))
    wanted = number(pluck(live, "spec", "replicas"))
    total, ready, current = (number(status.get(f"{prefix}eplicas")) for prefix in ("r", "readyR", "currentR"))
    first = number(objects.metadata(live).get("generation")) <= 1
    revision, target = status.get("currentRevision"), status.get("updateRevision")
    if not first and pluck(live, "spec", "updateStrategy", "type") == "OnDelete":
        replicas_ready, revision_ready = wanted == total == ready, True
    else:
        replicas_ready, revision_ready = wanted == total == ready == current, bool(revision) and revision == target
    if replicas_ready and revision_ready:
        return Progress(True)
    have = ready if revision_ready else min(ready, number(status.get("updatedReplicas")))
    if first:
        text = f"[1/2] Waiting for StatefulSet to create Pods ({have}/{wanted} Pods ready)"
    elif not replicas_ready:
        text = f"[1/3] Waiting for StatefulSet update to roll out ({have}/{wanted} Pods ready)"
    else:
        text = "[2/3] Waiting for StatefulSet to update .status.currentRevision"
    lines = [] if replicas_ready else [f"{have} out of {wanted} replicas succeeded readiness checks"]
    if not revision_ready:
        lines.append(f'StatefulSet controller failed to advance from revision "{revision}" to revision "{target}"')
    return Progress(False, text, lines + pods.all_problems(pods.owned(around, live)))


def replication_controller(live: Object, _: Surroundings) -> Progress:
    """As many available replicas as wanted."""
    wanted, have = number(pluck(live, "spec", "replicas")), number(pluck(live, "status", "availableReplicas"))
    text = f"Waiting for replicas to be available ({have}/{wanted})"
    return Progress(observed(live) and have == wanted, text, [text])
