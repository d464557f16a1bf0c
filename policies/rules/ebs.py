"""Disks and images: encrypted, tagged, and within what EBS sells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import Parameters, Reading, Resource, Violation, each, independently, resource_rule
from .services import judged

VOLUME = "aws:ebs/volume:Volume"
COPY = "aws:ebs/snapshotCopy:SnapshotCopy"
BY_DEFAULT = "aws:ebs/encryptionByDefault:EncryptionByDefault"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
IMAGE = "aws:ec2/ami:Ami"
IMAGE_COPY = "aws:ec2/amiCopy:AmiCopy"
LAUNCH_PERMISSION = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"
TAGGED = ("instance", "volume", "network-interface")


def _encrypt(volume: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if volume.type == BY_DEFAULT:
        if volume.denies("enabled"):
            yield "enabled", True
    elif not volume.says("encrypted"):
        yield "encrypted", True


@resource_rule(
    id="ebs-volume-encrypted",
    title="Volumes are encrypted with a customer key",
    severity="high",
    level="mandatory",
    types=[VOLUME, COPY, BY_DEFAULT],
    fix="set encrypted to true and kmsKeyId to a key of your own.",
    references=["CKV_AWS_3", "CKV_AWS_106", "CKV_AWS_183", "CKV_AWS_189", "CIS AWS 5.1.1", "FSBP EC2.7"],
    parameters={"require-cmk": True},
    remedy=_encrypt,
)
def volume_encrypted(volume: Resource, given: Parameters) -> Iterator[Violation]:
    """A disk or snapshot that leaves the account unencrypted can be read by whoever holds it."""
    if volume.type == BY_DEFAULT:
        if volume.denies("enabled"):
            yield Violation("encryption by default is off.", check="CKV_AWS_106")
        return

    def encrypted() -> Iterator[Violation]:
        if not volume.says("encrypted"):
            yield Violation("encrypted is not true.", check="CKV_AWS_3")

    def owned() -> Iterator[Violation]:
        if given["require-cmk"] and not volume.has("kmsKeyId"):
            check = "CKV_AWS_183" if volume.type == COPY else "CKV_AWS_189"
            yield Violation("no key of one's own is named.", check=check)

    yield from independently(encrypted(), owned())


LIMITS: dict[str, dict[str, Any]] = {
    "standard": {"size": (1, 1024)},
    "gp2": {"size": (1, 16384)},
    "gp3": {"size": (1, 16384), "iops": (3000, 16000), "ratio": 500, "throughput": (125, 1000)},
    "io1": {"size": (4, 16384), "iops": (100, 64000), "ratio": 50},
    "io2": {"size": (4, 65536), "iops": (100, 256000), "ratio": 1000},
    "st1": {"size": (125, 16384)},
    "sc1": {"size": (125, 16384)},
}
"""GiB, IOPS, IOPS per GiB and MiB/s, as aws-parallelcluster checked them in 2024-10. AWS raises them: a parameter."""
PER_IOPS = 0.25
"""MiB/s of gp3 for each provisioned IOPS at most."""


@resource_rule(
    id="ebs-size-iops-throughput",
    title="Disks are within what EBS sells",
    severity="high",
    level="mandatory",
    types=[VOLUME, TEMPLATE],
    fix="change size, iops or throughput to the bounds of the volume type, or raise the parameter limits.",
    parameters={"limits": LIMITS},
)
def size_iops_throughput(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """EC2 refuses the disk, and with it the machine."""
    limits = given["limits"]
    if resource.type == VOLUME:
        yield from _bounds(resource, "type", "size", limits)
    else:
        disks = (device.view("ebs") for device in resource.views("blockDeviceMappings") if device.has("ebs"))
        yield from each(disks, lambda disk: _bounds(disk, "volumeType", "volumeSize", limits))


def _bounds(disk: Reading, kind_path: str, size_path: str, table: Any) -> Iterator[Violation]:
    kind = str(disk.get(kind_path, "gp2"))
    limits = table.get(kind)
    if limits is None:
        yield Violation(f"there is no volume type {kind}.", check="type")
        return
    for name, path in (("size", size_path), ("iops", "iops"), ("throughput", "throughput")):
        value, bounds = disk.number(path), limits.get(name)
        if value is not None and value > 0 and bounds is None:
            yield Violation(f"{kind} takes no {name}.", check=name)
        elif value is not None and bounds and not bounds[0] <= value <= bounds[1]:
            yield Violation(f"{name} {value:g} of {kind} is not in {bounds[0]:g} to {bounds[1]:g}.", check=name)
    size, iops, throughput = disk.number(size_path), disk.number("iops"), disk.number("throughput")
    if kind in ("io1", "io2") and iops is None:
        yield Violation(f"{kind} needs iops.", check="iops")
    if size and iops and limits.get("ratio") and iops > size * limits["ratio"] and iops > limits["iops"][0]:
        yield Violation(f"{iops:g} iops on {size:g} GiB are more than {limits['ratio']:g} per GiB.", check="ratio")
    if kind == "gp3" and throughput and throughput > PER_IOPS * (iops or limits["iops"][0]):
        yield Violation(f"{throughput:g} MiB/s need at least {throughput / PER_IOPS:g} iops.", check="throughput-iops")


def _encrypt_copy(image: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if image.type == IMAGE_COPY and not image.says("encrypted"):
        yield "encrypted", True


@resource_rule(
    id="ami-encrypted",
    title="Machine images are encrypted and stay in the account",
    severity="medium",
    level="advisory",
    types=[IMAGE, IMAGE_COPY, LAUNCH_PERMISSION],
    fix="set encrypted and kmsKeyId; share images only with the accounts of the parameter accounts.",
    references=["CKV_AWS_204", "CKV_AWS_205", "CKV_AWS_235", "CKV_AWS_236", "NIST 800-53 SC-28"],
    parameters={"accounts": ()},
    remedy=_encrypt_copy,
)
def image_encrypted(image: Resource, given: Parameters) -> Iterator[Violation]:
    """An image holds whatever was on the machine it was made from."""
    if image.type == LAUNCH_PERMISSION:
        if image.get("accountId") not in given["accounts"]:
            yield Violation("the image may be started by an account or group that is not listed.", check="CKV_AWS_205")
    elif image.type == IMAGE_COPY:
        plain = Violation("the copy is not encrypted.", check="CKV_AWS_235")
        foreign = Violation("the copy is not encrypted with a key of one's own.", check="CKV_AWS_236")
        yield from judged((lambda: not image.says("encrypted"), plain), (lambda: not image.has("kmsKeyId"), foreign))
    else:
        yield from each(image.views("ebsBlockDevices"), _unencrypted)


def _unencrypted(device: Reading) -> Iterator[Violation]:
    if not device.has("snapshotId") and not device.says("encrypted"):
        yield Violation(f"{device.where} is not encrypted.", check="CKV_AWS_204")


def _tag_everything(template: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    tags = {key: value for key, value in template.tags.items() if key in given["required-tags"]}
    present = {entry.get("resourceType") for entry in template.views("tagSpecifications")}
    if tags and set(tags) >= set(given["required-tags"]):
        for kind in TAGGED:
            if kind not in present:
                yield "tagSpecifications.-", {"resourceType": kind, "tags": tags}


@resource_rule(
    id="lt-tag-specifications",
    title="What a template starts is tagged",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="add tagSpecifications for instance, volume and network-interface with the required tags.",
    references=["CKV_AWS_153"],
    parameters={"required-tags": ("dc:site", "dc:environment", "dc:owner", "dc:cost-center")},
    remedy=_tag_everything,
)
def tag_specifications(template: Resource, given: Parameters) -> Iterator[Violation]:
    """Machines and disks of a node group inherit no tags from the stack: their cost belongs to nobody."""
    found: dict[str, dict[str, Any]] = {}
    for entry in template.views("tagSpecifications"):
        found.setdefault(str(entry.get("resourceType")), {}).update(entry.entries("tags").raw)
    for kind in TAGGED:
        missing = [key for key in given["required-tags"] if key not in found.get(kind, {})]
        if kind not in found:
            yield Violation(f"no tags for {kind}.", check=kind)
        elif missing:
            yield Violation(f"the tags for {kind} lack {', '.join(missing)}.", check=kind)
