"""How many accelerators a stack may have, over node groups, scaling groups, machines and pools of both clouds."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import gke_zones, gpus, tpu
from .machines import NODE_GROUP, OVERRIDES, SCALING_GROUP, counted, most, uses
from .model import CannotTell, Parameters, Reading, Resource, Stack, Violation, stack_rule

INSTANCES = ("aws:ec2/instance:Instance", "aws:ec2/spotInstanceRequest:SpotInstanceRequest")
GKE_POOL = "gcp:container/nodePool:NodePool"
GKE_CLUSTER = "gcp:container/cluster:Cluster"
MACHINE = "gcp:compute/instance:Instance"


@stack_rule(
    id="accelerator-count-cap",
    title="The stack has no more accelerators than agreed",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP, SCALING_GROUP, *INSTANCES, GKE_POOL, GKE_CLUSTER, MACHINE],
    fix="lower the maximum sizes, or agree on more and raise the parameter max-accelerators.",
    parameters={"max-accelerators": 1024},
)
def count_cap(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A zero too many in a stack file is a million dollars a month."""
    total, first, doubt = 0.0, None, None
    for resource in stack.of(NODE_GROUP, SCALING_GROUP, *INSTANCES, GKE_POOL, GKE_CLUSTER, MACHINE):
        try:
            mine = _accelerators(resource)
        except CannotTell as unknown:
            doubt = doubt or unknown
            continue
        first = first or (resource if mine else None)
        total += mine
    if total > given["max-accelerators"]:
        message = f"the groups may have {total:g} accelerators, more than {given['max-accelerators']:g}."
        yield Violation(message, resource=first)
    elif doubt is not None:
        raise doubt


def _accelerators(resource: Resource) -> float:
    """The most accelerators that a resource may bring."""
    if resource.type in INSTANCES:
        return max(map(counted, uses(resource)), default=0)
    if resource.type == MACHINE:
        return _of_machine(resource)
    if resource.type == GKE_POOL:
        clusters = resource.referred("cluster", GKE_CLUSTER)
        return _of_pool(resource, clusters[0] if clusters else None)
    if resource.type == GKE_CLUSTER:
        return _of_cluster(resource)
    sizes = _per_unit(resource)
    return most(resource) * max(sizes) if sizes and max(sizes) else 0


def _per_unit(group: Resource) -> list[float]:
    """Accelerators for each unit of a group's size; a type with a weight counts as several units."""
    weights = {
        str(override.get("instanceType")): override.number("weightedCapacity", 1) or 1
        for override in group.views(OVERRIDES)
        if override.has("instanceType")
    }
    return [counted(kind) / weights.get(kind, 1) for kind in uses(group)]


def _of_cluster(cluster: Resource) -> float:
    """Of the pools that a cluster names itself, and of its default pool."""
    pools = list(cluster.views("nodePools"))
    total = sum(_of_pool(pool, cluster) for pool in pools)
    if pools or cluster.says("removeDefaultNodePool"):
        return total
    each = _of_machine(cluster, "nodeConfig.")
    return total + (each * _zones(cluster, cluster) * (cluster.number("initialNodeCount", 0) or 0) if each else 0)


def _of_pool(pool: Reading, cluster: Resource | None) -> float:
    each = _of_machine(pool, "nodeConfig.")
    return each * _nodes(pool, cluster) if each else 0


def _of_machine(where: Reading, path: str = "") -> float:
    """GPUs or TPU chips of one machine."""
    kind = where.get(f"{path}machineType")
    slice_of = tpu(kind)
    added = sum(entry.number("count", 0) or 0 for entry in where.views(f"{path}guestAccelerators"))
    return slice_of["chips"] if slice_of else max(added, gpus(kind))


def _nodes(pool: Reading, cluster: Resource | None) -> float:
    """Machines that a GKE pool may have; sizes of a regional pool are for each of its zones."""
    if whole := pool.number("autoscaling.totalMaxNodeCount"):
        return whole
    sizes = [pool.number(path, 0) or 0 for path in ("autoscaling.maxNodeCount", "nodeCount", "initialNodeCount")]
    return _zones(pool, cluster) * max(sizes)


def _zones(pool: Reading, cluster: Resource | None) -> int:
    """Zones of a pool: those it names, those of its cluster, one for a zone and several for a region."""
    location = pool.get("location") or (cluster.get("location") if cluster else None)
    for place in (pool, cluster):
        if place is not None and (named := {str(zone) for zone in place.known("nodeLocations")}):
            return len(named | ({str(location)} if str(location).count("-") == 2 else set()))
    return 1 if str(location).count("-") == 2 else gke_zones()
