"""Everything that exists in the local account, without what AWS provides itself (default VPC, managed policies, ...).

The proof that nothing is left asks here. Types of the table list themselves; `OTHERS` are objects that no type of the
table makes, but that a cloud could make on its own account behind one (machines, volumes, interfaces, scaling
groups)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.providers.aws import configuration
from sandbox.providers.aws.cloud import Cloud
from sandbox.providers.aws.record import Api, Found, Record
from sandbox.providers.aws.shapes import whole
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.protocol import Fail
from terminal import UserError

if TYPE_CHECKING:
    import boto3


def _of_own_vpcs(api: Api, operation: str, items: str, key: str) -> list[str]:
    """Ids of objects outside AWS's default VPC."""
    vpcs = {vpc["VpcId"] for vpc in whole(api, "describe_vpcs", "Vpcs") if not vpc.get("IsDefault")}
    return [one[key] for one in whole(api, operation, items) if one.get("VpcId") in vpcs]


def _instances(api: Api) -> list[str]:
    machines = [one for group in whole(api, "describe_instances", "Reservations") for one in group["Instances"]]
    return [one["InstanceId"] for one in machines if one["State"]["Name"] != "terminated"]


OTHERS: Mapping[str, tuple[str, Callable[[Api], Iterable[str]]]] = {
    "ec2 instance": ("ec2", _instances),
    "ec2 volume": ("ec2", lambda api: [one["VolumeId"] for one in whole(api, "describe_volumes", "Volumes")]),
    "ec2 networkInterface": (
        "ec2",
        lambda api: _of_own_vpcs(api, "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ),
    "autoscaling group": (
        "autoscaling",
        lambda api: [
            one["AutoScalingGroupName"] for one in whole(api, "describe_auto_scaling_groups", "AutoScalingGroups")
        ],
    ),
}


def cloud_of(session: boto3.Session) -> Cloud:
    """The local cloud in the region and with the credentials of a session. Raises `UserError` when it is not on
    this machine or does not answer.
    """
    keys = session.get_credentials()
    given: dict[str, Any] = {"region": session.region_name}
    if keys is not None:
        given |= {"accessKey": keys.access_key, "secretKey": keys.secret_key, "token": keys.token}
    try:
        cloud = Cloud(configuration.load({name: value for name, value in given.items() if value}))
        assert cloud.account
    except Fail as error:
        raise UserError(str(error)) from None
    return cloud


def api_of(cloud: Cloud, service: str) -> Api:
    """Calls of a service in the cloud's region."""
    region = cloud.configuration.region
    return Api(lambda name, operation, arguments: cloud.call(name, region, operation, arguments), service)


def listed(cloud: Cloud) -> Iterable[tuple[Record, Found]]:
    """Every object of every type that lists itself, with its record."""
    for record in RECORDS.values():
        if record.listing:
            for found in record.listing(api_of(cloud, record.service)):
                yield record, found


def inventory(session: boto3.Session) -> dict[str, list[str]]:
    """Ids by "service noun" (`ec2 vpc`, `s3 bucket`). Empty when the account holds nothing but what AWS provides.

    Raises `UserError` when the AWS API does not answer.
    """
    cloud = cloud_of(session)
    result: dict[str, list[str]] = {}
    for record, found in listed(cloud):
        _, path, _ = record.type.split(":")
        result.setdefault(path.replace("/", " "), []).append(found.id)
    for name, (service, identifiers) in OTHERS.items():
        ids = sorted(identifiers(api_of(cloud, service)))
        if ids:
            result[name] = ids
    return {name: sorted(ids) for name, ids in result.items()}
