"""The nodes that the node groups of the emulated EKS ask for: what both node daemons make nodes from.

Reads the groups from the AWS API of the sandbox (`/_sandbox/nodegroups`) and turns each into its nodes: names, labels,
taints, resources; `nodepools` adds those of recorded GKE node pools, where there are any. Which daemon makes a node is
decided by its pool (label `dc/pool` of the group): the process node those of BENCH_POOL, kwok all others. Leaves out
the Kubernetes API.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from catalog import instances
from sandbox.kubernetes.capacity import DEFAULT_DISK_GIB, allocatable, capacity
from sandbox.settings import Settings

POOL_LABEL = "dc/pool"
BENCH_POOL = "bench"
"""The pool whose nodes run pods as processes of this machine."""
TIMEOUT = 10.0
NODES_PER_LEAF, LEAVES_PER_SPINE = 16, 4
"""Invented: how many nodes share a lowest and a middle switch in the simulated network."""
TAINT_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True)
class DesiredNode:
    """One node that should exist."""

    name: str
    cluster: str
    group: str
    pool: str | None
    instance_type: str
    provider_id: str
    architecture: str
    """amd64 or arm64."""
    labels: dict[str, str]
    taints: tuple[dict[str, str], ...]
    capacity: dict[str, str]
    allocatable: dict[str, str]
    generation: str
    """Changes when EC2 would replace the instance: another type, image or launch template version."""


@dataclass(frozen=True)
class Inventory:
    """What the emulated EKS holds at one moment."""

    boot_id: str
    """New after each start of the AWS API, which then has lost its state."""
    nodes: list[DesiredNode] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    """Group -> why nobody can say what its nodes are. Nodes it has already stay."""


def read(settings: Settings) -> Inventory:
    """Ask the AWS API, and what is recorded of Google Cloud. Raises OSError or ValueError when the AWS API does not
    answer, or not sensibly.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{settings.aws_url}/_sandbox/nodegroups", timeout=TIMEOUT) as answer:
        document = json.load(answer)
    result = inventory(document["boot_id"], document["nodegroups"])
    if (settings.state / "gcp").is_dir():
        from sandbox.kubernetes import nodepools

        nodepools.add(result, settings)
    return result


def inventory(boot_id: str, records: list[dict[str, Any]]) -> Inventory:
    """Nodes of EKS node group records (oldest first) with `region`, `subnetZones` and `template` added."""
    result = Inventory(boot_id)
    taken: set[str] = set()
    for record in records:
        kind = instance_type(record)
        if kind is None or kind not in instances:
            result.unknown[record["nodegroupName"]] = (
                "its launch template is gone" if kind is None else f"the catalog has no instance type {kind}"
            )
            continue
        for index in range(record["scalingConfig"]["desiredSize"]):
            node = _node(record, kind, index)
            if node.name in taken:  # a group of this name in another cluster: one API server stands behind all
                node = _node(record, kind, index, suffix=f"-{_digest(record['nodegroupArn'])[:5]}")
            taken.add(node.name)
            result.nodes.append(node)
    return result


def instance_type(record: dict[str, Any]) -> str | None:
    """The type of a group: its first one, else that of its launch template (capacity blocks name it there)."""
    given = record.get("instanceTypes") or [record["template"].get("InstanceType")]
    return given[0]


def efa_interfaces(record: dict[str, Any], limit: int) -> int:
    """EFA interfaces that the launch template attaches: what the EFA device plugin would offer, at most `limit`."""
    interfaces = record["template"].get("NetworkInterfaces") or []
    return min(limit, sum(str(one.get("InterfaceType", "")).startswith("efa") for one in interfaces))


def disk_gib(record: dict[str, Any], local_nvme_gb: float | None) -> float:
    """Disk under the kubelet: the local disks when user data has nodeadm join them, else the root volume. GiB."""
    if local_nvme_gb and re.search(r"strategy:\s*\"?RAID", _user_data(record["template"])):
        return local_nvme_gb * 1000**3 / 1024**3
    sizes = [
        mapping["Ebs"]["VolumeSize"]
        for mapping in record["template"].get("BlockDeviceMappings") or []
        if (mapping.get("Ebs") or {}).get("VolumeSize")
    ]
    return float(sizes[0] if sizes else record.get("diskSize") or DEFAULT_DISK_GIB)


def _user_data(template: dict[str, Any]) -> str:
    try:
        return base64.b64decode(template.get("UserData") or "", validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _node(record: dict[str, Any], kind: str, index: int, suffix: str = "") -> DesiredNode:
    instance = instances[kind]
    zone = _zone(record, index)
    limit = instance.efa.interfaces if instance.efa else 0
    resources = (instance, efa_interfaces(record, limit), disk_gib(record, instance.local_nvme_gb))
    name = f"{_dns_name(record['nodegroupName'])}{suffix}-{index}"
    architecture = ARCHITECTURES[instance.arch]
    group_labels: dict[str, str] = record.get("labels") or {}
    return DesiredNode(
        name=name,
        cluster=record["clusterName"],
        group=record["nodegroupName"],
        pool=group_labels.get(POOL_LABEL),
        instance_type=kind,
        provider_id=f"aws:///{zone['zone']}/i-{_digest(record['nodegroupArn'], index)[:17]}",
        architecture=architecture,
        labels={
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture,
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/region": record["region"],
            "topology.kubernetes.io/zone": zone["zone"],
            "topology.k8s.aws/zone-id": zone["zoneId"],
            "eks.amazonaws.com/nodegroup": record["nodegroupName"],
            "eks.amazonaws.com/capacityType": record["capacityType"],
            **(_network_layers(record, zone["zone"], index) if instance.efa else {}),
            **group_labels,
        },
        taints=tuple(_taint(taint) for taint in record.get("taints") or []),
        capacity=capacity(*resources),
        allocatable=allocatable(*resources),
        generation=_digest(kind, record.get("launchTemplate"), record.get("releaseVersion"), record["nodegroupArn"]),
    )


def _zone(record: dict[str, Any], index: int) -> dict[str, str]:
    """Auto Scaling spreads a group over the zones of its subnets in turn."""
    zones = {zone["zone"]: zone for zone in record.get("subnetZones") or []}
    if not zones:
        return {"zone": f"{record['region']}a", "zoneId": "unknown"}
    return zones[sorted(zones)[index % len(zones)]]


def _network_layers(record: dict[str, Any], zone: str, index: int) -> dict[str, str]:
    """Where the node hangs in the network, from the top: nodes that share layer 3 are closest.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-topology-works.html
    """
    leaf = index // NODES_PER_LEAF
    keys = (
        ("1", zone),
        ("2", zone, record["nodegroupArn"], leaf // LEAVES_PER_SPINE),
        ("3", record["nodegroupArn"], leaf),
    )
    return {f"topology.k8s.aws/network-node-layer-{key[0]}": f"nn-{_digest(*key)[:17]}" for key in keys}


def _taint(taint: dict[str, str]) -> dict[str, str]:
    effect = TAINT_EFFECTS[taint["effect"]]
    return {"key": taint["key"], "effect": effect} | ({"value": taint["value"]} if taint.get("value") else {})


def _dns_name(name: str) -> str:
    """Group names may hold capitals and underscores, node names may not."""
    return re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-")[:50].rstrip("-")


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
