"""NCCL's network plugins on GPU nodes: gIB for RDMA (A3 Ultra, A4), TCPXO for A3 Mega.

A daemon a node that copies the plugin to a folder of the node, from which pods mount it, and then sleeps. GPU drivers
and the device plugin are GKE's own. Manifests follow GoogleCloudPlatform/cluster-toolkit,
examples/gke-a3-ultragpu/nccl-installer.yaml.tftpl and examples/gke-a3-megagpu/nccl-tcpxo-installer.yaml.tftpl.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import DaemonSet

from catalog import releases
from components import tags
from components.daemon import NAMESPACE, PRIORITY
from components.gcp.project import GcpSite
from components.placement import Placement

FABRIC_LABEL = "dc/gpu-fabric"
"""By this label the plugins find their nodes."""
PRIVILEGED = {"privileged": True}
LIBRARIES = "/home/kubernetes/bin/nvidia/lib64"
GIB_FOLDER = "/home/kubernetes/bin/gib"
GIB_SCRIPT = """\
set -ex
/scripts/container_entry.sh install --install-nccl
cp -r /var/lib/gib/lib64/. /host/lib64
cp -r /var/lib/gib/. /host/gib
"""
MARTIANS_SCRIPT = """\
set -e
for link in /sys/class/net/gpu*rdma0; do
  [ ! -e "$link" ] || echo 0 > "/proc/sys/net/ipv4/conf/${link##*/}/log_martians"
done
"""
"""Packets between the subnets of one node look misrouted to the kernel, which would log every one."""
TCPXO_SCRIPT = """\
set -ex
chmod 755 /scripts/container_entry.sh
/scripts/container_entry.sh install --install-nccl
mkdir -p /usr/local/nvidia/lib64
cp -r /var/lib/tcpxo/lib64/. /usr/local/nvidia/lib64
"""
TCPXO_HOST_SCRIPT = """\
/sbin/iptables -I INPUT -p tcp -m tcp -j ACCEPT && modprobe import-helper
mkdir -p /dev/aperture_devices
lspci -nn -D | grep '1ae0:0084' | awk '{print $1}' | while read -r bdf; do
  target="/dev/aperture_devices/$bdf"
  mkdir -p "$target"
  umount -R "$target" || true
  mount --bind "$(readlink -f "/sys/bus/pci/devices/$bdf")" "$target"
done
chmod -R a+r /dev/aperture_devices/
chmod a+rw /dev/aperture_devices/*/resource*
"""


def _folder(name: str, path: str, kind: str = "DirectoryOrCreate") -> dict[str, Any]:
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def _step(name: str, image: str, script: str, mounts: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "command": ["/bin/sh", "-c", script],
        "securityContext": PRIVILEGED,
        "resources": {"requests": {"cpu": "150m"}},
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
        **more,
    }


def gib() -> dict[str, Any]:
    """Pod that installs NCCL with gIB."""
    image = _image("nccl-gib")
    return {
        "volumes": [_folder("libraries", LIBRARIES), _folder("gib", GIB_FOLDER), _folder("proc-sys", "/proc/sys", "")],
        "initContainers": [
            _step("quiet", image, MARTIANS_SCRIPT, {"proc-sys": "/proc/sys"}),
            _step("install", image, GIB_SCRIPT, {"libraries": "/host/lib64", "gib": "/host/gib"}),
        ],
        "containers": [_pause()],
    }


def tcpxo() -> dict[str, Any]:
    """Pod that installs NCCL with TCPXO and shows the NICs' memory to pods."""
    image = _image("nccl-tcpxo")
    prepare = _step("prepare", image, "", {})
    prepare["command"] = ["nsenter", "-at", "1", "--", "sh", "-c", TCPXO_HOST_SCRIPT]
    return {
        "volumes": [_folder("var-lib", "/var/lib"), _folder("bin", "/home/kubernetes/bin")],
        "initContainers": [
            prepare,
            _step("install", image, TCPXO_SCRIPT, {"var-lib": "/var/lib", "bin": "/usr/local"}),
        ],
        "containers": [_pause()],
    }


def injector() -> dict[str, Any]:
    """Pod that hands GPU devices to the TCPXO daemon of a pod, by annotation."""
    container = {
        "name": "injector",
        "image": _image("nri-device-injector"),
        "securityContext": PRIVILEGED,
        "resources": {"requests": {"cpu": "150m"}},
        "volumeMounts": [{"name": "dev", "mountPath": "/dev"}, {"name": "nri", "mountPath": "/var/run/nri"}],
    }
    return {"volumes": [_folder("dev", "/dev", ""), _folder("nri", "/var/run/nri", "")], "containers": [container]}


def _image(name: str) -> str:
    image = releases[name].image
    assert image is not None, "the catalog names the image"
    return image


def _pause() -> dict[str, Any]:
    return {"name": "pause", "image": _image("gke-pause"), "resources": {"requests": {"cpu": "10m"}}}


PLUGINS: Mapping[str, Mapping[str, Callable[[], dict[str, Any]]]] = {
    "rdma": {"nccl-rdma-installer": gib},
    "tcpxo": {"nccl-tcpxo-installer": tcpxo, "device-injector": injector},
}
"""Daemons by fabric."""


class GpuPlugins(pulumi.ComponentResource):
    """Every network plugin that the given pools need, and no other."""

    def __init__(
        self,
        name: str,
        pools: Mapping[str, Sequence[Placement]],
        *,
        site: GcpSite,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`pools`: placements by fabric (rdma, tcpxo)."""
        super().__init__("aidc:gcp/gpu_plugins:GpuPlugins", name, None, opts)
        labels = tags.labels(site, "gpu-plugins")
        for fabric, placements in pools.items():
            for daemon, pod in PLUGINS.get(fabric, {}).items():
                DaemonSet(
                    f"{name}-{daemon}",
                    metadata={"name": daemon, "namespace": NAMESPACE, "labels": labels},
                    spec=spec(daemon, fabric, pod(), labels, placements),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})


def spec(
    daemon: str, fabric: str, pod: Mapping[str, Any], labels: Mapping[str, str], placements: Sequence[Placement]
) -> Any:
    """The `spec` of the DaemonSet: on nodes of the fabric, whatever taint their pool has."""
    selector = {"app.kubernetes.io/name": daemon}
    keys = sorted({placement.taint.key for placement in placements if placement.taint})
    return {
        "selector": {"matchLabels": selector},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "template": {
            "metadata": {"labels": {**labels, **selector}},
            "spec": {
                "automountServiceAccountToken": False,
                "hostNetwork": True,
                "hostPID": True,
                "priorityClassName": PRIORITY,
                "nodeSelector": {FABRIC_LABEL: fabric},
                "tolerations": [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in keys],
                **pod,
            },
        },
    }
