"""JobSet's controller, for stacks with jobs that ask for it: the project's own Helm chart, at the catalog's version.

Kueue's controller is not here: its queues and quotas are shared by everything on a cluster, and are the user's to plan.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from catalog import releases

NAMESPACE = "jobset-system"


def chart() -> tuple[str, str]:
    """Address and version of the chart."""
    address, _, version = (releases["jobset"].chart or "").rpartition(" ")
    assert address.startswith("oci://"), "the catalog names the chart"
    return address, version


class JobSetController(pulumi.ComponentResource):
    """Controller, resource definition and webhooks. Whoever depends on it finds them ready."""

    def __init__(
        self, name: str, *, nodes: Sequence[pulumi.Resource], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`nodes`: where its pod can run; its release waits until it does."""
        super().__init__("aidc:jobset_controller:JobSetController", name, None, opts)
        address, version = chart()
        Release(
            f"{name}-release",
            name="jobset",
            chart=address,
            version=version,
            namespace=NAMESPACE,
            create_namespace=True,
            # A ServiceMonitor is of a kind that only clusters with Prometheus' operator know.
            values={"prometheus": {"enable": False}},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(nodes)),
        )
        self.register_outputs({})
