"""Promises about values that are known only after creation: what they decide is named, never priced at a default."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import cost
from tests.cost.plans import plan, resource

DAY = date(2026, 11, 22)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
POOL = {"machineType": "n1-standard-4", "diskSizeGb": 100}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("aws:ebs/volume:Volume", {"size": 100, "type": UNKNOWN}),
        ("aws:ebs/volume:Volume", {"size": 100, "type": "gp3", "iops": UNKNOWN}),
        ("aws:ec2/instance:Instance", {"instanceType": "t3.micro", "ebsBlockDevices": [{"volumeSize": UNKNOWN}]}),
        ("aws:eks/nodeGroup:NodeGroup", {"instanceTypes": [UNKNOWN], "scalingConfig": {"desiredSize": 1}}),
        ("aws:eks/nodeGroup:NodeGroup", {"instanceTypes": ["m5.large"], "scalingConfig": {"desiredSize": UNKNOWN}}),
        ("aws:ecs/service:Service", {"capacityProviderStrategies": [{"capacityProvider": UNKNOWN}]}),
        ("gcp:compute/instance:Instance",
         {"machineType": "e2-medium", "bootDisk": {"initializeParams": {"size": UNKNOWN}}}),
        ("gcp:container/nodePool:NodePool", {"nodeConfig": {**POOL, "machineType": UNKNOWN}}),
        ("gcp:container/nodePool:NodePool", {"nodeConfig": {**POOL, "guestAccelerators": [{"count": UNKNOWN}]}}),
        ("gcp:container/cluster:Cluster", {"nodePools": [{"nodeConfig": {**POOL, "spot": UNKNOWN}}]}),
        ("gcp:bigtable/instance:Instance", {"clusters": [{"numNodes": UNKNOWN}]}),
        ("gcp:compute/address:Address", {"region": UNKNOWN}),
    ],
)  # fmt: skip
def test_what_an_unknown_decides_is_named(kind: str, inputs: dict[str, Any]) -> None:
    found = cost.estimate(plan(resource(kind, "it", **inputs)), today=DAY)
    assert any(gap.kind == "input" for gap in found.unpriced), found.lines


def test_unknown_zones_are_counted() -> None:
    pool = {"location": "us-central1", "nodeLocations": [UNKNOWN, UNKNOWN], "nodeCount": 1, "nodeConfig": POOL}
    found = cost.estimate(plan(resource("gcp:container/nodePool:NodePool", "it", **pool)), today=DAY)
    assert found.lines[0].quantity.base == 2 * 730
