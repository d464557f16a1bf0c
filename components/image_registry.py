"""A registry for container images: tags that never move, scanned, encrypted, tidied up.

Holds one key and a repository per name. Building images is not here.
"""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import ecr

from components import tags
from components.encryption import EncryptionKey
from components.image_registry_spec import ImageRegistrySpec
from components.site import Site


class ImageRegistry(pulumi.ComponentResource):
    """Private repositories in ECR."""

    urls: dict[str, pulumi.Output[str]]
    """Address to push to and pull from, by repository."""

    def __init__(
        self, name: str, spec: ImageRegistrySpec, *, site: Site, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("aidc:image_registry:ImageRegistry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(name, site=site, purpose="container images", part="image-registry", opts=child)
        self.urls = {}
        for repository in spec.repositories:
            made = ecr.Repository(
                f"{name}-{repository}",
                name=f"{site.prefix}/{repository}",
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration={"scan_on_push": True},
                encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
                force_delete=spec.delete_with_images,
                tags=tags.component("image-registry"),
                opts=child,
            )
            ecr.LifecyclePolicy(
                f"{name}-{repository}-lifecycle", repository=made.name, policy=lifecycle(spec), opts=child
            )
            self.urls[repository] = made.repository_url
        self.register_outputs(self.urls)


def lifecycle(spec: ImageRegistrySpec) -> str:
    """ECR lifecycle policy: images without a tag go soon, of tagged ones the newest stay."""
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": spec.untagged_days,
    }
    surplus = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": spec.keep_images}
    rules = [
        {"rulePriority": priority, "description": what, "selection": selection, "action": {"type": "expire"}}
        for priority, (what, selection) in enumerate(
            [("without a tag", untagged), ("more than are kept", surplus)], start=1
        )
    ]
    return json.dumps({"rules": rules})
