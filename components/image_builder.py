"""Builds container images in the account, for those who have no container engine at hand: a CodeBuild project.

Holds the project with its role, its log, its key and the bucket that takes build contexts. Starting a build, and what
goes into one, is not here: a deployment never builds anything by itself.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import pulumi
from pulumi_aws import cloudwatch, codebuild
from pydantic import Field

from components import encryption, tags
from components.bucket import Bucket, Retention
from components.encryption import EncryptionKey
from components.roles import ServiceRole
from components.site import Site
from components.spec import Spec

PART = "image-builder"
CONTEXT = "context"
"""Prefix of build contexts in the bucket."""
MACHINE_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
CONTEXT_DAYS, LOG_DAYS = 30, 90
COMPUTE = {"medium": "BUILD_GENERAL1_MEDIUM", "large": "BUILD_GENERAL1_LARGE", "2xlarge": "BUILD_GENERAL1_2XLARGE"}
BUILD = " ".join(
    [
        'docker buildx build . --platform "$PLATFORM" --build-arg "BASE=$BASE" --build-arg "REVISION=$REVISION"',
        '--build-arg "EXPECT=$EXPECT" --sbom=true --provenance=mode=max --tag "$REPOSITORY:$TAG" --push',
    ]
)
COMMANDS = [
    'aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"',
    "docker buildx create --use --driver docker-container",  # the default driver writes no SBOM and no provenance
    BUILD,
]
BUILDSPEC: dict[str, Any] = {"version": "0.2", "phases": {"build": {"commands": COMMANDS}}}
"""One build: the variables come with the start of the build, the context from the bucket."""


class ImageBuilderSpec(Spec):
    """A place to build images in."""

    compute: Literal["medium", "large", "2xlarge"] = Field(
        "large", description="Machine of a build. Unpacking a CUDA base wants disk and memory: large or more."
    )
    timeout_minutes: int = Field(90, ge=5, le=480, description="Minutes after which a build is stopped.")


class ImageBuilder(pulumi.ComponentResource):
    """A CodeBuild project that may push to the repositories of the stack and nothing else."""

    project: pulumi.Output[str]
    bucket: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: ImageBuilderSpec,
        *,
        site: Site,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:image_builder:ImageBuilder", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        statements = [encryption.logs(site)]
        key = EncryptionKey(name, site=site, purpose="image builds", part=PART, statements=statements, opts=child)
        contexts = Bucket(
            f"{name}-contexts",
            site=site,
            data_class="build",
            retention=Retention(old_versions=CONTEXT_DAYS, objects=CONTEXT_DAYS),
            key_arn=key.arn,
            force_destroy=True,  # contexts can be packed again from the same commit
            opts=child,
        )
        log = cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=LOG_DAYS, kms_key_id=key.arn, tags=tags.component(PART), opts=child
        )
        role = ServiceRole(
            f"{name}-role",
            site=site,
            service="codebuild.amazonaws.com",
            part=PART,
            allow=allowed(site, key.arn, contexts.arn, log.arn),
            opts=child,
        )
        project = codebuild.Project(
            f"{name}-project",
            description=f"Container images of {site.prefix}",
            service_role=role.arn,
            encryption_key=key.arn,
            build_timeout=spec.timeout_minutes,
            source={
                "type": "S3",
                "location": pulumi.Output.concat(contexts.name, f"/{CONTEXT}/none.zip"),  # each build names its own
                "buildspec": json.dumps(BUILDSPEC),
            },
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": MACHINE_IMAGE,
                "compute_type": COMPUTE[spec.compute],
                "privileged_mode": True,  # a container engine runs inside
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": log.name}},
            tags={**tags.component(PART), "purpose": "image-build"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=role.ready),
        )
        self.project, self.bucket = project.name, contexts.name
        self.register_outputs({"project": self.project, "bucket": self.bucket})


def allowed(
    site: Site, key: pulumi.Output[str], bucket: pulumi.Output[str], log: pulumi.Output[str]
) -> list[dict[str, Any]]:
    """What a build may do: read its context, write its log, push to the site's repositories."""
    repositories = f"arn:{site.partition}:ecr:{site.region}:{site.account}:repository/{site.prefix}/*"
    return [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": pulumi.Output.concat(bucket, f"/{CONTEXT}/*"),
        },
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": bucket},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": pulumi.Output.concat(log, ":*"),
        },
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], "Resource": key},
        # ECR gives its token for a whole registry: the action takes no narrower resource.
        {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            "Resource": repositories,
        },
    ]
