"""EC2 launch templates, placement groups, capacity reservations and blocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.aws.conftest import Client, pairs, refused, tags

EFA = [
    {"NetworkCardIndex": card, "DeviceIndex": min(card, 1), "InterfaceType": "efa-only" if card else "efa"}
    for card in range(32)
]


@pytest.fixture
def ec2(aws: Client) -> Any:
    return aws("ec2")


def test_launch_template_keeps_its_data_and_its_tags_apart(ec2: Any) -> None:
    data = {
        "InstanceType": "p5.48xlarge",
        "UserData": "aGVsbG8=",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True}}
        ],
        "NetworkInterfaces": EFA,
        "InstanceMarketOptions": {"MarketType": "capacity-block"},
        "CapacityReservationSpecification": {"CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789"}},
        "Placement": {"GroupName": "pool"},
        "TagSpecifications": tags("instance", pool="h100"),
    }
    made = ec2.create_launch_template(
        LaunchTemplateName="pool", LaunchTemplateData=data, TagSpecifications=tags("launch-template", a="b")
    )["LaunchTemplate"]
    template = made["LaunchTemplateId"]
    [first] = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["1"])["LaunchTemplateVersions"]
    assert first["LaunchTemplateData"] == data
    changed = {**data, "InstanceType": "p5en.48xlarge"}
    ec2.create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData=changed, VersionDescription="newer"
    )
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])
    [second] = versions["LaunchTemplateVersions"]
    assert second["LaunchTemplateData"] == changed
    ec2.create_tags(Resources=[template], Tags=pairs({"later": "1"}))
    [read] = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
    assert (read["DefaultVersionNumber"], read["LatestVersionNumber"]) == (2, 2)
    assert read["Tags"] == pairs({"a": "b", "later": "1"})
    ec2.delete_launch_template(LaunchTemplateId=template)
    for call in (ec2.delete_launch_template, lambda LaunchTemplateId: ec2.describe_launch_templates(  # noqa: N803
        LaunchTemplateIds=[LaunchTemplateId]
    )):  # fmt: skip
        with refused("InvalidLaunchTemplateId.NotFound"):
            call(LaunchTemplateId=template)


def test_more_than_fifteen_launch_templates_are_all_listed(ec2: Any) -> None:
    for index in range(17):
        ec2.create_launch_template(LaunchTemplateName=f"many-{index}", LaunchTemplateData={})
    names = [template["LaunchTemplateName"] for template in ec2.describe_launch_templates()["LaunchTemplates"]]
    assert len([name for name in names if name.startswith("many-")]) == 17


def test_placement_group(ec2: Any) -> None:
    made = ec2.create_placement_group(
        GroupName="pool", Strategy="cluster", TagSpecifications=tags("placement-group", a="b")
    )["PlacementGroup"]
    spread = ec2.create_placement_group(GroupName="wide", Strategy="spread", SpreadLevel="rack")["PlacementGroup"]
    parts = ec2.create_placement_group(GroupName="parts", Strategy="partition", PartitionCount=3)["PlacementGroup"]
    assert (spread["SpreadLevel"], parts["PartitionCount"]) == ("rack", 3)
    with refused("InvalidPlacementGroup.Duplicate"):
        ec2.create_placement_group(GroupName="pool", Strategy="cluster")
    ec2.create_tags(Resources=[made["GroupId"]], Tags=pairs({"c": "d"}))
    ec2.delete_tags(Resources=[made["GroupId"]], Tags=[{"Key": "a"}])
    [read] = ec2.describe_placement_groups(GroupNames=["pool"])["PlacementGroups"]
    assert read == {**made, "Tags": pairs({"c": "d"})}
    by_tag = ec2.describe_placement_groups(Filters=[{"Name": "tag:c", "Values": ["d"]}])["PlacementGroups"]
    assert [group["GroupName"] for group in by_tag] == ["pool"]
    listed = ec2.describe_tags(Filters=[{"Name": "resource-type", "Values": ["placement-group"]}])["Tags"]
    assert [entry["ResourceId"] for entry in listed] == [made["GroupId"]]
    for name in ("pool", "wide", "parts"):
        ec2.delete_placement_group(GroupName=name)
    with refused("InvalidPlacementGroup.Unknown"):
        ec2.describe_placement_groups(GroupNames=["pool"])
    with refused("InvalidPlacementGroup.Unknown"):
        ec2.delete_placement_group(GroupName="pool")
    with refused("InvalidPlacementGroupId.Unknown"):
        ec2.create_tags(Resources=[made["GroupId"]], Tags=pairs({"c": "d"}))


def test_capacity_reservation(ec2: Any) -> None:
    end = datetime(2030, 1, 1, tzinfo=UTC)
    made = ec2.create_capacity_reservation(
        InstanceType="p5.48xlarge",
        InstancePlatform="Linux/UNIX",
        AvailabilityZone="us-east-1a",
        InstanceCount=2,
        InstanceMatchCriteria="targeted",
        EndDateType="limited",
        EndDate=end,
        TagSpecifications=tags("capacity-reservation", a="b"),
    )["CapacityReservation"]
    reservation = made["CapacityReservationId"]
    [read] = ec2.describe_capacity_reservations(CapacityReservationIds=[reservation])["CapacityReservations"]
    assert (read["State"], read["EndDate"], read["Tags"]) == ("active", end, pairs({"a": "b"}))
    assert read["AvailabilityZoneId"].startswith("use1-az")
    ec2.modify_capacity_reservation(CapacityReservationId=reservation, InstanceCount=4, EndDateType="unlimited")
    [read] = ec2.describe_capacity_reservations(Filters=[{"Name": "state", "Values": ["active"]}])[
        "CapacityReservations"
    ]
    assert (read["TotalInstanceCount"], read["AvailableInstanceCount"]) == (4, 4)
    assert "EndDate" not in read
    ec2.cancel_capacity_reservation(CapacityReservationId=reservation)
    [read] = ec2.describe_capacity_reservations(CapacityReservationIds=[reservation])["CapacityReservations"]
    assert read["State"] == "cancelled"
    with refused("InvalidCapacityReservationId.NotFound"):
        ec2.describe_capacity_reservations(CapacityReservationIds=["cr-0123456789abcdef0"])


@pytest.mark.parametrize(
    "wrong", [{"InstanceType": "p99.48xlarge"}, {"AvailabilityZone": "us-east-1z"}, {"EndDateType": "limited"}]
)
def test_a_reservation_of_what_does_not_exist_is_refused(ec2: Any, wrong: dict[str, str]) -> None:
    right = {"InstanceType": "p5.48xlarge", "AvailabilityZone": "us-east-1a"}
    code = "InvalidParameterCombination" if "EndDateType" in wrong else "InvalidParameterValue"
    with refused(code):
        ec2.create_capacity_reservation(InstancePlatform="Linux/UNIX", InstanceCount=1, **{**right, **wrong})


def test_a_capacity_block_is_offered_at_the_catalogs_price_and_bought_once(ec2: Any) -> None:
    wanted = {"InstanceType": "p5.48xlarge", "InstanceCount": 2, "CapacityDurationHours": 48}
    [offer] = ec2.describe_capacity_block_offerings(**wanted)["CapacityBlockOfferings"]
    assert offer["EndDate"] - offer["StartDate"] == timedelta(hours=48)
    single = ec2.describe_capacity_block_offerings(**{**wanted, "InstanceCount": 1})["CapacityBlockOfferings"][0]
    assert float(offer["UpfrontFee"]) == pytest.approx(2 * float(single["UpfrontFee"]), abs=0.02)
    buy = {"CapacityBlockOfferingId": offer["CapacityBlockOfferingId"], "InstancePlatform": "Linux/UNIX"}
    block = ec2.purchase_capacity_block(**buy)["CapacityReservation"]
    assert (block["ReservationType"], block["State"]) == ("capacity-block", "scheduled")
    assert (block["TotalInstanceCount"], block["InstanceMatchCriteria"]) == (2, "targeted")
    with refused("InvalidCapacityBlockOfferingId.NotFound"):
        ec2.purchase_capacity_block(**buy)
    with refused("OperationNotPermitted"):
        ec2.cancel_capacity_reservation(CapacityReservationId=block["CapacityReservationId"])


def test_what_has_no_price_is_not_offered(ec2: Any) -> None:
    answer = ec2.describe_capacity_block_offerings(InstanceType="t3.medium", CapacityDurationHours=24)
    assert answer["CapacityBlockOfferings"] == []
