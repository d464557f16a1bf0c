"""How many accelerators a stack may have, over node groups, scaling groups, machines and pools of both clouds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .facts import gke_nodes, gke_zones, gpus, tpu
from .machines import NODE_GROUP, OVERRIDES, SCALING_GROUP, counted, kinds, most
from .model import CannotTell, Parameters, Reading, Resource, Stack, View, Violation, each, stack_rule

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
        if resource.external:
            continue
        mine, unknown = _known(resource)
        doubt = doubt or unknown
        first = first or (resource if mine else None)
        total += mine
    if total > given["max-accelerators"]:
        message = f"the groups may have {total:g} accelerators, more than {given['max-accelerators']:g}."
        yield Violation(message, resource=first)
    elif doubt is not None:
        raise doubt


def _known(resource: Resource) -> tuple[float, CannotTell | None]:
    """The most accelerators that a resource may bring as far as it is known, and why there may be more."""
    if resource.type in (NODE_GROUP, SCALING_GROUP, *INSTANCES):
        return _of_group(resource)
    try:
        return _of_google(resource), None
    except CannotTell as unknown:
        return 0, unknown


def _of_google(resource: Resource) -> float:
    if resource.type == MACHINE:
        return _of_machine(resource)
    if resource.type == GKE_POOL:
        clusters = resource.referred("cluster", GKE_CLUSTER)
        return _of_pool(resource, clusters[0] if clusters else None)
    return _of_cluster(resource)


def _of_group(group: Resource) -> tuple[float, CannotTell | None]:
    """Of a group or a single machine: as if every machine were of the type with the most accelerators."""
    largest, doubt, weights = 0.0, None, _weights(group)
    found = each(kinds(group), lambda kind: [counted(kind) / weights.get(kind, 1)])
    try:
        for accelerators in found:
            largest = max(largest, accelerators)
    except CannotTell as unknown:
        doubt = unknown
    if not largest or group.type in INSTANCES:
        return largest, doubt
    try:
        return largest * most(group), doubt
    except CannotTell as unknown:
        return 0, unknown


def _weights(group: Resource) -> dict[str, float]:
    """Units of a group's size that one machine of a type counts as."""
    overrides = [item for item in group.all(OVERRIDES) if isinstance(item, Mapping)]
    weighted = [View(item, OVERRIDES) for item in overrides if isinstance(item.get("weightedCapacity"), str | int)]
    return {str(entry.inputs.get("instanceType")): entry.number("weightedCapacity", 1) or 1 for entry in weighted}


def _of_cluster(cluster: Resource) -> float:
    """Of the pools that a cluster names itself, and of its default pool."""
    pools = list(cluster.views("nodePools"))
    total = sum(_of_pool(pool, cluster) for pool in pools)
    if pools or cluster.says("removeDefaultNodePool"):
        return total
    one = _of_machine(cluster, "nodeConfig.")
    return total + (one * _zones(cluster, cluster) * (cluster.number("initialNodeCount") or gke_nodes()) if one else 0)


def _of_pool(pool: Reading, cluster: Resource | None) -> float:
    one = _of_machine(pool, "nodeConfig.")
    return one * _nodes(pool, cluster) if one else 0


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
    sizes = [pool.number(path) for path in ("autoscaling.maxNodeCount", "nodeCount", "initialNodeCount")]
    known = [size for size in sizes if size is not None]
    slice_of, topology = tpu(pool.get("nodeConfig.machineType")), pool.get("placementPolicy.tpuTopology")
    if not known and slice_of and topology:
        return slice_of["multi"].get(topology, 1)
    return _zones(pool, cluster) * max(known, default=gke_nodes())


def _zones(pool: Reading, cluster: Resource | None) -> int:
    """Zones of a pool: those it names, those of its cluster, one for a zone and several for a region."""
    location = pool.get("location") or (cluster.get("location") if cluster else None)
    for place in (pool, cluster):
        if place is not None and (named := {str(zone) for zone in place.known("nodeLocations")}):
            return len(named | ({str(location)} if str(location).count("-") == 2 else set()))
    return 1 if str(location).count("-") == 2 else gke_zones()
