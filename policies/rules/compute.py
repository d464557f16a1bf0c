"""Machines: how they get their credentials and keep their disks."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Violation, resource_rule

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"


@resource_rule(
    id="lt-imdsv2-required",
    title="Instance metadata needs a session",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix="set metadataOptions.httpTokens to required.",
    references=["CKV_AWS_79"],
)
def imdsv2_required(machine: Resource, _: Parameters) -> Iterator[Violation]:
    """The first version of the metadata service hands a node's credentials to any request that can be forged."""
    if (
        machine.get("metadataOptions.httpEndpoint") != "disabled"
        and machine.get("metadataOptions.httpTokens") != "required"
    ):
        yield Violation("metadataOptions.httpTokens is not required.")


@resource_rule(
    id="lt-ebs-encrypted",
    title="Disks are encrypted",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix='set ebs.encrypted to "true" for every block device.',
    references=["CKV_AWS_8"],
)
def ebs_encrypted(machine: Resource, _: Parameters) -> Iterator[Violation]:
    """A disk or snapshot that leaves the account unencrypted can be read by whoever holds it."""
    for path in ("blockDeviceMappings", "rootBlockDevice", "ebsBlockDevices"):
        for index, device in enumerate(machine.all(path)):
            disk = Resource(machine.type, machine.name, machine.urn, device.get("ebs") or device)
            if path == "blockDeviceMappings" and not device.get("ebs"):
                continue
            if not disk.says("encrypted"):
                yield Violation(f"{path}[{index}] is not encrypted.")


@resource_rule(
    id="kms-rotation",
    title="Keys are rotated",
    severity="medium",
    level="mandatory",
    types=["aws:kms/key:Key"],
    fix="set enableKeyRotation to true.",
    references=["CKV_AWS_7", "CKV_AWS_227"],
)
def kms_rotation(key: Resource, _: Parameters) -> Iterator[Violation]:
    """A key that never changes protects less with every year it is used."""
    symmetric = key.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
    if symmetric and key.get("keyUsage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT" and not key.says("enableKeyRotation"):
        yield Violation("enableKeyRotation is not true.", check="rotation")
    if key.get("isEnabled", True) in (False, "false"):
        yield Violation("the key is disabled.", check="enabled")


@resource_rule(
    id="ecr-immutable-tags",
    title="An image tag never changes its meaning",
    severity="high",
    level="mandatory",
    types=["aws:ecr/repository:Repository"],
    fix="set imageTagMutability to IMMUTABLE.",
    references=["CKV_AWS_51"],
)
def ecr_immutable_tags(repository: Resource, _: Parameters) -> Iterator[Violation]:
    """A job that is started again must run the program that it ran before."""
    if repository.get("imageTagMutability") not in ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"):
        yield Violation("imageTagMutability is not IMMUTABLE.")
