"""A registry for container images as a stack file asks for it, whatever the cloud.

Holds no resources: repositories are `components.image_registry` on AWS and `components.gcp.image_registry` on Google.
"""

from __future__ import annotations

from pydantic import Field

from components.spec import Name, Spec


class ImageRegistrySpec(Spec):
    """Which repositories, and how much history each keeps."""

    repositories: tuple[Name, ...] = Field(
        ("benchmark", "training"),
        min_length=1,
        description="Repositories; their full name starts with that of the site.",
    )
    keep_images: int = Field(50, ge=1, description="Tagged images kept per repository; older ones are deleted.")
    untagged_days: int = Field(7, ge=1, description="Days images without a tag are kept.")
    delete_with_images: bool = Field(
        False,
        description="Whether deleting the stack deletes repositories that hold images. Only for throw-away stacks.",
    )
