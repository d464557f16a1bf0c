"""Shared file systems for models and homes."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Violation, resource_rule
from .services import Need, judged, missing, setting

SYSTEM = "aws:efs/fileSystem:FileSystem"
POINT = "aws:efs/accessPoint:AccessPoint"
ENCRYPTED = ("encrypted", "CKV_AWS_42", True)
ELASTIC = ("throughputMode", "throughputMode", "elastic")


@resource_rule(
    id="efs-encrypted",
    title="File systems are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[SYSTEM],
    fix="set encrypted to true and kmsKeyId to a key of your own.",
    references=["CKV_AWS_42", "CKV_AWS_184", "CIS AWS 2.3.1", "FSBP EFS.1", "NIST 800-53 SC-28"],
    parameters={"require-cmk": True},
    remedy=setting(ENCRYPTED),
)
def efs_encrypted(system: Resource, given: Parameters) -> Iterator[Violation]:
    """It can be set only when the file system is made."""
    needs: list[Need] = [ENCRYPTED]
    if given["require-cmk"]:
        needs.append(("kmsKeyId", "CKV_AWS_184", ...))
    yield from missing(system, needs)


@resource_rule(
    id="efs-access-point-enforced",
    title="Access points fix user and folder",
    severity="medium",
    level="advisory",
    types=[POINT],
    fix="set posixUser, and rootDirectory.path to a folder.",
    references=["CKV_AWS_329", "CKV_AWS_330", "FSBP EFS.3", "FSBP EFS.4", "NIST 800-53 AC-6"],
)
def access_point_enforced(point: Resource, _: Parameters) -> Iterator[Violation]:
    """Otherwise a pod is whoever it says it is, and sees everything."""
    root = Violation("rootDirectory.path is the root.", check="CKV_AWS_329")
    anybody = Violation("posixUser is not set.", check="CKV_AWS_330")
    yield from judged(
        (lambda: point.get("rootDirectory.path", "/") == "/", root), (lambda: not point.has("posixUser"), anybody)
    )


@resource_rule(
    id="efs-elastic-throughput",
    title="Shared model caches are fast when needed",
    severity="low",
    level="advisory",
    types=[SYSTEM],
    fix="set throughputMode to elastic.",
    references=["AWS EKS best practices"],
    remedy=setting(ELASTIC),
)
def elastic_throughput(system: Resource, _: Parameters) -> Iterator[Violation]:
    """Bursting credits are gone after the first nodes have loaded the model."""
    yield from missing(system, [ELASTIC])
