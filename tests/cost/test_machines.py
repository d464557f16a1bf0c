"""Promises about groups of machines: how many there are, where, and what describes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import cost
from cost import usage
from tests.cost.plans import plan, resource

POOL = "gcp:container/nodePool:NodePool"


def priced(*steps: Any, **config: str) -> cost.Estimate:
    return cost.estimate(plan(*steps, **config), usage.Usage())


def pool(location: str, scaling: dict[str, int], **inputs: Any) -> Any:
    settings = {"machineType": "a3-highgpu-8g"}
    return resource(POOL, "p", location=location, autoscaling=scaling, nodeConfig=settings, **inputs)


@pytest.mark.parametrize(
    ("location", "scaling", "size"),
    [
        ("us-central1", {"totalMinNodeCount": 2, "totalMaxNodeCount": 8}, (2, 2, 8)),
        ("us-central1", {"minNodeCount": 1, "maxNodeCount": 4}, (3, 3, 12)),
        ("us-central1-a", {"minNodeCount": 1, "maxNodeCount": 4}, (1, 1, 4)),
    ],
)
def test_a_pool_that_scales_tells_its_least_and_its_most(
    location: str, scaling: dict[str, int], size: tuple[int, int, int]
) -> None:
    found = priced(pool(location, scaling)).machines[0]
    assert (found.count, found.minimum, found.maximum) == size


def test_a_pool_that_is_empty_now_and_may_grow_is_named_and_not_free() -> None:
    found = priced(pool("us-central1", {"totalMinNodeCount": 0, "totalMaxNodeCount": 4}))
    assert [gap.item for gap in found.unpriced] == ["Machines (none now, up to 4 x a3-highgpu-8g)"]
    assert found.free == 0


@pytest.mark.parametrize(
    ("inputs", "machine", "count", "chips"),
    [
        ({"acceleratorType": "v5litepod-8"}, "ct5lp-hightpu-8t", 1, 8),
        ({"acceleratorType": "v5litepod-16"}, "ct5lp-hightpu-4t", 4, 16),
        ({"acceleratorType": "v5p-8"}, "ct5p-hightpu-4t", 1, 4),
        ({"acceleratorConfig": {"type": "V6E", "topology": "4x4"}}, "ct6e-standard-4t", 4, 16),
    ],
)
def test_a_tpu_vm_counts_its_chips_and_what_they_draw(inputs: Any, machine: str, count: int, chips: int) -> None:
    found = priced(resource("gcp:tpu/v2Vm:V2Vm", "t", zone="us-east5-a", **inputs))
    assert [(entry.instance_type, entry.count) for entry in found.machines] == [(machine, count)]
    assert found.power.accelerators == chips
    assert found.power.max_kw
    assert {line.quantity.base for line in found.lines} <= {Decimal(chips * 730)}


def test_a_local_zone_has_no_price_of_its_region_and_its_machines_draw_power_there() -> None:
    machine = resource(
        "aws:ec2/instance:Instance", "edge", instanceType="g5.xlarge", availabilityZone="us-west-2-lax-1a"
    )
    found = priced(machine, aws__region="us-west-2")
    assert not found.lines
    assert "us-west-2-lax-1a" in found.unknown[0].reason
    assert [entry.region for entry in found.machines] == ["us-west-2"]
    assert found.carbon.kg_month


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("aws:autoscaling/group:Group", {"desiredCapacity": 1, "launchTemplate": {"name": "tt"}}),
        ("aws:eks/nodeGroup:NodeGroup", {"scalingConfig": {"desiredSize": 1}, "launchTemplate": {"name": "tt"}}),
        (
            "aws:autoscaling/group:Group",
            {
                "desiredCapacity": 1,
                "mixedInstancesPolicy": {
                    "launchTemplate": {"launchTemplateSpecification": {"launchTemplateName": "tt"}}
                },
            },
        ),
    ],
)
def test_a_launch_template_may_be_called_by_its_name(kind: str, inputs: Any) -> None:
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", "lt", name="tt", instanceType="p4d.24xlarge")
    found = priced(template, resource(kind, "g", **inputs))
    assert [entry.instance_type for entry in found.machines] == ["p4d.24xlarge"]
