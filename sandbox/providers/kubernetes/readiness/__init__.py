"""Readiness: which check a kind has, how long it may take, and the loop that waits.

`progress` holds the types, `waiting` the loop, `custom` the waitFor annotation, the other modules the checks.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.readiness import basics, jobs, pods, services, workloads
from sandbox.providers.kubernetes.readiness.custom import wait_for
from sandbox.providers.kubernetes.readiness.progress import Check

MINUTE = 60.0
DEFAULT_SECONDS = 10 * MINUTE


@dataclass(frozen=True)
class Rule:
    """How a kind becomes ready. `read`: a refresh checks it as well, so that an object that broke is written again."""

    check: Check
    seconds: float = DEFAULT_SECONDS
    read: bool = False


_RULES = {
    ("apps", "DaemonSet"): Rule(workloads.daemon_set, read=True),
    ("apps", "Deployment"): Rule(workloads.deployment, read=True),
    ("apps", "StatefulSet"): Rule(workloads.stateful_set, read=True),
    ("batch", "Job"): Rule(jobs.job, read=True),
    ("", "Pod"): Rule(pods.pod, read=True),
    ("", "Service"): Rule(services.service, read=True),
    ("", "Namespace"): Rule(basics.namespace, MINUTE),
    ("", "PersistentVolume"): Rule(basics.persistent_volume, 5 * MINUTE),
    ("", "PersistentVolumeClaim"): Rule(basics.persistent_volume_claim, 5 * MINUTE),
    ("", "ReplicationController"): Rule(workloads.replication_controller),
    ("", "ResourceQuota"): Rule(basics.resource_quota, MINUTE),
    ("", "Secret"): Rule(basics.secret, MINUTE),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Rule(basics.definition, MINUTE),
}
"""By API group and kind; every other kind is ready as soon as the server took it. Times are the official defaults."""


def rule(inputs: Object) -> Rule | None:
    """The rule for an object by its kind and annotations; None when nothing is waited for. Raises ValueError for a
    waitFor annotation that cannot be understood.
    """
    if objects.marked(inputs, objects.SKIP_AWAIT):
        return None
    expression = objects.annotation(inputs, objects.WAIT_FOR)
    if expression:
        return Rule(wait_for(expression))
    return _RULES.get((objects.group(objects.api_version(inputs)), objects.kind(inputs)))


def seconds(inputs: Object, custom_timeout: float, default: float) -> float:
    """How long to wait: the option `customTimeouts`, else the annotation `pulumi.com/timeoutSeconds`, else the
    default.
    """
    if custom_timeout:
        return custom_timeout
    text = objects.annotation(inputs, objects.TIMEOUT_SECONDS)
    return float(text) if text.isdigit() else default
