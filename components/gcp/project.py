"""The project a data center stands in: which of Google's services are switched on, and who they act as.

Holds the APIs. `GcpSite` adds the project's number to the identity: Google names its service agents by it (IAM
documentation, "Service agents"), so that nothing has to be looked up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_gcp import projects

from components.site import Site, system_pods

METADATA_SERVER, NODE_CACHE = "169.254.169.254/32", "169.254.20.10/32"
"""Where Cloud DNS for GKE and NodeLocal DNSCache answer a pod: on its node, under addresses that no selector of pods
matches (GKE documentation, "Using Cloud DNS for GKE", "Set up NodeLocal DNSCache"; tektoncd/operator issue 4000 saw it
on Dataplane V2)."""


@dataclass(frozen=True)
class GcpSite(Site):
    """A `Site` whose account is a project."""

    number: str = ""
    """Number of the project."""

    @property
    def dns(self) -> Sequence[dict[str, Any]]:
        answering = [{"ipBlock": {"cidr": cidr}} for cidr in (METADATA_SERVER, NODE_CACHE)]
        return [*super().dns, system_pods("node-local-dns"), *answering]

    @property
    def project(self) -> str:
        return self.account

    @property
    def storage_agent(self) -> str:
        """Cloud Storage's own account (Cloud Storage documentation, "Cloud Storage service agents")."""
        return f"serviceAccount:service-{self.number}@gs-project-accounts.iam.gserviceaccount.com"

    @property
    def compute_agent(self) -> str:
        """Compute Engine's own account (Compute Engine documentation, "Compute Engine Service Agent")."""
        return f"serviceAccount:service-{self.number}@compute-system.iam.gserviceaccount.com"

    @property
    def cluster_agent(self) -> str:
        """GKE's own account (GKE documentation, "Service accounts in GKE")."""
        return f"serviceAccount:service-{self.number}@container-engine-robot.iam.gserviceaccount.com"

    @property
    def workload_pool(self) -> str:
        """Where identities of Kubernetes service accounts live (GKE documentation, "Workload Identity Federation")."""
        return f"{self.project}.svc.id.goog"


class ProjectApis(pulumi.ComponentResource):
    """Services that the stack uses. They stay on when the stack goes: others may use them too."""

    enabled: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        services: Collection[str],
        *,
        site: GcpSite,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`services`: short names, such as container or compute."""
        super().__init__("aidc:gcp/project:ProjectApis", name, None, opts)
        self.enabled = [
            projects.Service(
                f"{name}-{service}",
                project=site.project,
                service=f"{service}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for service in sorted(services)
        ]
        self.register_outputs({})
