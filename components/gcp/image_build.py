"""Images built by Cloud Build from a connected repository, by an account that may push and nothing else.

Opt-in: without it, images come from wherever the stack file says. Connecting the repository to the project is done once
in the console and asks for a login there; here it is named.
"""

from __future__ import annotations

from typing import Annotated

import pulumi
from pulumi_gcp import artifactregistry, cloudbuild, projects, serviceaccount
from pydantic import Field

from components.gcp.image_registry import GcpImageRegistry
from components.gcp.project import GcpSite
from components.spec import Name, Spec, Text

Repository = Annotated[
    str,
    Text(
        r"projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+",
        "a connected repository such as projects/<project>/locations/<region>/connections/<name>/repositories/<name>",
    ),
]
BUILDER = "gcr.io/cloud-builders/docker"


class ImageBuildSpec(Spec):
    """From what an image is built, and when."""

    source: Repository = Field(description="Repository that is connected to Cloud Build.")
    branch: str = Field("^main$", description="Branches whose pushes build, as a regular expression.")
    folder: str = Field(".", description="Folder of the Dockerfile in the repository.")
    repository: Name = Field("training", description="Repository of the image registry that the image goes to.")
    machine_type: Name = Field("e2-standard-8", description="Machine type of the private workers.")
    timeout_minutes: int = Field(60, ge=1, le=1440, description="Minutes after which a build counts as failed.")


class ImageBuild(pulumi.ComponentResource):
    """A trigger with its own workers and account."""

    def __init__(
        self,
        name: str,
        spec: ImageBuildSpec,
        *,
        site: GcpSite,
        registry: GcpImageRegistry,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:gcp/image_build:ImageBuild", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=f"{site.prefix}-build"[:30].rstrip("-"),
            display_name=f"Image builds of {site.prefix}",
            opts=child,
        )
        member = account.email.apply(lambda email: f"serviceAccount:{email}")
        target = registry.repositories[spec.repository]
        pushes = artifactregistry.RepositoryIamMember(
            f"{name}-push",
            location=site.region,
            repository=target.name,
            role="roles/artifactregistry.writer",
            member=member,
            opts=child,
        )
        logs = projects.IAMMember(
            f"{name}-logs", project=site.project, role="roles/logging.logWriter", member=member, opts=child
        )
        workers = cloudbuild.WorkerPool(
            f"{name}-workers",
            location=site.region,
            worker_config={"machine_type": spec.machine_type, "disk_size_gb": 200, "no_external_ip": False},
            opts=child,
        )
        image = f"{registry.urls[spec.repository]}/image:$COMMIT_SHA"
        cloudbuild.Trigger(
            f"{name}-trigger",
            location=site.region,
            description=f"Builds the image {spec.repository} of {site.prefix}",
            repository_event_config={"repository": spec.source, "push": {"branch": spec.branch}},
            service_account=account.id,
            build={
                "steps": [{"name": BUILDER, "args": ["build", "-t", image, spec.folder]}],
                "images": [image],
                "timeout": f"{spec.timeout_minutes * 60}s",
                "options": {
                    "worker_pool": workers.id,
                    "logging": "CLOUD_LOGGING_ONLY",
                    "requested_verify_option": "VERIFIED",
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[pushes, logs]),
        )
        self.register_outputs({})
