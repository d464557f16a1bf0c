"""Machines: how they get their credentials, keep their disks and are reached."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from .model import (
    CannotTell,
    Parameters,
    Reading,
    Resource,
    Stack,
    Violation,
    each,
    independently,
    relation_rule,
    resource_rule,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def _session_only(machine: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if _sessionless(machine):
        yield "metadataOptions.httpTokens", "required"


def _sessionless(machine: Resource) -> bool:
    return (
        machine.get("metadataOptions.httpEndpoint") != "disabled"
        and machine.get("metadataOptions.httpTokens") != "required"
    )


@resource_rule(
    id="lt-imdsv2-required",
    title="Instance metadata needs a session",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix="set metadataOptions.httpTokens to required.",
    references=["CKV_AWS_79", "CIS AWS 5.6", "FSBP EC2.8", "FSBP EC2.170", "NIST 800-53 AC-3"],
    remedy=_session_only,
)
def imdsv2_required(machine: Resource, _: Parameters) -> Iterator[Violation]:
    """The first version of the metadata service hands a node's credentials to any request that can be forged."""
    if _sessionless(machine):
        yield Violation("metadataOptions.httpTokens is not required.")


def _fewer_hops(machine: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if (machine.number("metadataOptions.httpPutResponseHopLimit") or 0) > given["max-hops-nodes"]:
        yield "metadataOptions.httpPutResponseHopLimit", given["max-hops-nodes"]


@relation_rule(
    id="lt-imds-hop-limit",
    title="Metadata answers do not travel",
    severity="medium",
    level="advisory",
    types=[TEMPLATE, CONFIGURATION],
    fix="set metadataOptions.httpPutResponseHopLimit to 1, or to 2 for nodes of an EKS cluster.",
    references=["CKV_AWS_341", "FSBP AutoScaling.4"],
    parameters={"max-hops": 1, "max-hops-nodes": 2},
    remedy=_fewer_hops,
)
def imds_hop_limit(machine: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A container one hop away asks for the machine's credentials. EKS documents 2 hops for its nodes, so 2 pass."""
    hops = machine.number("metadataOptions.httpPutResponseHopLimit")
    nodes = bool(stack.referring(machine, "launchTemplate", NODE_GROUP))
    most = given["max-hops-nodes" if nodes else "max-hops"]
    if hops is not None and hops > most and machine.get("metadataOptions.httpEndpoint") != "disabled":
        yield Violation(f"the hop limit is {int(hops)}, more than {int(most)}.")


def _disks(machine: Resource) -> Iterator[tuple[str, Reading]]:
    def mapped() -> Iterator[tuple[str, Reading]]:
        for device in machine.views("blockDeviceMappings"):
            if device.has("ebs"):
                yield f"{device.where}.ebs", device.view("ebs")

    def direct(path: str) -> Iterator[tuple[str, Reading]]:
        single = not isinstance(machine.get(path, ()), list | tuple)
        for device in machine.views(path):
            yield (path if single else device.where), device

    yield from independently(mapped(), direct("rootBlockDevice"), direct("ebsBlockDevices"))


def _encrypt(machine: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    value = "true" if machine.type == TEMPLATE else True
    for path, disk in _disks(machine):
        if not disk.says("encrypted") and not (disk.has("snapshotId") and not disk.has("encrypted")):
            yield f"{path}.encrypted", value


@resource_rule(
    id="lt-ebs-encrypted",
    title="Disks are encrypted",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix='set encrypted to true ("true" in launch templates) for every disk, the root disk of an instance too.',
    references=["CKV_AWS_8", "FSBP EC2.3", "NIST 800-53 SC-28"],
    parameters={"require-cmk": False},
    remedy=_encrypt,
)
def ebs_encrypted(machine: Resource, given: Parameters) -> Iterator[Violation]:
    """A disk or snapshot that leaves the account unencrypted can be read by whoever holds it."""

    def root() -> Iterator[Violation]:
        if machine.type != TEMPLATE and not machine.has("rootBlockDevice"):
            yield Violation("the root disk is as the image has it, not encrypted.")

    def one(found: tuple[str, Reading]) -> Iterator[Violation]:
        path, disk = found
        if disk.has("snapshotId") and not disk.has("encrypted"):
            raise CannotTell(f"{path}.encrypted", "is as its snapshot is")
        if not disk.says("encrypted"):
            yield Violation(f"{path} is not encrypted.")
        elif given["require-cmk"] and not disk.has("kmsKeyId"):
            yield Violation(f"{path} is encrypted with no key of one's own.", check="cmk")

    yield from independently(root(), each(_disks(machine), one))


@resource_rule(
    id="lt-no-public-ip",
    title="Machines have no public address",
    severity="high",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix="remove associatePublicIpAddress; reach machines through a load balancer or Session Manager.",
    references=["CKV_AWS_88", "CKV_AWS_389", "FSBP EC2.9", "FSBP EC2.25", "NIST 800-53 SC-7"],
)
def no_public_ip(machine: Resource, _: Parameters) -> Iterator[Violation]:
    """A training node has nothing to offer to the internet but holes."""
    check = "CKV_AWS_389" if machine.type == CONFIGURATION else "CKV_AWS_88"

    def itself() -> Iterator[Violation]:
        if machine.says("associatePublicIpAddress"):
            yield Violation("associatePublicIpAddress is true.", check=check)

    def one(interface: Reading) -> Iterator[Violation]:
        if interface.says("associatePublicIpAddress"):
            yield Violation(f"{interface.where} asks for a public address.", check=check)

    yield from independently(itself(), each(machine.views("networkInterfaces"), one))


PATTERNS = (
    r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])",
    r"(?i)aws_?secret_?access_?key\W{1,4}[A-Za-z0-9/+=]{40}",
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
)


def user_data(machine: Resource) -> bytes:
    """What the machine runs at first start. Launch templates carry it in base64, instances in clear or in base64."""
    text = str(machine.get("userData") or "")
    encoded = text if machine.type == TEMPLATE else str(machine.get("userDataBase64") or "")
    if not encoded:
        return text.encode()
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (ValueError, binascii.Error):
        return encoded.encode()  # not base64: EC2 will refuse it, but whoever wrote it can read it now


@resource_rule(
    id="lt-no-secrets-in-user-data",
    title="User data holds no secrets",
    severity="critical",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix="take the secret out; let the machine's role fetch it from Secrets Manager.",
    references=["CKV_AWS_46", "NIST 800-53 IA-5"],
    parameters={"patterns": PATTERNS},
)
def no_secrets_in_user_data(machine: Resource, given: Parameters) -> Iterator[Violation]:
    """Everyone who may describe the machine, and every process on it, reads its user data."""
    text = user_data(machine).decode(errors="replace")
    if any(re.search(pattern, text) for pattern in given["patterns"]):
        yield Violation("the user data holds an access key or a private key.")


@resource_rule(
    id="lt-user-data-size",
    title="User data fits",
    severity="medium",
    level="mandatory",
    types=[TEMPLATE, INSTANCE, CONFIGURATION],
    fix="shorten it, or fetch the rest from a bucket.",
    parameters={"max-bytes": 16384},
)
def user_data_size(machine: Resource, given: Parameters) -> Iterator[Violation]:
    """EC2 refuses more than 16 KiB."""
    size = len(user_data(machine))
    if size > given["max-bytes"]:
        yield Violation(f"the user data has {size} bytes, more than {int(given['max-bytes'])}.")
