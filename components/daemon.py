"""One pod on every node of some pools: a DaemonSet as plain data. Pure but for the component at the end.

Nodes are chosen by the labels that pools give them, so that a daemon never lands on a node it has no business with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import DaemonSet

from components import tags
from components.placement import Placement
from components.site import Site

NAMESPACE = "kube-system"
"""Where drivers live: they need the host's folders, which other namespaces forbid."""
PRIORITY = "system-node-critical"
DROP_ALL = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""Root without any capability: device plugins must write to the kubelet's folder, which belongs to root."""


@dataclass(frozen=True)
class Daemon:
    """What runs on the nodes."""

    name: str
    node_labels: Mapping[str, str]
    containers: Sequence[Mapping[str, Any]]
    host_paths: Mapping[str, tuple[str, str]]
    """Volume name -> (path on the node, hostPath type)."""
    host_network: bool = False
    service_account: str | None = None
    """None: the pod gets no token at all."""
    annotations: Mapping[str, str] = field(default_factory=dict)


def spec(daemon: Daemon, labels: Mapping[str, str], placements: Sequence[Placement]) -> dict[str, Any]:
    """The `spec` of the DaemonSet. It tolerates the taints of `placements` and no others."""
    selector = {"app.kubernetes.io/name": daemon.name}
    keys = sorted({placement.taint.key for placement in placements if placement.taint})
    account = {"serviceAccountName": daemon.service_account} if daemon.service_account else {}
    return {
        "selector": {"matchLabels": selector},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "template": {
            "metadata": {"labels": {**labels, **selector}},
            "spec": {
                "automountServiceAccountToken": daemon.service_account is not None,
                **account,
                "hostNetwork": daemon.host_network,
                "priorityClassName": PRIORITY,
                "nodeSelector": dict(daemon.node_labels),
                "tolerations": [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in keys],
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [dict(container) for container in daemon.containers],
                "volumes": [
                    {"name": name, "hostPath": {"path": path, "type": kind}}
                    for name, (path, kind) in daemon.host_paths.items()
                ],
            },
        },
    }


def resources(cpu: str, memory: str, limit: str) -> dict[str, Any]:
    """A small request and a memory limit: a driver that is throttled or killed takes its node down with it."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}


def make(
    name: str,
    daemon: Daemon,
    *,
    site: Site,
    placements: Sequence[Placement],
    opts: pulumi.ResourceOptions,
) -> DaemonSet:
    """The DaemonSet of a daemon, as a child of whoever asks."""
    labels = tags.labels(site, "device-plugins")
    return DaemonSet(
        f"{name}-{daemon.name}",
        metadata={"name": daemon.name, "namespace": NAMESPACE, "labels": labels},
        spec=spec(daemon, labels, placements),  # type: ignore[arg-type] - plain data in the API's own words
        opts=opts,
    )
