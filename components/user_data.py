"""What a node is told when it boots: a nodeadm NodeConfig and a script, in a MIME envelope. Pure.

EKS adds the cluster's address and certificates itself for its own AMIs, so only what differs from the default is here.
Reference: awslabs/amazon-eks-ami, nodeadm/doc/api.md (`node.eks.aws/v1alpha1`).
"""

from __future__ import annotations

import base64
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from typing import Any

import yaml

from catalog.instance import Instance

BOUNDARY = "node-config"
"""Fixed: a random boundary would give every plan a new launch template."""
LARGEST = 16384
"""Bytes before encoding (EC2 User Guide, "User data and cloud-init")."""


FILES = {"type": "RLIMIT_NOFILE", "soft": 65536, "hard": 1048576}
"""The image's own limit of open files: a list of limits replaces that of the image (base-runtime-spec.json there)."""
LOCKED_BYTES = 1 << 50
"""Memory that a pod may lock: more than any node has. Unlimited, 2^64 - 1, would not survive nodeadm, which passes
numbers through floating point."""


def node_config(instance: Instance, *, fabric: bool = False) -> dict[str, Any] | None:
    """The NodeConfig of a type, or None when the defaults do.

    Local NVMe disks become one striped volume for images, logs and empty-dir volumes; without this they stay unused.
    With a `fabric`, pods may lock memory: what RDMA registers is locked, and the image leaves containers the few MiB of
    systemd's default (awslabs/amazon-eks-ami, doc/examples.md, "Modifying container RLIMITs"; Bottlerocket raises the
    same limit where it sees an EFA: bottlerocket-os/bottlerocket-core-kit#141).
    """
    spec: dict[str, Any] = {}
    if fabric:
        locked = {"type": "RLIMIT_MEMLOCK", "soft": LOCKED_BYTES, "hard": LOCKED_BYTES}
        spec["containerd"] = {"baseRuntimeSpec": {"process": {"rlimits": [dict(FILES), locked]}}}
    if instance.local_nvme_gb:
        spec["instance"] = {"localStorage": {"strategy": "RAID0"}}
    return {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec} if spec else None


def user_data(config: dict[str, Any] | None, script: str | None = None) -> str | None:
    """Base64 text for a launch template; None when there is nothing to say. cloud-init runs the script, as root, before
    the node joins."""
    if config is None and script is None:
        return None
    envelope = MIMEMultipart(boundary=BOUNDARY)
    if script is not None:
        _attach(envelope, "text", "x-shellscript", script)
    if config is not None:
        _attach(envelope, "application", "node.eks.aws", yaml.safe_dump(config, sort_keys=False))
    return base64.b64encode(envelope.as_bytes()).decode()


def _attach(envelope: MIMEMultipart, kind: str, subtype: str, text: str) -> None:
    part = MIMENonMultipart(kind, subtype)
    part.set_payload(text)
    envelope.attach(part)
