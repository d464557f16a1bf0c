"""A registry for container images on Google Cloud: tags that never move, scanned, encrypted, tidied up.

Holds one key and a repository of Artifact Registry per name; building images is `image_build`.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_gcp import artifactregistry

from components.gcp import labels
from components.gcp.agent import agent
from components.gcp.encryption import EncryptionKey
from components.gcp.project import GcpSite
from components.image_registry_spec import ImageRegistrySpec

DAY = 24 * 3600


class GcpImageRegistry(pulumi.ComponentResource):
    """Private repositories in Artifact Registry."""

    urls: dict[str, str]
    """Address to push to and pull from, by repository; an image's name follows."""
    repositories: dict[str, artifactregistry.Repository]

    def __init__(
        self, name: str, spec: ImageRegistrySpec, *, site: GcpSite, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("aidc:gcp/image_registry:GcpImageRegistry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        user = agent(name, "artifactregistry", site=site, opts=child)
        key = EncryptionKey(name, site=site, part="image-registry", users={"artifactregistry": user}, opts=child)
        self.repositories, self.urls = {}, {}
        for repository in spec.repositories:
            identity = f"{site.prefix}-{repository}"
            self.repositories[repository] = artifactregistry.Repository(
                f"{name}-{repository}",
                repository_id=identity,
                location=site.region,
                format="DOCKER",
                description=f"Images for {repository}",
                docker_config={"immutable_tags": True},
                kms_key_name=key.id,
                cleanup_policies=cleanup(spec),
                vulnerability_scanning_config={"enablement_config": "INHERITED"},
                labels=labels.component("image-registry"),
                # Google deletes a repository with its images, so Pulumi must refuse where they are to stay.
                opts=pulumi.ResourceOptions(parent=self, protect=not spec.delete_with_images),
            )
            self.urls[repository] = f"{site.region}-docker.pkg.dev/{site.project}/{identity}"
        self.register_outputs(self.urls)


def cleanup(spec: ImageRegistrySpec) -> list[Any]:
    """Images without a tag go soon, of the others the newest stay; what a keep rule names is never deleted."""
    return [
        {
            "id": "without-a-tag",
            "action": "DELETE",
            "condition": {"tag_state": "UNTAGGED", "older_than": f"{spec.untagged_days * DAY}s"},
        },
        {"id": "newest", "action": "KEEP", "most_recent_versions": {"keep_count": spec.keep_images}},
        {
            "id": "surplus",
            "action": "DELETE",
            "condition": {"tag_state": "TAGGED", "older_than": f"{spec.untagged_days * DAY}s"},
        },
    ]
