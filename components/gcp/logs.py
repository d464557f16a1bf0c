"""Where logs are kept: a log bucket of the stack with a life of its own, and the sink that fills it.

Google keeps every log of a project for thirty days in one place for all; what this stack's cluster, network and buckets
log goes to its own bucket too, for as long as is asked.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import logging, projects
from pydantic import Field

from components.gcp.project import GcpSite
from components.spec import Spec

SOURCES = ("k8s_cluster", "k8s_node", "k8s_pod", "k8s_container", "gce_subnetwork", "gcs_bucket", "nat_gateway")
"""Resource types of Cloud Logging that belong to a data center."""


class LogsSpec(Spec):
    """How long logs are kept."""

    retention_days: int = Field(365, ge=1, le=3650, description="Days that logs are kept.")
    analytics: bool = Field(False, description="Whether the logs can be searched with SQL (Log Analytics).")


class Logs(pulumi.ComponentResource):
    """A log bucket and its sink."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, spec: LogsSpec, *, site: GcpSite, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aidc:gcp/logs:Logs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        kept = logging.ProjectBucketConfig(
            f"{name}-bucket",
            project=site.project,
            location=site.region,
            bucket_id=f"{site.prefix}-logs",
            description=f"Logs of {site.prefix}",
            retention_days=spec.retention_days,
            enable_analytics=spec.analytics or None,
            opts=child,
        )
        destination = f"logging.googleapis.com/projects/{site.project}/locations/{site.region}/buckets"
        sink = logging.ProjectSink(
            f"{name}-sink",
            destination=kept.bucket_id.apply(lambda bucket: f"{destination}/{bucket}"),
            filter=" OR ".join(f'resource.type="{kind}"' for kind in SOURCES),
            unique_writer_identity=True,
            description=f"Logs of {site.prefix}",
            opts=child,
        )
        projects.IAMMember(
            f"{name}-writer",
            project=site.project,
            role="roles/logging.bucketWriter",
            member=sink.writer_identity,
            opts=child,
        )
        self.bucket = kept.id
        self.register_outputs({"bucket": self.bucket})
