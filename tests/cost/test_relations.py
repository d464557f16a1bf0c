"""Promises about what a resource costs through others: templates, clusters, scaling targets, images."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import cost
from tests.cost.plans import plan, resource

DAY = date(2026, 11, 22)
TEMPLATE, GROUP = "aws:ec2/launchTemplate:LaunchTemplate", "aws:autoscaling/group:Group"


def lines(subject: str, *steps: Any, **config: str) -> dict[str, Decimal]:
    """Quantities of the lines of one resource, by item."""
    found = cost.estimate(plan(*steps, **config), today=DAY)
    return {line.item: line.quantity.base for line in found.lines if line.resource == subject}


def test_what_an_instance_says_goes_before_its_launch_template_and_volumes_merge_by_device() -> None:
    template = resource(
        TEMPLATE,
        "lt",
        instanceType="t3.medium",
        monitoring={"enabled": True},
        ebsOptimized="true",
        blockDeviceMappings=[
            {"deviceName": "xvdc", "ebs": {"volumeType": "io1", "volumeSize": 10, "iops": 100}},
            {"deviceName": "xvdd", "ebs": {"volumeType": "gp3", "volumeSize": 7}},
        ],
    )
    machine = resource(
        "aws:ec2/instance:Instance",
        "box",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": None},
        instanceType="t3.large",
        monitoring=False,
        ebsBlockDevices=[{"deviceName": "xvdc", "volumeSize": 20}],
    )
    found = lines("box", template, machine)
    assert found == {
        "Instance usage (Linux/UNIX, on-demand, t3.large)": 730,
        "root_block_device > Storage (general purpose SSD, gp2)": 8,
        "ebs_block_device[0] > Storage (provisioned IOPS SSD, io1)": 20,
        "ebs_block_device[0] > Provisioned IOPS": 100,
        "ebs_block_device[1] > Storage (general purpose SSD, gp3)": 7,
    }


@pytest.mark.parametrize(("weight", "machines"), [("2", 3), ("4", 2), (None, 6)])
def test_a_mixed_group_with_weights_counts_units_of_capacity_not_machines(weight: str | None, machines: int) -> None:
    override = {"instanceType": "t2.large", "weightedCapacity": weight}
    group = resource(
        GROUP, "asg", desiredCapacity=6, mixedInstancesPolicy={"launchTemplate": {"overrides": [override]}}
    )
    assert lines("asg", group) == {"Instance usage (Linux/UNIX, on-demand, t2.large)": machines * 730}


def test_a_node_group_whose_template_names_no_type_has_the_type_of_the_service() -> None:
    template = resource(TEMPLATE, "lt", blockDeviceMappings=[{"deviceName": "/dev/sda1", "ebs": {"volumeSize": 20}}])
    group = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "nodes",
        refers={"launchTemplate": "lt"},
        launchTemplate={"id": None},
        scalingConfig={"desiredSize": 3},
    )
    found = lines("nodes", template, group)
    assert found["Instance usage (Linux/UNIX, on-demand, t3.medium)"] == 2190
    assert found["block_device_mapping[0] > Storage (general purpose SSD, gp2)"] == 60


def test_a_node_group_names_what_its_missing_template_leaves_open_and_prices_the_rest() -> None:
    group = resource(
        "aws:eks/nodeGroup:NodeGroup", "nodes", launchTemplate={"name": "elsewhere"}, instanceTypes=["m5.large"]
    )
    assert lines("nodes", group) == {"Instance usage (Linux/UNIX, on-demand, m5.large)": 730}
    found = cost.estimate(plan(group), today=DAY)
    assert [(gap.item, gap.kind) for gap in found.unpriced] == [("Root volume", "input")]


def service(**inputs: Any) -> list[dict[str, Any]]:
    """An ECS service of two tasks in a cluster."""
    task = resource("aws:ecs/taskDefinition:TaskDefinition", "task", cpu="1 vCPU", memory="2 GB")
    cluster = resource("aws:ecs/cluster:Cluster", "cluster", name="cluster")
    refers = {"cluster": "cluster", "taskDefinition": "task"}
    return [task, cluster, resource("aws:ecs/service:Service", "web", refers=refers, desiredCount=2, **inputs)]


@pytest.mark.parametrize(
    ("offered", "strategies", "fargate"),
    [
        (["FARGATE"], [{"capacityProvider": "FARGATE"}], True),
        (["FARGATE"], [], True),
        (["FARGATE", "own"], [], False),
        (["FARGATE", "own"], [{"capacityProvider": "own"}], False),
    ],
)
def test_a_service_without_a_strategy_runs_where_its_cluster_says(
    offered: list[str], strategies: list[dict[str, str]], fargate: bool
) -> None:
    providers = resource(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "providers",
        refers={"clusterName": "cluster"},
        clusterName="cluster",
        capacityProviders=offered,
        defaultCapacityProviderStrategies=strategies,
    )
    found = lines("web", *service(), providers)
    assert found == ({"Per GB per hour": 4, "Per vCPU per hour": 2} if fargate else {})
    assert lines("web", *service(launchType="EC2"), providers) == {}


def test_a_scaling_target_counts_whether_it_refers_to_the_table_or_names_it() -> None:
    table = resource("aws:dynamodb/table:Table", "t", name="Games", readCapacity=30, writeCapacity=20)
    shared = {"scalableDimension": "dynamodb:table:ReadCapacityUnits", "minCapacity": 56, "resourceId": "table/Games"}
    target = "aws:appautoscaling/target:Target"
    for scaling in (
        resource(target, "scaling", **shared),
        resource(target, "scaling", refers={"resourceId": "t"}, **shared),
    ):
        found = lines("t", table, scaling, aws__region="us-east-2")
        assert found == {"Write capacity unit (WCU)": 20, "Read capacity unit (RCU, autoscaling)": 56}


def test_a_disk_without_a_size_is_as_large_as_what_it_is_made_from() -> None:
    first = resource("gcp:compute/disk:Disk", "first", size=20)
    snapshot = resource("gcp:compute/snapshot:Snapshot", "snap", refers={"sourceDisk": "first"}, sourceDisk=None)
    image = resource("gcp:compute/image:Image", "image", refers={"sourceSnapshot": "snap"}, sourceSnapshot=None)
    disk = resource("gcp:compute/disk:Disk", "copy", refers={"image": "image"}, image=None)
    assert lines("copy", first, snapshot, image, disk) == {"Standard provisioned storage (pd-standard)": 20}


def test_a_machine_that_is_configured_by_name_is_one_of_its_group() -> None:
    template = resource("gcp:compute/instanceTemplate:InstanceTemplate", "template", machineType="e2-medium")
    group = resource(
        "gcp:compute/instanceGroupManager:InstanceGroupManager",
        "group",
        refers={"versions": "template"},
        versions=[{"instanceTemplate": None}],
        targetSize=0,
        zone="us-central1-a",
    )
    config = resource(
        "gcp:compute/perInstanceConfig:PerInstanceConfig", "one", refers={"instanceGroupManager": "group"}
    )
    assert lines("group", template, group) == {}
    found = lines("group", template, group, config)
    assert found == {"Instance usage (Linux/UNIX, on-demand, e2-medium)": 730}
