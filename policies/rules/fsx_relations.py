"""File systems and what is around them: EFA groups, linked buckets, nodes that share the throughput."""

from __future__ import annotations

from collections.abc import Iterator

from .efa import trusts_itself
from .machines import NODE_GROUP, accelerated_groups, most
from .model import CannotTell, Parameters, Resource, Stack, Violation, any_of, relation_rule
from .services import judged

LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
LINK = "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
SUBNET = "aws:ec2/subnet:Subnet"
LINKS = 8
"""Data repository associations of a file system at most (AWS FSx for Lustre quotas)."""


@relation_rule(
    id="fsx-lustre-efa-prerequisites",
    title="EFA file systems have what EFA needs",
    severity="high",
    level="mandatory",
    types=[LUSTRE],
    fix="use PERSISTENT_2 with metadataConfiguration and a group that allows all traffic to and from itself.",
    references=["AWS FSx for Lustre guide: EFA"],
)
def efa_prerequisites(system: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """FSx refuses the file system, or clients fall back to TCP in silence."""
    if not system.says("efaEnabled"):
        return
    groups = system.referred("securityGroupIds", GROUP)
    deployment = Violation("EFA needs PERSISTENT_2.", check="deploymentType")
    metadata = Violation("EFA needs metadataConfiguration.", check="metadataConfiguration")
    group = Violation("no group of it allows all traffic to and from itself.", check="securityGroupIds")
    yield from judged(
        (lambda: system.get("deploymentType") != "PERSISTENT_2", deployment),
        (lambda: not system.has("metadataConfiguration"), metadata),
        (lambda: bool(groups) and not any_of(groups, lambda found: trusts_itself(stack, found)), group),
    )


@relation_rule(
    id="fsx-dra-limits",
    title="Bucket links of a file system fit beside each other",
    severity="medium",
    level="mandatory",
    types=[LUSTRE],
    fix="link at most 8 buckets at separate paths, and none beside importPath or exportPath.",
    references=["aws-parallelcluster FsxDraValidator"],
)
def dra_limits(system: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """FSx refuses the ninth link, and links whose paths contain each other."""
    links = stack.referring(system, "fileSystemId", LINK)
    if len(links) > LINKS:
        yield Violation(f"{len(links)} buckets are linked, {LINKS} are possible.", check="count")
    if links and (system.has("importPath") or system.has("exportPath")):
        yield Violation("links exclude importPath and exportPath.", check="importPath")
    paths = sorted(str(link.get("fileSystemPath", "/")).rstrip("/") + "/" for link in links)
    for index, path in enumerate(paths):
        if any(other.startswith(path) for other in paths[index + 1 :]):
            yield Violation(f"the paths of two links overlap at {path}.", check="fileSystemPath")


def _bandwidth(system: Resource) -> float | None:
    """MB/s of a file system."""
    if capacity := system.number("throughputCapacity"):
        return capacity
    unit, size = system.number("perUnitStorageThroughput"), system.number("storageCapacity")
    if str(system.get("deploymentType", "SCRATCH_1")).startswith("SCRATCH"):
        unit = 200
    return size / 1024 * unit if size and unit else None


@relation_rule(
    id="fsx-throughput-per-node",
    title="The file system keeps up with the nodes",
    severity="medium",
    level="advisory",
    types=[LUSTRE],
    fix="raise storageCapacity or perUnitStorageThroughput, or lower the parameter min-mb-per-node.",
    references=["AWS EKS best practices"],
    parameters={"min-mb-per-node": 150},
)
def throughput_per_node(system: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Nodes that wait for data or write checkpoints for minutes cost as much as nodes that compute."""
    nodes, doubt = 0.0, None
    try:
        for group in accelerated_groups(stack):
            nodes += most(group)
    except CannotTell as unknown:
        doubt = unknown
    bandwidth = _bandwidth(system)
    if nodes and bandwidth and bandwidth / nodes < given["min-mb-per-node"]:
        message = f"{bandwidth / nodes:.0f} MB/s for each of {nodes:g} nodes, less than {given['min-mb-per-node']:g}."
        yield Violation(message)
    elif doubt is not None:
        raise doubt


@relation_rule(
    id="fsx-same-az-as-nodes",
    title="The file system stands beside the nodes",
    severity="medium",
    level="advisory",
    types=[LUSTRE],
    fix="give the file system a subnet in a zone of the accelerator nodes.",
    references=["aws-parallelcluster UnmanagedFsxMultiAzValidator"],
)
def same_az_as_nodes(system: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Traffic between zones is slower, and each gigabyte is paid for twice."""
    mine = {subnet.get("availabilityZone") for subnet in system.referred("subnetIds", SUBNET)}
    path = {NODE_GROUP: "subnetIds"}
    zones = {
        subnet.get("availabilityZone")
        for group in accelerated_groups(stack)
        for subnet in group.referred(path.get(group.type, "vpcZoneIdentifiers"), SUBNET)
    }
    mine.discard(None)
    zones.discard(None)
    if mine and zones and not mine & zones:
        yield Violation(f"it is in {', '.join(sorted(mine))}, the nodes in {', '.join(sorted(zones))}.")
