"""Recorded node pools, as the gcp provider writes them."""

from __future__ import annotations

from typing import Any

from sandbox.gcp.store import Recorded

CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
POLICY = "gcp:compute/resourcePolicy:ResourcePolicy"
PLACE = "projects/aidc-local/locations/us-central1"


def _entry(kind: str, identity: str, inputs: dict[str, Any], at: str) -> Recorded:
    name = identity.rpartition("/")[2]
    state = {"name": name, "project": "aidc-local", "location": "us-central1"}
    return Recorded(kind, identity, f"urn:pulumi:test::p::{kind}::{name}", at, {"name": name} | inputs, state)


def cluster(name: str = "tpu") -> Recorded:
    return _entry(CLUSTER, f"{PLACE}/clusters/{name}", {}, "2026-01-01T00:00:00")


def policy(name: str, topology: str) -> Recorded:
    workload = {"type": "HIGH_THROUGHPUT", "acceleratorTopology": topology}
    identity = f"projects/aidc-local/regions/us-central1/resourcePolicies/{name}"
    return _entry(POLICY, identity, {"workloadPolicy": workload}, "2026-01-01T00:00:01")


def pool(
    name: str, machine: str, nodes: int | None = 1, topology: str | None = None, config: Any = None, **more: Any
) -> Recorded:
    """A node pool in one zone; a slice where it has a topology."""
    placement = {"placementPolicy": {"type": "COMPACT", "tpuTopology": topology}} if topology else {}
    count = {} if nodes is None else {"nodeCount": nodes}
    inputs = {
        "cluster": f"{PLACE}/clusters/tpu",
        "nodeLocations": ["us-central1-b"],
        "nodeConfig": {"machineType": machine} | (config or {}),
        **placement,
        **count,
        **more,
    }
    return _entry(POOL, f"{PLACE}/clusters/tpu/nodePools/{name}", inputs, "2026-01-01T00:00:02")
