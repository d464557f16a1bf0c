"""Networks over which the GPUs of a pool talk, beside the cluster's own: one interface of the node for each.

Holds the networks and their subnets, and tells Kubernetes of them, so that a pod gets an interface by annotation. RDMA
(A3 Ultra, A4): one network with the zone's RoCE profile and a subnet a GPU, and one more for the second host interface;
such networks let everything in by themselves. TCPXO (A3 Mega): a network a GPU. Names as in GKE documentation,
"Maximize GPU network bandwidth" and GoogleCloudPlatform/cluster-toolkit, examples/gke-a3-ultragpu.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
from pulumi_gcp import compute
from pulumi_kubernetes.apiextensions import CustomResource

from catalog import releases
from catalog.gcp_machine import GpuNetwork
from components import tags
from components.gcp.project import GcpSite
from components.placement import HostFolder

API = "networking.gke.io/v1"
SUBNET_PREFIX = 20
"""Addresses of one subnet: four thousand nodes."""
HOST_MTU = 8896


@dataclass(frozen=True)
class Interface:
    """One interface of a node, beside its first."""

    name: str
    """Of its Kubernetes network."""
    cidr: IPv4Network
    rdma: bool
    shared: bool
    """Whether the network is one for all GPUs and only the subnet its own."""


def interfaces(pool: str, network: GpuNetwork, cidr: IPv4Network) -> tuple[Interface, ...]:
    """Interfaces of a node in the order in which it has them: host interfaces, then those of the GPUs."""
    ranges = cidr.subnets(new_prefix=SUBNET_PREFIX)
    rdma = network.fabric == "rdma"
    hosts = [(f"{pool}-host{index + 1}", False, False) for index in range(network.extra_networks)]
    kind = "rdma" if rdma else "net"
    gpus = [(f"{pool}-{kind}{index}", rdma, rdma) for index in range(network.gpu_networks)]
    return tuple(Interface(name, next(ranges), gpu, shared) for name, gpu, shared in [*hosts, *gpus])


def room(cidr: IPv4Network) -> int:
    """Subnets that fit into a range."""
    return 2 ** max(SUBNET_PREFIX - cidr.prefixlen, 0) if cidr.prefixlen <= SUBNET_PREFIX else 0


def pod_annotations(pool: str, network: GpuNetwork, cidr: IPv4Network) -> dict[str, str]:
    """What a pod carries to get the interfaces of the GPUs; second host interfaces are the node's."""
    wanted = [{"interfaceName": "eth0", "network": "default"}]
    for index, interface in enumerate(interfaces(pool, network, cidr), start=1):
        if interface.rdma or network.fabric == "tcpxo":
            wanted.append({"interfaceName": f"eth{index}", "network": interface.name})
    found = {"networking.gke.io/default-interface": "eth0", "networking.gke.io/interfaces": json.dumps(wanted)}
    if network.fabric == "tcpxo":
        found[f"devices.gke.io/container.{DAEMON}"] = "".join(f"- path: {path}\n" for path in DAEMON_DEVICES)
    return found


PRIMARY = {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}
"""Ranks meet over the pod's first interface: the networks of GPUs carry nothing but GPU traffic."""
ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    # Named, so that NCCL fails instead of falling back to TCP where the plugin is missing.
    "rdma": {"NCCL_NET": "gIB", "LD_LIBRARY_PATH": "/usr/local/gib/lib64:/usr/local/nvidia/lib64", **PRIMARY},
    "tcpxo": {
        "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",
        "NCCL_FASTRAK_LLCM_DEVICE_DIRECTORY": "/dev/aperture_devices",
        **PRIMARY,
    },
    "none": {},
}
"""Variables by which a pod finds NCCL's plugin."""
SETUP: Mapping[str, str] = {
    "rdma": "source /usr/local/gib/scripts/set_nccl_env.sh",
    "tcpxo": "NCCL_LIB_DIR=/usr/local/nvidia/lib64 source /usr/local/nvidia/lib64/nccl-env-profile.sh",
    "none": "",
}
"""The plugin's own tuning, without which it refuses to start (no NCCL_TUNER_CONFIG_PATH). Each release brings its
values in a script that Google wants sourced (Compute Engine documentation, "Enable NCCL/gIB"; cluster-toolkit,
examples/gke-a3-ultragpu/nccl-jobset-example.yaml, community/examples/slurm-gke/nccl-tests)."""
FOLDERS: Mapping[str, tuple[HostFolder, ...]] = {
    "rdma": (HostFolder("gib", "/home/kubernetes/bin/gib", "/usr/local/gib"),),
    "tcpxo": (
        HostFolder("nccl", "/home/kubernetes/bin/nvidia/lib64", "/usr/local/nvidia/lib64"),
        HostFolder("aperture-devices", "/dev/aperture_devices", "/dev/aperture_devices", writable=True),
        HostFolder("nvidia", "/home/kubernetes/bin/nvidia", None),
        HostFolder("sys", "/sys", None),
        HostFolder("proc-sys", "/proc/sys", None),
    ),
    "none": (),
}
"""Where the plugin's daemon puts it on the node."""


DAEMON = "tcpxo-daemon"
DAEMON_DEVICES = [*(f"/dev/nvidia{index}" for index in range(8)), "/dev/nvidiactl", "/dev/nvidia-uvm",
                  "/dev/dmabuf_import_helper"]  # fmt: skip


def receiver() -> dict[str, Any]:
    """The container that receives for the GPUs of a pod on A3 Mega, and ends with it (cluster-toolkit,
    modules/compute/gke-node-pool/gpu-direct-workload/scripts/enable-tcpxo-in-workload.py)."""
    script = (
        "chmod 755 /fts/entrypoint_rxdm_container.sh && /fts/entrypoint_rxdm_container.sh --num_hops=2 --num_nics=8"
    )
    return {
        "name": DAEMON,
        "image": releases[DAEMON].image,
        "restartPolicy": "Always",
        "command": ["/bin/sh", "-c", f"{script} --uid= --alsologtostderr"],
        "env": [{"name": "LD_LIBRARY_PATH", "value": "/usr/local/nvidia/lib64"}],
        "securityContext": {
            "runAsNonRoot": False,
            "runAsUser": 0,
            "capabilities": {"add": ["NET_ADMIN", "NET_BIND_SERVICE"]},
        },
        "volumeMounts": [
            {"name": "nvidia", "mountPath": "/usr/local/nvidia"},
            {"name": "sys", "mountPath": "/hostsysfs"},
            {"name": "proc-sys", "mountPath": "/hostprocsysfs"},
        ],
    }


class GpuNetworks(pulumi.ComponentResource):
    """Networks of one pool, at Google and in Kubernetes."""

    attachments: list[dict[str, pulumi.Output[str]]]
    """Additional node networks of the node pool, in order."""
    objects: list[pulumi.Resource]
    """The Kubernetes networks; pods that name them must wait for them."""

    def __init__(
        self,
        name: str,
        network: GpuNetwork,
        cidr: IPv4Network,
        *,
        site: GcpSite,
        zone: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`name` is the pool's; `opts` carries the Google and the Kubernetes provider."""
        super().__init__("aidc:gcp/gpu_network:GpuNetworks", name, None, opts)
        self._name, self._network, self._site, self._zone = name, network, site, zone
        self.attachments, self.objects = [], []
        shared = self._vpc(f"{name}-rdma", rdma=True) if network.fabric == "rdma" else None
        for interface in interfaces(name, network, cidr):
            vpc = shared if interface.shared and shared else self._vpc(interface.name, rdma=False)
            if not interface.shared:
                self._open_inside(interface, vpc, cidr)
            subnet = compute.Subnetwork(
                f"{interface.name}-subnet",
                network=vpc.id,
                region=site.region,
                ip_cidr_range=str(interface.cidr),
                private_ip_google_access=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.attachments.append({"network": vpc.name, "subnetwork": subnet.name})
            self.objects.append(self._tell(interface, vpc, subnet))
        self.register_outputs({})

    def _vpc(self, name: str, *, rdma: bool) -> compute.Network:
        network, site = self._network, self._site
        profile = f"projects/{site.project}/global/networkProfiles/{self._zone}-{network.profile}" if rdma else None
        return compute.Network(
            f"{name}-vpc",
            description=f"GPU traffic of pool {self._name}",
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            mtu=network.mtu or HOST_MTU,
            network_profile=profile,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _open_inside(self, interface: Interface, vpc: compute.Network, cidr: IPv4Network) -> None:
        compute.Firewall(
            f"{interface.name}-inside",
            description="Nodes of the pool among themselves",
            network=vpc.id,
            direction="INGRESS",
            priority=1000,
            source_ranges=[str(cidr)],
            allows=[{"protocol": protocol} for protocol in ("tcp", "udp", "icmp")],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _tell(self, interface: Interface, vpc: compute.Network, subnet: compute.Subnetwork) -> CustomResource:
        """A network of Kubernetes and what it stands for, under one name."""
        meta = {"name": interface.name, "labels": tags.labels(self._site, "gpu-pool", pool=self._name)}
        stands_for = CustomResource(
            f"{interface.name}-parameters",
            API,
            "GKENetworkParamSet",
            metadata=meta,
            spec={
                "vpc": vpc.name,
                "vpcSubnet": subnet.name,
                "deviceMode": "RDMA" if interface.rdma else "NetDevice",
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        return CustomResource(
            f"{interface.name}-network",
            API,
            "Network",
            metadata=meta,
            spec={
                "type": "Device",
                "parametersRef": {
                    "group": "networking.gke.io",
                    "kind": "GKENetworkParamSet",
                    "name": interface.name,
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[stands_for]),
        )
