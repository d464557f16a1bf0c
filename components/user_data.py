"""What a node is told when it boots: a nodeadm NodeConfig in a MIME envelope. Pure.

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


def node_config(instance: Instance) -> dict[str, Any] | None:
    """The NodeConfig of a type, or None when the defaults do.

    Local NVMe disks become one striped volume for images, logs and empty-dir volumes; without this they stay unused.
    """
    if not instance.local_nvme_gb:
        return None
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"instance": {"localStorage": {"strategy": "RAID0"}}},
    }


def user_data(config: dict[str, Any] | None) -> str | None:
    """Base64 text for a launch template; None when there is nothing to say."""
    if config is None:
        return None
    envelope = MIMEMultipart(boundary=BOUNDARY)
    part = MIMENonMultipart("application", "node.eks.aws")
    part.set_payload(yaml.safe_dump(config, sort_keys=False))
    envelope.attach(part)
    return base64.b64encode(envelope.as_bytes()).decode()
