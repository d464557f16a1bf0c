"""What others changed in the cloud shows in a refresh, as inputs, so that the next up puts it right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.providers.aws.api import Api
from tests.sandbox.providers.aws.plugin import Managed, Plugin
from tests.sandbox.providers.aws.scenarios import World
from tests.sandbox.providers.aws.test_lifecycle import CASES


def _tag_vpc(api: Api, made: Managed) -> None:
    api.client("ec2").create_tags(Resources=[made.id], Tags=[{"Key": "Name", "Value": "HACK"}])


def _hostnames(api: Api, made: Managed) -> None:
    api.client("ec2").modify_vpc_attribute(VpcId=made.id, EnableDnsHostnames={"Value": False})


def _describe(api: Api, made: Managed) -> None:
    api.client("iam").update_role(RoleName=made.id, Description="HACK")


def _versions(api: Api, made: Managed) -> None:
    client, bucket = api.client("s3"), made.inputs["bucket"]
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def _scale(api: Api, made: Managed) -> None:
    names = {"clusterName": made.inputs["clusterName"], "nodegroupName": made.inputs["nodeGroupName"]}
    sizes = {"minSize": 0, "maxSize": 9, "desiredSize": 7}
    labels = {"addOrUpdateLabels": {"hack": "1"}}
    api.client("eks").update_nodegroup_config(**names, scalingConfig=sizes, labels=labels)


def _template(api: Api, made: Managed) -> None:
    client = api.client("ec2")
    client.create_launch_template_version(LaunchTemplateId=made.id, LaunchTemplateData={"InstanceType": "t3.micro"})


def _open_group(api: Api, made: Managed) -> None:
    world = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    api.client("ec2").authorize_security_group_ingress(GroupId=made.id, IpPermissions=[world])


def _retain(api: Api, made: Managed) -> None:
    api.client("logs").delete_retention_policy(logGroupName=made.id)


def _unblock(api: Api, made: Managed) -> None:
    block = {"BlockPublicAcls": True, "BlockPublicPolicy": False, "IgnorePublicAcls": True}
    client, bucket = api.client("s3"), made.inputs["bucket"]
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)


DRIFT: dict[str, tuple[Callable[[Api, Managed], Any], set[str]]] = {
    "aws:ec2/vpc:Vpc": (_tag_vpc, {"tags.Name"}),
    "aws:iam/role:Role": (_describe, {"description"}),
    "aws:s3/bucketVersioning:BucketVersioning": (_versions, {"versioningConfiguration.status"}),
    "aws:eks/nodeGroup:NodeGroup": (
        _scale,
        {"scalingConfig.minSize", "scalingConfig.maxSize", "scalingConfig.desiredSize", "labels.hack"}
        - {"scalingConfig.minSize"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (_open_group, {"ingress"}),
    "aws:cloudwatch/logGroup:LogGroup": (_retain, {"retentionInDays"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        _unblock,
        {"blockPublicPolicy", "restrictPublicBuckets"},
    ),
}


@pytest.mark.parametrize("kind", DRIFT, ids=lambda kind: kind.split(":")[-1])
def test_drift_is_seen_and_put_right(kind: str, plugin: Plugin, api: Api) -> None:
    world = World(plugin)
    inputs = {key: value for key, value in CASES[kind].inputs(world).items() if value is not None}
    made = plugin.resource(kind).create(inputs)
    spoil, paths = DRIFT[kind]
    spoil(api, made)
    assert made.changes(inputs) == set(), "without a refresh nobody asks the cloud"
    assert made.refresh()
    assert made.changes(inputs) == paths
    made.update(inputs)
    assert made.changes(inputs) == set()
    assert not made.refresh()
    made.delete()
    world.clean()


def test_a_template_changed_by_others_gets_a_new_version_with_everything_again(plugin: Plugin, api: Api) -> None:
    world = World(plugin)
    kind = "aws:ec2/launchTemplate:LaunchTemplate"
    inputs = CASES[kind].inputs(world)
    made = plugin.resource(kind).create(inputs)
    _template(api, made)
    made.refresh()
    assert {"instanceType", "userData", "networkInterfaces"} <= {path.split("[")[0] for path in made.changes(inputs)}
    made.update(inputs)
    assert made.state["latestVersion"] == made.state["defaultVersion"] == 3
    answer = api.client("ec2").describe_launch_template_versions(LaunchTemplateId=made.id, Versions=["$Default"])
    assert len(answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]["NetworkInterfaces"]) == 4
    made.delete()
    world.clean()


def test_a_cloud_that_lost_everything_reads_as_gone(plugin: Plugin, api: Api) -> None:
    world = World(plugin)
    made = []
    for name, case in CASES.items():
        if " " not in name and "accessEntry" not in name:
            inputs = {key: value for key, value in case.inputs(world).items() if value is not None}
            made.append(plugin.resource(name, "lost").create(inputs))
    api.empty()
    for one in [*made, *world.order]:
        assert one.read() is None, one.type
        one.delete()
