"""The node part of the Lustre CSI driver: mounts static volumes. No controller, no AWS rights.

Its main container must be privileged: mounts it makes have to appear in other pods. Everything else is held small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.storage.v1 import CSIDriver

from catalog import releases
from components import tags
from components.cluster_account import ClusterAccount
from components.daemon import NAMESPACE, Daemon, make, resources
from components.file_system_volume import DRIVER
from components.placement import FILE_SYSTEM_LABEL, Placement
from components.site import Site

ACCOUNT = "fsx-csi-node"
SOCKET = "/csi/csi.sock"
PLUGIN_FOLDER = f"/var/lib/kubelet/plugins/{DRIVER}/"
HEALTH_PORT = 9810
RULES: Sequence[Mapping[str, Any]] = (
    # The driver takes its start-up taint off its node and reads which pod asked for a mount.
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["persistentvolumes", "persistentvolumeclaims"], "verbs": ["get"]},
)
SIDECAR = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def daemon(region: str) -> Daemon:
    """The driver and its two sidecars."""
    image = lambda name: releases[name].image_in(region)  # noqa: E731 - shorter than three calls
    node_name = {"name": "CSI_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    socket_folder = {"name": "plugin", "mountPath": "/csi"}
    driver = {
        "name": "driver",
        "image": image("aws-fsx-csi-driver"),
        "args": ["--mode=node", f"--endpoint=unix:{SOCKET}", "--logging-format=text", "--v=2"],
        "env": [node_name, {"name": "AWS_REGION", "value": region}],
        "securityContext": {"privileged": True},
        "ports": [{"name": "healthz", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "healthz"},
            "initialDelaySeconds": 10,
            "timeoutSeconds": 3,
            "periodSeconds": 2,
            "failureThreshold": 5,
        },
        # While its node is drained it stays until the last pod with a volume is gone: who else would unmount?
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/aws-fsx-csi-driver", "pre-stop-hook"]}}},
        "resources": resources("10m", "40Mi", "256Mi"),
        "volumeMounts": [
            {"name": "kubelet", "mountPath": "/var/lib/kubelet", "mountPropagation": "Bidirectional"},
            socket_folder,
        ],
    }
    registrar = {
        "name": "registrar",
        "image": image("csi-node-driver-registrar"),
        "args": [f"--csi-address={SOCKET}", f"--kubelet-registration-path={PLUGIN_FOLDER}csi.sock", "--v=2"],
        "securityContext": SIDECAR,
        "resources": resources("10m", "32Mi", "128Mi"),
        "volumeMounts": [socket_folder, {"name": "registration", "mountPath": "/registration"}],
    }
    health = {
        "name": "health",
        "image": image("csi-liveness-probe"),
        "args": [f"--csi-address={SOCKET}", f"--health-port={HEALTH_PORT}"],
        "securityContext": SIDECAR,
        "resources": resources("10m", "32Mi", "128Mi"),
        "volumeMounts": [socket_folder],
    }
    return Daemon(
        "fsx-csi-node",
        {FILE_SYSTEM_LABEL: "true"},
        [driver, registrar, health],
        {
            "kubelet": ("/var/lib/kubelet", "Directory"),
            "registration": ("/var/lib/kubelet/plugins_registry/", "Directory"),
            "plugin": (PLUGIN_FOLDER, "DirectoryOrCreate"),
        },
        service_account=ACCOUNT,
    )


class LustreDriver(pulumi.ComponentResource):
    """Makes Lustre volumes mountable on the nodes of some pools."""

    def __init__(
        self,
        name: str,
        placements: Sequence[Placement],
        *,
        site: Site,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:lustre_driver:LustreDriver", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = ClusterAccount(name, ACCOUNT, RULES, site=site, namespace=NAMESPACE, opts=child)
        CSIDriver(
            f"{name}-driver",
            metadata={"name": DRIVER, "labels": tags.labels(site, "device-plugins")},
            # The root of a new file system belongs to root: jobs, which do not, get it by their group. The project's
            # own policy leaves volumes that many nodes write alone. The first mount walks what is there; later ones
            # find the root right and walk nothing (`fsGroupChangePolicy` of the jobs).
            spec={"attach_required": False, "fs_group_policy": "File"},
            opts=child,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[account])
        make(name, daemon(site.region), site=site, placements=placements, opts=after)
        self.register_outputs({})
