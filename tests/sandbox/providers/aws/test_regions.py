"""A resource in another region than its provider's, without another provider."""

from __future__ import annotations

from collections.abc import Callable

from tests.sandbox.providers.aws.api import Api
from tests.sandbox.providers.aws.plugin import Plugin

VPC, BUCKET = "aws:ec2/vpc:Vpc", "aws:s3/bucket:Bucket"


def test_a_resource_lives_in_the_region_of_its_input(plugin: Plugin, api: Api) -> None:
    inputs = {"cidrBlock": "10.7.0.0/16", "region": "us-west-2"}
    made = plugin.resource(VPC).create(inputs)
    assert made.state["region"] == "us-west-2"
    assert made.state["arn"].startswith("arn:aws:ec2:us-west-2:123456789012:vpc/vpc-")
    assert api.client("ec2", "us-west-2").describe_vpcs(VpcIds=[made.id])["Vpcs"]
    assert not made.refresh()
    made.update({**inputs, "tags": {"a": "b"}})
    assert list(made.diff({"cidrBlock": "10.7.0.0/16"}).replaces) == ["region"]
    made.delete()
    assert made.read() is None


def test_a_bucket_in_another_region_has_its_names(plugin: Plugin, api: Api) -> None:
    made = plugin.resource(BUCKET).create({"region": "eu-west-1"})
    place = api.client("s3").get_bucket_location(Bucket=made.id)["LocationConstraint"]
    assert place == made.state["bucketRegion"] == "eu-west-1"
    assert made.state["bucketRegionalDomainName"] == f"{made.id}.s3.eu-west-1.amazonaws.com"
    made.delete()


def test_the_region_of_the_provider_is_an_output_of_regional_resources_only(provider: Callable[..., Plugin]) -> None:
    plugin = provider(region="us-gov-west-1")
    made = plugin.resource(VPC).create({"cidrBlock": "10.7.0.0/16"})
    assert made.state["region"] == "us-gov-west-1"
    assert made.state["arn"].startswith("arn:aws-us-gov:ec2:us-gov-west-1:")
    role = plugin.resource("aws:iam/role:Role")
    assert "region" not in role.preview({"assumeRolePolicy": "{}"})
    made.delete()
