"""What makes accelerators, fabric and file system usable by pods: drivers that the AL2023 images do not bring.

Holds the device plugins of NVIDIA, Neuron and EFA and the node part of the Lustre CSI driver, each only where a pool
needs it. Kernel drivers and container runtimes are in the images; controllers for volumes made on demand are left out.
Manifests follow the projects' own (NVIDIA/k8s-device-plugin deployments/static; aws-neuron/neuron-helm-charts;
aws/eks-charts stable/aws-efa-k8s-device-plugin; kubernetes-sigs/aws-fsx-csi-driver charts). Known differences: the EFA
plugin is privileged beside Neuron only, where it reads the devices' topology (aws/eks-charts#1245; theirs always is);
the Lustre driver hands volumes to the pods' group (`lustre_driver`) and does not tolerate its own start-up taint, which
no pool sets; every daemon tolerates the taints of the pools that need it and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

from catalog import releases
from components import lustre_driver
from components.accelerator_pool import EFA_LABEL, VENDOR_LABEL
from components.cluster_account import ClusterAccount
from components.daemon import DROP_ALL, NAMESPACE, Daemon, make, resources
from components.lustre_driver import LustreDriver
from components.placement import Placement
from components.site import Site

KUBELET_PLUGINS = {"plugins": ("/var/lib/kubelet/device-plugins", "Directory")}
PLUGIN_MOUNT = {"name": "plugins", "mountPath": "/var/lib/kubelet/device-plugins"}


def nvidia(region: str) -> Daemon:
    """Offers `nvidia.com/gpu`."""
    container = {
        "name": "plugin",
        "image": releases["nvidia-device-plugin"].image_in(region),
        "env": [
            {"name": "FAIL_ON_INIT_ERROR", "value": "true"},
            # Some releases hand every RDMA device to every GPU pod unless told not to; EFA is another plugin's.
            {"name": "MOFED_ENABLED", "value": "false"},
        ],
        "securityContext": DROP_ALL,
        "resources": resources("10m", "64Mi", "256Mi"),
        "volumeMounts": [PLUGIN_MOUNT],
    }
    return Daemon("nvidia-device-plugin", {VENDOR_LABEL: "nvidia"}, [container], KUBELET_PLUGINS)


def neuron(region: str) -> Daemon:
    """Offers `aws.amazon.com/neuron`."""
    container = {
        "name": "plugin",
        "image": releases["neuron-device-plugin"].image_in(region),
        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "securityContext": DROP_ALL,
        "resources": resources("10m", "64Mi", "256Mi"),
        "volumeMounts": [
            PLUGIN_MOUNT,
            {"name": "run", "mountPath": "/run"},
            {"name": "aws", "mountPath": "/opt/aws", "readOnly": True},
        ],
    }
    paths = {**KUBELET_PLUGINS, "run": ("/run", "Directory"), "aws": ("/opt/aws", "DirectoryOrCreate")}
    name = "neuron-device-plugin"
    return Daemon(name, {VENDOR_LABEL: "aws"}, [container], paths, service_account=name)


def fabric(region: str) -> Daemon:
    """Offers `vpc.amazonaws.com/efa` on nodes with GPUs."""
    return _fabric(region, "efa-device-plugin", "nvidia", DROP_ALL)


def neuron_fabric(region: str) -> Daemon:
    """Offers `vpc.amazonaws.com/efa` on Neuron nodes, where it hands out interfaces by their distance to the devices:
    without privileges it cannot read where these are, and does not start (aws/eks-charts#1245)."""
    return _fabric(region, "efa-device-plugin-privileged", "aws", {"privileged": True})


def _fabric(region: str, name: str, vendor: str, security: Mapping[str, Any]) -> Daemon:
    container = {
        "name": "plugin",
        "image": releases["efa-device-plugin"].image_in(region),
        "securityContext": dict(security),
        "resources": resources("10m", "20Mi", "128Mi"),
        "volumeMounts": [
            PLUGIN_MOUNT,
            {"name": "infiniband", "mountPath": "/dev/infiniband/"},
            {"name": "neuron-tools", "mountPath": "/opt/aws/neuron/"},
        ],
    }
    paths = {
        **KUBELET_PLUGINS,
        "infiniband": ("/dev/infiniband/", "Directory"),
        "neuron-tools": ("/opt/aws/neuron/", "DirectoryOrCreate"),
    }
    # It asks the metadata service which interfaces the node has, with the node's own hop count.
    labels = {EFA_LABEL: "true", VENDOR_LABEL: vendor}
    return Daemon(name, labels, [container], paths, host_network=True)


NEURON_RULES: Sequence[Mapping[str, Any]] = (
    # It notes on pods which devices they got and reports sick ones on its node.
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch", "update"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch", "update"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    # As in its chart (neuron-helm-charts@7324cd0): the kubelet's own view of the node.
    {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get", "list"]},
)

PLUGINS: Sequence[tuple[Callable[[Placement], bool], Callable[[str], Daemon]]] = (
    (lambda placement: placement.vendor == "nvidia", nvidia),
    (lambda placement: placement.vendor == "aws", neuron),
    (lambda placement: placement.efa_interfaces > 0 and placement.vendor == "nvidia", fabric),
    (lambda placement: placement.efa_interfaces > 0 and placement.vendor == "aws", neuron_fabric),
)
"""Which pools need which plugin."""


def images_of(placements: Sequence[Placement], region: str, *, file_system: bool) -> list[str]:
    """The images of every driver that pools need."""
    daemons = [make_one(region) for needs, make_one in PLUGINS if any(map(needs, placements))]
    if file_system and any(placement.mounts_file_system for placement in placements):
        daemons.append(lustre_driver.daemon(region))
    return [str(container["image"]) for daemon in daemons for container in daemon.containers]


class DevicePlugins(pulumi.ComponentResource):
    """Every driver that the given pools need, and no other."""

    def __init__(
        self,
        name: str,
        placements: Sequence[Placement],
        *,
        site: Site,
        file_system: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`file_system`: whether the stack has one that pools may mount."""
        super().__init__("aidc:device_plugins:DevicePlugins", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for needs, daemon in PLUGINS:
            users = [placement for placement in placements if needs(placement)]
            if not users:
                continue
            wanted, ready = daemon(site.region), []
            if wanted.service_account:
                account = ClusterAccount(
                    f"{name}-neuron", wanted.service_account, NEURON_RULES, site=site, namespace=NAMESPACE, opts=child
                )
                ready.append(account)
            after = pulumi.ResourceOptions(parent=self, depends_on=ready)
            make(name, wanted, site=site, placements=users, opts=after)
        mounting = [placement for placement in placements if placement.mounts_file_system]
        if file_system and mounting:
            LustreDriver(f"{name}-lustre", mounting, site=site, opts=child)
        self.register_outputs({})
