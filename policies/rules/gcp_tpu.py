"""TPU pools on GKE: what Google refuses, and what would never become a slice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .facts import tpu
from .model import Parameters, Resource, Stack, Violation, relation_rule, resource_rule

NODE_POOL = "gcp:container/nodePool:NodePool"
WORKLOAD = "gcp:compute/resourcePolicy:ResourcePolicy"
LABELLED = (NODE_POOL, "gcp:container/cluster:Cluster", "gcp:storage/bucket:Bucket")
RESERVED = ("SPECIFIC_RESERVATION", "ANY_RESERVATION")


def _machine(pool: Resource) -> dict[str, Any] | None:
    return tpu(pool.get("nodeConfig.machineType"))


def _several_hosts(pool: Resource, machine: dict[str, Any]) -> bool | None:
    """Whether the pool is a slice of several machines; None where no topology says so."""
    topology = pool.get("placementPolicy.tpuTopology")
    if topology:
        return _chips(str(topology)) > machine["chips"]
    return None


def _chips(topology: str) -> int:
    return math.prod(int(side) for side in topology.lower().split("x"))


@resource_rule(
    id="gcp-spot-or-reservation",
    title="A pool is bought in one way",
    severity="high",
    level="mandatory",
    types=[NODE_POOL],
    fix="remove spot, or set reservationAffinity.consumeReservationType to NO_RESERVATION.",
    references=["Google: GKE reservations"],
)
def spot_or_reservation(pool: Resource, _: Parameters) -> Iterator[Violation]:
    """Google refuses spot machines from a reservation."""
    spot = pool.says("nodeConfig.spot") or pool.says("nodeConfig.preemptible")
    if spot and pool.get("nodeConfig.reservationAffinity.consumeReservationType") in RESERVED:
        yield Violation("spot machines are asked for from a reservation.")


@resource_rule(
    id="gcp-tpu-topology",
    title="A TPU slice has a topology that exists",
    severity="high",
    level="mandatory",
    types=[NODE_POOL],
    fix="use a topology of the machine type, and as many nodes as its chips need machines.",
    references=["Google: TPUs on GKE"],
)
def tpu_topology(pool: Resource, _: Parameters) -> Iterator[Violation]:
    """GKE refuses the pool, or its machines never become one slice."""
    machine, topology = _machine(pool), pool.get("placementPolicy.tpuTopology")
    if machine is None or not topology:
        return
    sides = str(topology).lower().split("x")
    if not all(side.isdigit() and int(side) for side in sides) or len(sides) != machine["dimensions"]:
        yield Violation(f"{topology} is no topology in {machine['dimensions']} dimensions.", check="shape")
        return
    chips = _chips(str(topology))
    if chips > machine["most"] or chips % machine["chips"]:
        yield Violation(f"{topology} cannot be made of machines with {machine['chips']} chips.", check="chips")
        return
    nodes = pool.number("nodeCount") or pool.number("autoscaling.maxNodeCount")
    wanted = chips // machine["chips"]
    if nodes is not None and nodes != wanted:
        yield Violation(f"{topology} needs {wanted} nodes, {nodes:g} are asked for.", check="nodes")


@resource_rule(
    id="gcp-tpu-placement",
    title="Only slices of several machines are placed together",
    severity="high",
    level="mandatory",
    types=[NODE_POOL],
    fix="set placementPolicy COMPACT with tpuTopology for several hosts, none for one.",
    references=["Google: TPUs on GKE"],
)
def tpu_placement(pool: Resource, _: Parameters) -> Iterator[Violation]:
    """GKE refuses COMPACT on a machine that is a slice by itself, and several machines without it are no slice."""
    machine = _machine(pool)
    if machine is None or machine["generation"] == "tpu7x":
        return
    compact, several = pool.get("placementPolicy.type") == "COMPACT", _several_hosts(pool, machine)
    if compact and (several is False or not machine["multi"]):
        yield Violation("COMPACT stands on a slice of one machine.", check="single")
    elif several and not compact:
        yield Violation("tpuTopology of several machines needs type COMPACT.", check="multi")


@relation_rule(
    id="gcp-tpu7x-workload-policy",
    title="TPU7x slices have a workload policy",
    severity="high",
    level="mandatory",
    types=[NODE_POOL],
    fix="name a gcp.compute.ResourcePolicy with workloadPolicy HIGH_THROUGHPUT in placementPolicy.policyName.",
    references=["Google: TPU7x on GKE"],
)
def tpu7x_workload_policy(pool: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """Other generations take the topology from the pool; TPU7x takes it from the policy and refuses both."""
    machine = _machine(pool)
    if machine is None or machine["generation"] != "tpu7x":
        return
    if pool.get("placementPolicy.tpuTopology"):
        yield Violation("placementPolicy.tpuTopology stands beside TPU7x.", check="topology")
    if not pool.has("placementPolicy.policyName"):
        yield Violation("placementPolicy.policyName is not set.", check="policy")
    for policy in pool.referred("placementPolicy", WORKLOAD):
        if policy.get("workloadPolicy.type") != "HIGH_THROUGHPUT":
            yield Violation(f"{policy.name} is not of type HIGH_THROUGHPUT.", check="type")


KEYS = ("dc-site", "dc-environment", "dc-owner", "dc-cost-center")


@resource_rule(
    id="gcp-required-labels",
    title="Everything in Google Cloud says whose it is",
    severity="medium",
    level="mandatory",
    types=[*LABELLED],
    fix="set the labels, best once as default labels of the provider.",
    references=["NIST 800-53 CM-8"],
    parameters={"keys": KEYS},
)
def required_labels(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """What belongs to nobody is paid for by everybody. Default labels of the provider count where it applies them."""
    path = {NODE_POOL: "nodeConfig.resourceLabels", LABELLED[1]: "resourceLabels"}.get(resource.type, "labels")
    labels = set(resource.entries(path))
    if resource.provider is not None and resource.type != NODE_POOL:
        labels |= set(resource.provider.entries("defaultLabels"))
    if missing := [str(key) for key in given["keys"] if key not in labels]:
        yield Violation(f"the labels {', '.join(missing)} are missing.")
