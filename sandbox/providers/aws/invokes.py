"""The few look-ups that make sense in a program without lookups: who and where am I."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from sandbox.providers.aws.cloud import Cloud
from sandbox.providers.aws.record import partition
from sandbox.providers.protocol import Fail, Props

DNS_SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


def _caller(cloud: Cloud, region: str, args: Props) -> Props:  # noqa: ARG001
    answer = cloud.call("sts", region, "get_caller_identity")
    account = answer["Account"]
    return {"id": account, "accountId": account, "arn": answer["Arn"], "userId": answer["UserId"]}


def _region(cloud: Cloud, region: str, args: Props) -> Props:  # noqa: ARG001
    suffix = DNS_SUFFIX[partition(region)]
    return {"id": region, "name": region, "region": region, "description": region, "endpoint": f"ec2.{region}.{suffix}"}


def _partition(cloud: Cloud, region: str, args: Props) -> Props:  # noqa: ARG001
    name = partition(region)
    suffix = DNS_SUFFIX[name]
    return {
        "id": name,
        "partition": name,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
        "region": region,
    }


def _zones(cloud: Cloud, region: str, args: Props) -> Props:
    filters = [{"Name": item["name"], "Values": item["values"]} for item in args.get("filters") or []]
    if args.get("state"):
        filters.append({"Name": "state", "Values": [args["state"]]})
    arguments: dict[str, Any] = {"Filters": filters or None, "AllAvailabilityZones": args.get("allAvailabilityZones")}
    zones = cloud.call("ec2", region, "describe_availability_zones", arguments)["AvailabilityZones"]
    names, ids = set(args.get("excludeNames") or []), set(args.get("excludeZoneIds") or [])
    kept = sorted(
        (zone for zone in zones if zone["ZoneName"] not in names and zone["ZoneId"] not in ids),
        key=lambda zone: zone["ZoneName"],
    )
    return {
        "id": region,
        "region": region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": sorted({zone.get("GroupName") or region for zone in kept}),
    }


FUNCTIONS: dict[str, Callable[[Cloud, str, Props], Props]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
}


def invoke(cloud: Cloud, token: str, args: Props) -> Props:
    """The answer of one function. Raises `Fail` for a function that the local cloud does not have."""
    function = FUNCTIONS.get(token)
    if function is None:
        raise Fail(f"function {token} is not available in the local environment", grpc.StatusCode.UNIMPLEMENTED)
    return function(cloud, args.get("region") or cloud.configuration.region, args)
