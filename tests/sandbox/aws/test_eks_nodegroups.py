"""EKS managed node groups: made, read back, changed, deleted, and what EKS refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.aws.conftest import TRUST, Client, Network, refused


@pytest.fixture(scope="module")
def cluster(make_cluster: Callable[..., dict[str, Any]]) -> str:
    return make_cluster("main", version="1.34")["name"]


@pytest.fixture
def eks(aws: Client) -> Any:
    return aws("eks")


@pytest.fixture(scope="module")
def template(aws: Client) -> str:
    made = aws("ec2").create_launch_template(
        LaunchTemplateName="pool", LaunchTemplateData={"InstanceType": "p5.48xlarge"}
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


@pytest.fixture
def group(eks: Any, cluster: str, network: Network, role: str) -> Any:
    """Makes node groups of the cluster, and removes them."""
    made: list[str] = []

    def make(name: str, **more: Any) -> dict[str, Any]:
        given = {"nodeRole": role, "subnets": network.subnets[:1], **more}
        eks.create_nodegroup(clusterName=cluster, nodegroupName=name, **given)
        made.append(name)
        return eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]

    yield make
    for name in made:
        eks.delete_nodegroup(clusterName=cluster, nodegroupName=name)


def test_node_group_keeps_every_field(group: Any, template: str) -> None:
    given = {
        "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 2},
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "CAPACITY_BLOCK",
        "labels": {"dc/pool": "h100"},
        "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailablePercentage": 33, "updateStrategy": "MINIMAL"},
        "nodeRepairConfig": {
            "enabled": True,
            "maxParallelNodesRepairedCount": 1,
            "nodeRepairConfigOverrides": [
                {
                    "nodeMonitoringCondition": "AcceleratedInstanceNotReady",
                    "nodeUnhealthyReason": "NvidiaXID64Error",
                    "minRepairWaitTimeMins": 5,
                    "repairAction": "Replace",
                }
            ],
        },
        "releaseVersion": "1.34.2-20260728",
        "tags": {"dc:pool": "h100"},
        "launchTemplate": {"id": template, "version": "1"},
    }
    read = group("full", **given)
    assert read["launchTemplate"] == {"id": template, "name": "pool", "version": "1"}
    assert {key: read[key] for key in given if key != "launchTemplate"} == {
        key: value for key, value in given.items() if key != "launchTemplate"
    }
    assert (read["version"], read["status"]) == ("1.34", "ACTIVE")
    assert "instanceTypes" not in read, "the launch template names the type"
    assert "diskSize" not in read


def test_without_a_launch_template_the_defaults_are_those_of_eks(group: Any) -> None:
    read = group("plain", instanceTypes=["m7i.large"])
    assert (read["instanceTypes"], read["diskSize"]) == (["m7i.large"], 20)
    assert (read["amiType"], read["capacityType"]) == ("AL2023_x86_64_STANDARD", "ON_DEMAND")
    assert read["releaseVersion"].startswith("1.34.")
    assert read["updateConfig"] == {"maxUnavailable": 1}


def test_the_auto_scaling_group_is_real_tagged_and_goes_with_the_node_group(
    aws: Client, eks: Any, cluster: str, network: Network, role: str
) -> None:
    autoscaling = aws("autoscaling")
    sizes = {"minSize": 1, "maxSize": 3, "desiredSize": 2}
    made = eks.create_nodegroup(
        clusterName=cluster, nodegroupName="asg", nodeRole=role, subnets=network.subnets, scalingConfig=sizes
    )["nodegroup"]
    [name] = [entry["name"] for entry in made["resources"]["autoScalingGroups"]]

    def read() -> dict[str, Any]:
        [found] = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
        return found

    assert (read()["MinSize"], read()["MaxSize"], read()["DesiredCapacity"]) == (1, 3, 2)
    assert read()["VPCZoneIdentifier"] == ",".join(network.subnets)
    tag = {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "dc:pool"}
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": "x", "PropagateAtLaunch": False}])
    autoscaling.create_or_update_tags(Tags=[{**tag, "Value": "y", "PropagateAtLaunch": True}])
    wanted = [{"Name": "auto-scaling-group", "Values": [name]}, {"Name": "key", "Values": ["dc:pool"]}]
    [kept] = autoscaling.describe_tags(Filters=wanted)["Tags"]
    assert (kept["Value"], kept["PropagateAtLaunch"]) == ("y", True)
    autoscaling.delete_tags(Tags=[tag])
    assert autoscaling.describe_tags(Filters=wanted)["Tags"] == []
    where = {"clusterName": cluster, "nodegroupName": "asg"}
    eks.update_nodegroup_config(**where, scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 0})
    assert (read()["MinSize"], read()["MaxSize"], read()["DesiredCapacity"]) == (0, 9, 0)
    assert read()["Instances"] == [], "no machine is pretended"
    eks.delete_nodegroup(**where)
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    assert groups["AutoScalingGroups"] == []
    with refused("ResourceNotFoundException", "asg"):
        eks.describe_nodegroup(**where)


def test_configuration_is_changed_in_parts(eks: Any, cluster: str, group: Any) -> None:
    taint = {"key": "k", "value": "1", "effect": "NO_SCHEDULE"}
    group("parts", labels={"a": "1", "b": "2"}, taints=[taint])
    where = {"clusterName": cluster, "nodegroupName": "parts"}
    update = eks.update_nodegroup_config(
        **where,
        labels={"addOrUpdateLabels": {"b": "3", "c": "4"}, "removeLabels": ["a"]},
        taints={"addOrUpdateTaints": [{**taint, "value": "2"}, {**taint, "effect": "NO_EXECUTE"}]},
        scalingConfig={"minSize": 1, "maxSize": 2, "desiredSize": 1},
        updateConfig={"maxUnavailable": 2},
        nodeRepairConfig={"enabled": True},
    )["update"]
    assert eks.describe_update(name=cluster, updateId=update["id"], nodegroupName="parts")["update"]["type"] == (
        "ConfigUpdate"
    )
    read = eks.describe_nodegroup(**where)["nodegroup"]
    assert read["labels"] == {"b": "3", "c": "4"}
    assert [(entry["value"], entry["effect"]) for entry in read["taints"]] == [
        ("2", "NO_SCHEDULE"),
        ("1", "NO_EXECUTE"),
    ]
    assert (read["updateConfig"], read["nodeRepairConfig"]) == ({"maxUnavailable": 2}, {"enabled": True})
    assert read["scalingConfig"] == {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    eks.update_nodegroup_config(**where, taints={"removeTaints": [{**taint, "value": "2"}]})
    assert [entry["effect"] for entry in eks.describe_nodegroup(**where)["nodegroup"]["taints"]] == ["NO_EXECUTE"]
    with refused("InvalidParameterException", "No changes"):
        eks.update_nodegroup_config(**where)


def test_a_version_follows_the_cluster_and_the_template(
    aws: Client, eks: Any, make_cluster: Callable[..., dict[str, Any]], network: Network, role: str, template: str
) -> None:
    make_cluster("old", version="1.33")
    where = {"clusterName": "old", "nodegroupName": "n"}
    eks.create_nodegroup(
        **where, nodeRole=role, subnets=network.subnets, launchTemplate={"id": template, "version": "1"}
    )
    with refused("InvalidParameterException", "1.34"):
        eks.update_nodegroup_version(**where, version="1.34")
    eks.update_cluster_version(name="old", version="1.34")
    eks.update_nodegroup_version(**where)
    read = eks.describe_nodegroup(**where)["nodegroup"]
    assert (read["version"], read["releaseVersion"]) == ("1.34", "1.34.0-local")
    eks.update_nodegroup_version(**where, releaseVersion="1.34.2-20260728")
    assert eks.describe_nodegroup(**where)["nodegroup"]["releaseVersion"] == "1.34.2-20260728"
    aws("ec2").create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData={"InstanceType": "p4d.24xlarge"}
    )
    eks.update_nodegroup_version(**where, launchTemplate={"id": template, "version": "2"})
    assert eks.describe_nodegroup(**where)["nodegroup"]["launchTemplate"]["version"] == "2"
    other = aws("ec2").create_launch_template(LaunchTemplateName="other", LaunchTemplateData={})["LaunchTemplate"]
    with refused("InvalidParameterException", "bound to launch template"):
        eks.update_nodegroup_version(**where, launchTemplate={"id": other["LaunchTemplateId"]})
    with refused("ResourceInUseException", "nodegroups attached"):
        eks.delete_cluster(name="old")
    eks.delete_nodegroup(**where)
    eks.delete_cluster(name="old")


def test_an_image_of_ones_own_makes_a_custom_node_group(aws: Client, eks: Any, cluster: str, group: Any) -> None:
    data = {"InstanceType": "g6e.xlarge", "ImageId": "ami-0123456789abcdef0"}
    made = aws("ec2").create_launch_template(LaunchTemplateName="custom", LaunchTemplateData=data)["LaunchTemplate"]
    read = group("custom", launchTemplate={"name": "custom"})
    assert (read["amiType"], read["releaseVersion"]) == ("CUSTOM", data["ImageId"])
    assert read["launchTemplate"]["id"] == made["LaunchTemplateId"]
    with refused("InvalidParameterException", "custom AMI"):
        eks.update_nodegroup_version(clusterName=cluster, nodegroupName="custom", version="1.34")


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"scalingConfig": {"minSize": 3, "maxSize": 2, "desiredSize": 2}}, "Minimum capacity 3"),
        ({"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 5}}, "desired capacity 5"),
        ({"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}}, "maxUnavailable"),
        ({"subnets": ["subnet-00000000"]}, "subnet-00000000"),
        ({"nodeRole": "arn:aws:iam::123456789012:role/none"}, "role/none"),
        ({"launchTemplate": {"id": "lt-0123456789abcdef0"}}, "lt-0123456789abcdef0"),
        ({"launchTemplate": {"name": "pool", "version": "77"}}, "no version 77"),
        ({"launchTemplate": {"name": "pool"}, "diskSize": 50}, "Disk size"),
        ({"launchTemplate": {"name": "pool"}, "instanceTypes": ["p5.48xlarge"]}, "not both"),
        ({"launchTemplate": {"name": "subnetted"}}, "subnet"),
        ({"launchTemplate": {"name": "profiled"}}, "instance profile"),
        ({"capacityType": "CAPACITY_BLOCK"}, "launch template"),
    ],
)
def test_a_node_group_that_eks_would_refuse_is_refused(
    aws: Client, cluster: str, group: Any, template: str, wrong: dict[str, Any], part: str
) -> None:
    ec2 = aws("ec2")
    if not ec2.describe_launch_templates(Filters=[{"Name": "launch-template-name", "Values": ["subnetted"]}])[
        "LaunchTemplates"
    ]:
        nic = {"DeviceIndex": 0, "SubnetId": "subnet-00000000"}
        ec2.create_launch_template(LaunchTemplateName="subnetted", LaunchTemplateData={"NetworkInterfaces": [nic]})
        ec2.create_launch_template(
            LaunchTemplateName="profiled", LaunchTemplateData={"IamInstanceProfile": {"Name": "nodes"}}
        )
    with refused("InvalidParameterException", part):
        group("wrong", **wrong)
    assert "wrong" not in aws("eks").list_nodegroups(clusterName=cluster)["nodegroups"]
    assert not [
        entry
        for entry in aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        if "wrong" in entry["AutoScalingGroupName"]
    ]


def test_the_node_role_has_an_access_entry_as_long_as_a_node_group_uses_it(
    aws: Client, eks: Any, cluster: str, network: Network
) -> None:
    role = aws("iam").create_role(RoleName="nodes", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    for name in ("one", "two"):
        eks.create_nodegroup(clusterName=cluster, nodegroupName=name, nodeRole=role, subnets=network.subnets)
    entry = eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
    assert (entry["type"], entry["kubernetesGroups"]) == ("EC2_LINUX", ["system:nodes"])
    eks.delete_nodegroup(clusterName=cluster, nodegroupName="one")
    assert role in eks.list_access_entries(clusterName=cluster)["accessEntries"]
    eks.delete_nodegroup(clusterName=cluster, nodegroupName="two")
    assert role not in eks.list_access_entries(clusterName=cluster)["accessEntries"]


def test_the_node_daemons_see_groups_with_zones_and_template(api: Any, group: Any, template: str) -> None:
    group("seen", launchTemplate={"id": template, "version": "1"}, labels={"dc/pool": "h100"})
    answer = api.own("GET", "nodegroups")
    assert answer["boot_id"] == api.own("GET", "health")["boot_id"]
    [record] = [entry for entry in answer["nodegroups"] if entry["nodegroupName"] == "seen"]
    assert record["template"]["InstanceType"] == "p5.48xlarge"
    assert [entry["zone"] for entry in record["subnetZones"]] == ["us-east-1a"]
    assert record["region"] == "us-east-1"
