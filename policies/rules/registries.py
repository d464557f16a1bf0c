"""Image registries and builds."""

from __future__ import annotations

from collections.abc import Iterator

from .documents import statements
from .model import Parameters, Resource, Stack, Violation, independently, relation_rule, resource_rule
from .services import Need, missing, setting

REPOSITORY = "aws:ecr/repository:Repository"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
PROJECT = "aws:codebuild/project:Project"


@resource_rule(
    id="ecr-immutable-tags",
    title="An image tag never changes its meaning",
    severity="high",
    level="mandatory",
    types=[REPOSITORY],
    fix="set imageTagMutability to IMMUTABLE.",
    references=["CKV_AWS_51", "FSBP ECR.2", "NIST 800-53 CM-2"],
    remedy=lambda r, _: iter(
        () if str(r.get("imageTagMutability", "")).startswith("IMMUTABLE") else (("imageTagMutability", "IMMUTABLE"),)
    ),
)
def immutable_tags(repository: Resource, _: Parameters) -> Iterator[Violation]:
    """A job that is started again must run the program that it ran before."""
    if repository.get("imageTagMutability") not in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        yield Violation("imageTagMutability is not IMMUTABLE.")


SCAN = ("imageScanningConfiguration.scanOnPush", "CKV_AWS_163", True)


@resource_rule(
    id="ecr-scan-on-push",
    title="Images are scanned",
    severity="medium",
    level="advisory",
    types=[REPOSITORY],
    fix="set imageScanningConfiguration.scanOnPush to true.",
    references=["CKV_AWS_163", "CIS EKS 5.1.1", "FSBP ECR.1", "NIST 800-53 RA-5"],
    remedy=setting(SCAN),
)
def scan_on_push(repository: Resource, _: Parameters) -> Iterator[Violation]:
    """A known hole in an image is found by whoever looks first."""
    yield from missing(repository, [SCAN])


@resource_rule(
    id="ecr-kms",
    title="Images are encrypted with a customer key",
    severity="low",
    level="advisory",
    types=[REPOSITORY],
    fix="set encryptionConfigurations with encryptionType KMS; it replaces the repository.",
    references=["CKV_AWS_136", "NIST 800-53 SC-28"],
)
def registry_kms(repository: Resource, _: Parameters) -> Iterator[Violation]:
    """Only a key of one's own can be taken away from somebody."""
    kinds = [entry.get("encryptionType") for entry in repository.views("encryptionConfigurations")]
    if not any(kind in ("KMS", "KMS_DSSE") for kind in kinds):
        yield Violation("encryptionType is not KMS.")


@resource_rule(
    id="ecr-policy-not-public",
    title="Private images stay private",
    severity="critical",
    level="mandatory",
    types=[POLICY],
    fix="name the accounts or roles that may pull, or restrict the statement by a condition.",
    references=["CKV_AWS_32", "CIS EKS 5.1.2", "NIST 800-53 AC-3"],
)
def policy_not_public(policy: Resource, _: Parameters) -> Iterator[Violation]:
    """Images hold programs, and sometimes weights and credentials."""
    for statement in statements(policy):
        if statement.opens and not statement.restricted():
            message = "a statement allows every principal without a condition that narrows it."
            weak = "weak-condition" if statement.half_restricted else ""
            yield Violation(message, check=weak if statement.anyone else statement.opens)


@relation_rule(
    id="ecr-lifecycle-policy",
    title="Old images are removed",
    severity="low",
    level="advisory",
    types=[REPOSITORY],
    fix="add an aws.ecr.LifecyclePolicy.",
    references=["FSBP ECR.3"],
)
def lifecycle_policy(repository: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """CUDA images have many gigabytes, each build leaves one."""
    if not stack.belonging(repository, "repository", LIFECYCLE, by="name"):
        yield Violation("it has no lifecycle policy.")


@resource_rule(
    id="codebuild-no-privileged",
    title="Builds do not own their machine",
    severity="high",
    level="mandatory",
    types=[PROJECT],
    fix="set environment.privilegedMode to false, or tag a project that builds images purpose=image-build.",
    references=["CKV_AWS_316", "FSBP CodeBuild.5", "NIST 800-53 AC-6"],
)
def no_privileged_build(project: Resource, _: Parameters) -> Iterator[Violation]:
    """A privileged build escapes its container."""
    if project.says("environment.privilegedMode") and project.tag("purpose") != "image-build":
        yield Violation("environment.privilegedMode is true.")


@resource_rule(
    id="codebuild-encrypted-logged",
    title="Builds are encrypted and logged",
    severity="medium",
    level="advisory",
    types=[PROJECT],
    fix="set encryptionKey and a log target; leave encryption of artifacts and logs on.",
    references=["CKV_AWS_78", "CKV_AWS_147", "CKV_AWS_311", "CKV_AWS_314", "FSBP CodeBuild.3", "FSBP CodeBuild.4"],
)
def build_encrypted_logged(project: Resource, _: Parameters) -> Iterator[Violation]:
    """What was built, from what, and by whom must be known afterwards and by nobody else."""
    needs: list[Need] = [
        ("artifacts.encryptionDisabled", "CKV_AWS_78", False),
        ("encryptionKey", "CKV_AWS_147", ...),
        ("logsConfig.s3Logs.encryptionDisabled", "CKV_AWS_311", False),
    ]
    yield from independently(missing(project, needs), _logged(project))


def _logged(project: Resource) -> Iterator[Violation]:
    cloudwatch = project.has("logsConfig.cloudwatchLogs") and (
        project.get("logsConfig.cloudwatchLogs.status", "ENABLED") == "ENABLED"
    )
    if not cloudwatch and project.get("logsConfig.s3Logs.status") != "ENABLED":
        named = project.has("logsConfig.cloudwatchLogs") or project.has("logsConfig.s3Logs")
        yield Violation("no log target is enabled.", check="status" if named else "CKV_AWS_314")
