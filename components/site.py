"""Whose data center this is and where it stands: the identity that every resource carries.

`SiteSpec` is what the user states; `Site` adds the account and the region and derives names from both. Holds no
resources. The tags and labels made from it are in `components.tags`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from components.spec import Name, Spec


class SiteSpec(Spec):
    """Identity of the stack; becomes tags on every AWS resource and labels on every Kubernetes object."""

    name: Name = Field(description="Name of the data center. Part of resource names.")
    environment: Literal["production", "staging", "development", "sandbox"] = Field(
        description="What the stack is for. Part of resource names."
    )
    owner: Name = Field(description="Team that answers for the stack.")
    cost_center: Name = Field(description="Where the bill goes.")


@dataclass(frozen=True)
class Site:
    """A `SiteSpec` in an account and a region. Plain data, known before anything is planned."""

    spec: SiteSpec
    account: str
    region: str

    @property
    def prefix(self) -> str:
        """Start of the names that people type: cluster, repositories, log groups."""
        return f"{self.spec.name}-{self.spec.environment}"

    @property
    def dns(self) -> Sequence[dict[str, Any]]:
        """Whom pods of the cluster ask for names, as peers of a network policy."""
        return [system_pods("kube-dns")]

    @property
    def partition(self) -> str:
        """First part of every ARN after `arn`."""
        special = {"us-gov": "aws-us-gov", "cn": "aws-cn"}
        return next((name for start, name in special.items() if self.region.startswith(f"{start}-")), "aws")

    def managed_policy(self, name: str) -> str:
        """ARN of a policy that AWS keeps."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"


def system_pods(app: str) -> dict[str, Any]:
    """Pods of one of the cluster's own services, as a peer of a network policy."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": app}},
    }
