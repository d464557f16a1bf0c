"""What Google refuses of TPU node pools and workload policies; shapes and facts from the catalog.

Source of the rules: the preconditions of GoogleCloudPlatform/cluster-toolkit, modules/compute/gke-node-pool/main.tf
(01a7a3e), and its module internal/tpu-definition (1047080).
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog import tpus
from catalog.tpu_slice import UnknownTopology, slice_of
from sandbox.providers.gcp.record import Resource, World, find
from sandbox.providers.protocol import Problem

POLICY = "gcp:compute/resourcePolicy:ResourcePolicy"
MACHINE, TOPOLOGY, POLICY_NAME = "nodeConfig.machineType", "placementPolicy.tpuTopology", "placementPolicy.policyName"
COUNT = "nodeCount"
RESERVATION = "nodeConfig.reservationAffinity.consumeReservationType"


def purchase(pool: Resource) -> Iterator[Problem]:
    """Ways to buy that exclude each other."""
    reservation, flex = pool.known(RESERVATION), pool.known("nodeConfig.flexStart")
    spot, queued = pool.known("nodeConfig.spot"), pool.known("queuedProvisioning.enabled")
    if flex and reservation not in (None, "NO_RESERVATION"):
        yield Problem(RESERVATION, f"{RESERVATION}: {reservation} with flexStart; flex-start takes NO_RESERVATION only")
    if flex and spot:
        yield Problem("nodeConfig.spot", "nodeConfig.spot: true with flexStart; a pool is bought in one way")
    if flex and pool.known("management.autoRepair") is not False:
        yield Problem("management.autoRepair", "management.autoRepair: must be false with flexStart")
    if flex and pool.known(COUNT) is not None:
        yield Problem(
            COUNT, f"{COUNT}: {pool.at(COUNT)} with flexStart; nodes come when they can be had: give autoscaling"
        )
    if queued and reservation not in (None, "NO_RESERVATION"):
        yield Problem(
            RESERVATION, f"{RESERVATION}: {reservation} with queuedProvisioning; it takes NO_RESERVATION only"
        )
    if queued and spot:
        yield Problem("nodeConfig.spot", "nodeConfig.spot: true with queuedProvisioning; queued nodes cannot be spot")
    if spot and reservation in ("SPECIFIC_RESERVATION", "ANY_RESERVATION"):
        yield Problem("nodeConfig.spot", f"nodeConfig.spot: true with {RESERVATION} {reservation}; give one of them")
    if reservation == "SPECIFIC_RESERVATION" and not pool.at("nodeConfig.reservationAffinity.values"):
        here = "nodeConfig.reservationAffinity.values"
        yield Problem(here, f"{here}: required with SPECIFIC_RESERVATION: the name of the reservation")


def tpu_slice(pool: Resource) -> Iterator[Problem]:
    """Machine type, topology and placement of a TPU pool fit each other."""
    name = pool.known(MACHINE)
    if name not in tpus:
        if pool.known(TOPOLOGY):
            yield Problem(TOPOLOGY, f"{TOPOLOGY}: {pool.at(TOPOLOGY)}, but {MACHINE} {name} is no TPU machine type")
        return
    machine, topology = tpus[name], pool.known(TOPOLOGY)
    if machine.generation == "tpu7x":
        yield from _ironwood(pool)
        return
    if pool.at(POLICY_NAME):
        yield Problem(POLICY_NAME, f"{POLICY_NAME}: workload policies are for tpu7x; {name} takes tpuTopology")
    if topology is None:
        if pool.at("placementPolicy.type") == "COMPACT" and not pool.at(TOPOLOGY):
            yield Problem(
                "placementPolicy", f"placementPolicy: COMPACT without tpuTopology; {name} needs one for a slice"
            )
        return
    try:
        found = slice_of(machine.generation, topology, name)
    except UnknownTopology as error:
        yield Problem(TOPOLOGY, f"{TOPOLOGY}: {error}")
        return
    if not found.multi_host:
        yield Problem(
            "placementPolicy", f"placementPolicy: {topology} of {name} is a single host; COMPACT is for slices"
        )
        return
    yield from _hosts(pool, found.hosts, topology)


def _ironwood(pool: Resource) -> Iterator[Problem]:
    """tpu7x is placed by a workload policy, never by a topology of the pool."""
    if pool.at(TOPOLOGY):
        yield Problem(TOPOLOGY, f"{TOPOLOGY}: tpu7x has its topology in a workload policy; name that in policyName")
    elif not pool.at(POLICY_NAME) and (pool.known(COUNT) or 0) > 1:
        yield Problem(POLICY_NAME, f"{POLICY_NAME}: required for a tpu7x slice: a resource policy with workloadPolicy")


def _hosts(pool: Resource, hosts: int, topology: str) -> Iterator[Problem]:
    """A slice has all its hosts at once, in one zone."""
    counts = (COUNT, "initialNodeCount", "autoscaling.maxNodeCount", "autoscaling.totalMaxNodeCount")
    for path in counts:
        given = pool.known(path)
        if given is not None and given != hosts:
            yield Problem(path, f"{path}: {given}, but a slice of {topology} has {hosts} hosts of {pool.at(MACHINE)}")
    if len(pool.known("nodeLocations") or []) > 1:
        yield Problem("nodeLocations", "nodeLocations: a slice is in one zone; give one")
    if pool.known("upgradeSettings.strategy") == "BLUE_GREEN":
        yield Problem("upgradeSettings.strategy", "upgradeSettings.strategy: a slice is upgraded by SURGE only")


def workload_policy(pool: Resource, world: World) -> Iterator[str]:
    """The policy that a pool names is there, in its project, and fits the machine type and the number of nodes."""
    given, name = pool.at(POLICY_NAME), pool.known(MACHINE)
    if not given:
        return
    found = find(world.store, POLICY, str(given), str(pool["project"]))
    if found is None:
        yield f"{POLICY_NAME} {given} does not exist"
        return
    if name not in tpus:
        return
    policy = Resource(found.inputs).at("workloadPolicy") or {}
    topology = policy.get("acceleratorTopology")
    if topology is None:
        yield f"{POLICY_NAME} {given} has no workloadPolicy.acceleratorTopology"
        return
    try:
        hosts = slice_of(tpus[name].generation, topology, name).hosts
    except UnknownTopology as error:
        yield f"{POLICY_NAME} {given}: {error}"
        return
    if pool[COUNT] is not None and pool[COUNT] != hosts:
        yield f"{COUNT} {pool[COUNT]}, but a slice of {topology} has {hosts} hosts of {name}"
    reservation = pool.known(RESERVATION)
    if policy.get("acceleratorTopologyMode") == "PROVISION_ONLY" and reservation != "SPECIFIC_RESERVATION":
        yield f"{RESERVATION} must be SPECIFIC_RESERVATION: the workload policy says PROVISION_ONLY"


def policy_shape(policy: Resource) -> Iterator[Problem]:
    """An accelerator topology is for policies of high throughput."""
    workload = policy["workloadPolicy"]
    if not isinstance(workload, dict):
        return
    topology, kind = workload.get("acceleratorTopology"), workload.get("type")
    if topology and kind != "HIGH_THROUGHPUT":
        here = "workloadPolicy.type"
        yield Problem(here, f"{here}: {kind} with acceleratorTopology; give HIGH_THROUGHPUT")
