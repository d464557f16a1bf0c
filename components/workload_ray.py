"""A job on a Ray cluster of its own, as KubeRay's RayJob: the pods of a workload are head and workers. Pure.

The operator starts Ray in the pods, hands the program to the head (HTTPMode: a submitter pod of its own would not meet
the namespace's pod security) and removes the cluster when it has ended. Fields: ray.io/v1, KubeRay 1.4.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Sequence
from typing import Any

RAY_API = "ray.io/v1"
DASHBOARD_PORT = 8265
OPERATOR = {"app.kubernetes.io/name": "kuberay-operator"}
"""Label of the operator's pods as its chart sets it."""
ASK_SECONDS = 600


def job_spec(
    template: dict[str, Any],
    command: Sequence[str],
    pods: int,
    *,
    retries: int,
    deadline_seconds: int | None,
    held: bool,
) -> dict[str, Any]:
    """`spec` of the RayJob: `pods` pods of the template, the first of them the head, which runs the command."""
    workers = {
        "groupName": "workers",
        "replicas": pods - 1,
        "minReplicas": pods - 1,
        "maxReplicas": pods - 1,
        "rayStartParams": {},
        "template": _of_ray(template),
    }
    return {
        "entrypoint": shlex.join(command),
        "submissionMode": "HTTPMode",
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": ASK_SECONDS,
        "backoffLimit": retries,
        **({"activeDeadlineSeconds": deadline_seconds} if deadline_seconds else {}),
        **({"suspend": True} if held else {}),
        "rayClusterSpec": {
            "headGroupSpec": {
                "rayStartParams": {"dashboard-host": "0.0.0.0"},  # noqa: S104 - the namespace lets the operator in alone
                "template": _of_ray(template),
            },
            **({"workerGroupSpecs": [workers]} if pods > 1 else {}),
        },
    }


def operator_ingress(labels: dict[str, str]) -> Any:
    """`spec` of a network policy that lets KubeRay's operator ask the head, wherever in the cluster it stands."""
    peer = {"namespaceSelector": {}, "podSelector": {"matchLabels": OPERATOR}}
    return {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [peer], "ports": [{"protocol": "TCP", "port": DASHBOARD_PORT}]}],
    }


def _of_ray(template: dict[str, Any]) -> dict[str, Any]:
    """The pod template as KubeRay wants it: no command (the operator's is `ray start`), no restart policy of a Job."""
    made = copy.deepcopy(template)
    made["spec"].pop("restartPolicy", None)
    for container in made["spec"]["containers"]:
        container.pop("command", None)
    return made
