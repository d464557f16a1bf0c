from __future__ import annotations

import base64
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.kubernetes.nodegroups import DesiredNode, disk_gib, inventory
from tests.sandbox.kubernetes.records import record


def nodes(*records: dict[str, Any]) -> list[DesiredNode]:
    return inventory("boot", list(records)).nodes


def efa_template(count: int) -> dict[str, Any]:
    kinds = ["efa", *["efa-only"] * (count - 1), "interface"]
    return {"NetworkInterfaces": [{"NetworkCardIndex": i, "InterfaceType": kind} for i, kind in enumerate(kinds)]}


def test_a_group_has_as_many_nodes_as_it_wants_named_after_it() -> None:
    found = nodes(record(scalingConfig={"desiredSize": 3}))
    assert [node.name for node in found] == ["h100-0", "h100-1", "h100-2"]
    assert nodes(record(scalingConfig={"desiredSize": 0})) == []


def test_growing_a_group_leaves_its_nodes_as_they_are() -> None:
    small, large = (nodes(record(scalingConfig={"desiredSize": size})) for size in (2, 5))
    assert large[:2] == small


def test_a_node_carries_the_labels_that_eks_gives_and_those_of_its_group() -> None:
    [node, _] = nodes(record(labels={"dc/pool": "h100", "team": "research"}, capacityType="CAPACITY_BLOCK"))
    assert node.pool == "h100"
    wanted = {
        "kubernetes.io/hostname": "h100-0",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": "p5.48xlarge",
        "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": "us-east-1a",
        "topology.k8s.aws/zone-id": "use1-az6",
        "eks.amazonaws.com/nodegroup": "h100",
        "eks.amazonaws.com/capacityType": "CAPACITY_BLOCK",
        "dc/pool": "h100",
        "team": "research",
    }
    assert wanted.items() <= node.labels.items()


def test_taints_are_written_as_kubernetes_writes_them() -> None:
    taints = [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
        {"key": "spare", "effect": "PREFER_NO_SCHEDULE"},
        {"key": "drain", "value": "", "effect": "NO_EXECUTE"},
    ]
    [node, _] = nodes(record(taints=taints))
    assert node.taints == (
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"key": "spare", "effect": "PreferNoSchedule"},
        {"key": "drain", "effect": "NoExecute"},
    )


def test_efa_devices_are_those_that_the_launch_template_attaches() -> None:
    [node, _] = nodes(record(template=efa_template(32)))
    assert node.capacity["vpc.amazonaws.com/efa"] == "32"
    [fewer, _] = nodes(record(template=efa_template(4)))
    assert fewer.capacity["vpc.amazonaws.com/efa"] == "4"
    [without, _] = nodes(record())
    assert "vpc.amazonaws.com/efa" not in without.capacity, "a pool without EFA must not look as if it had it"


def test_a_type_never_shows_more_efa_devices_than_it_can_carry() -> None:
    [node, _] = nodes(record(template=efa_template(40)))
    assert node.capacity["vpc.amazonaws.com/efa"] == "32"


def test_the_instance_type_of_a_capacity_block_group_is_in_its_launch_template() -> None:
    [node, _] = nodes(record(instanceTypes=None, template={"InstanceType": "p5en.48xlarge"}))
    assert node.instance_type == "p5en.48xlarge"
    assert node.capacity["nvidia.com/gpu"] == "8"


def test_a_group_whose_type_nobody_knows_is_named_and_not_guessed() -> None:
    found = inventory("boot", [record(instanceTypes=["p99.metal"]), record(nodegroupName="other", instanceTypes=None)])
    assert found.nodes == []
    assert found.unknown == {
        "h100": "the catalog has no instance type p99.metal",
        "other": "its launch template is gone",
    }


def test_nodes_are_spread_over_the_zones_of_the_subnets() -> None:
    zones = [{"zone": f"us-east-1{letter}", "zoneId": letter} for letter in "cab"]
    found = nodes(record(subnetZones=zones, scalingConfig={"desiredSize": 4}))
    assert [node.labels["topology.kubernetes.io/zone"][-1] for node in found] == ["a", "b", "c", "a"]
    assert [node.labels["topology.k8s.aws/zone-id"] for node in found] == ["a", "b", "c", "a"]


def test_nodes_under_one_switch_share_the_layers_above_it() -> None:
    found = nodes(record(scalingConfig={"desiredSize": 40}))
    layers = [[node.labels[f"topology.k8s.aws/network-node-layer-{n}"] for n in (1, 2, 3)] for node in found]
    assert len({layer[0] for layer in layers}) == 1
    assert len({layer[2] for layer in layers}) == 3
    assert layers[0] == layers[15]
    assert layers[0][2] != layers[16][2]
    above: dict[str, str] = {}
    for _, middle, leaf in layers:
        assert above.setdefault(leaf, middle) == middle


def test_plain_machines_have_no_place_in_the_accelerator_network() -> None:
    [node, _] = nodes(record(instanceTypes=["m7i.large"]))
    assert not [label for label in node.labels if "network-node-layer" in label]


def test_groups_of_one_name_in_two_clusters_get_nodes_of_different_names() -> None:
    found = nodes(record(), record(clusterName="second", nodegroupArn="arn:second"))
    assert len({node.name for node in found}) == 4
    assert found[0].name == "h100-0"
    assert {node.provider_id for node in found[:2]}.isdisjoint({node.provider_id for node in found[2:]})


def test_a_new_launch_template_version_means_new_instances() -> None:
    first, second = (
        nodes(record(launchTemplate={"id": "lt-1", "name": "t", "version": version}))[0] for version in ("1", "2")
    )
    assert first.generation != second.generation
    relabelled = nodes(record(launchTemplate={"id": "lt-1", "name": "t", "version": "1"}, labels={"a": "b"}))[0]
    assert relabelled.generation == first.generation


def test_the_disk_is_the_root_volume_unless_nodeadm_joins_the_local_disks() -> None:
    volume = {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 300}}]}
    raid = base64.b64encode(b"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n").decode()
    assert disk_gib(record(diskSize=50), 30400) == 50
    assert disk_gib(record(), None) == 20
    assert disk_gib(record(template=volume), 30400) == 300
    assert disk_gib(record(template={**volume, "UserData": raid}), 30400) == 30400 * 1000**3 / 1024**3
    assert disk_gib(record(template={**volume, "UserData": raid}), None) == 300
    assert disk_gib(record(template={"UserData": "not base64!"}), 30400) == 20


@given(st.from_regex(r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}", fullmatch=True))
def test_every_group_name_that_eks_takes_gives_node_names_that_kubernetes_takes(name: str) -> None:
    [node, _] = nodes(record(nodegroupName=name))
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", node.name)
    assert len(node.name) <= 63
