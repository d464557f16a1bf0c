"""The four look-ups, and that there are no others."""

from __future__ import annotations

import pytest

from sandbox.providers.wire import UNKNOWN
from tests.sandbox.providers.aws.plugin import Plugin, Refused


def test_the_caller_is_known(plugin: Plugin) -> None:
    found = plugin.invoke("aws:index/getCallerIdentity:getCallerIdentity")
    assert found["accountId"] == found["id"] == "123456789012"
    assert found["arn"].startswith("arn:aws:")


def test_the_region_and_partition_are_those_of_the_provider_or_the_call(plugin: Plugin) -> None:
    assert plugin.invoke("aws:index/getRegion:getRegion")["region"] == "us-east-1"
    assert (
        plugin.invoke("aws:index/getRegion:getRegion", region="eu-west-1")["endpoint"] == "ec2.eu-west-1.amazonaws.com"
    )
    assert plugin.invoke("aws:index/getPartition:getPartition")["reverseDnsPrefix"] == "com.amazonaws"
    assert plugin.invoke("aws:index/getPartition:getPartition", region="cn-north-1")["partition"] == "aws-cn"


def test_zones_are_sorted_and_can_be_left_out(plugin: Plugin) -> None:
    function = "aws:index/getAvailabilityZones:getAvailabilityZones"
    found = plugin.invoke(function, state="available", excludeNames=["us-east-1e"])
    assert found["names"] == [f"us-east-1{letter}" for letter in "abcdf"]
    assert all(zone.startswith("use1-az") for zone in found["zoneIds"])
    assert found["groupNames"]


@pytest.mark.parametrize("token", ["aws:ec2/getAmi:getAmi", "aws:ssm/getParameter:getParameter"])
def test_other_functions_are_refused_by_name(plugin: Plugin, token: str) -> None:
    with pytest.raises(Refused, match=rf"^UNIMPLEMENTED: function {token} is not available in the local environment$"):
        plugin.invoke(token)


def test_unknown_arguments_are_refused(plugin: Plugin) -> None:
    with pytest.raises(Refused, match="unknown arguments"):
        plugin.invoke("aws:index/getRegion:getRegion", region=UNKNOWN)
