"""EC2 placement groups, and tags on resources that moto does not know."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import amends, serves
from sandbox.aws.gaps.ec2 import Record, filtered, register_prefixes, tags_of, take_tags
from sandbox.aws.gaps.ec2.capacity import Reservations
from sandbox.aws.wire import ApiError

register_prefixes()

MEMBERS = {
    "group-name": "GroupName",
    "group-arn": "GroupArn",
    "group-id": "GroupId",
    "state": "State",
    "strategy": "Strategy",
    "spread-level": "SpreadLevel",
}


@dataclass
class PlacementGroups:
    by_name: dict[str, Record] = field(default_factory=dict)


@serves("ec2", "CreatePlacementGroup")
def create(call: Call) -> Record:
    given, groups = call.params, call.store(PlacementGroups).by_name
    name, strategy = given.get("GroupName"), given.get("Strategy")
    if not name or not strategy:
        raise ApiError("MissingParameter", "The request must contain the parameters GroupName and Strategy")
    if name in groups:
        raise ApiError("InvalidPlacementGroup.Duplicate", f"The placement group '{name}' already exists.")
    if given.get("PartitionCount") and strategy != "partition":
        raise ApiError("InvalidParameterCombination", "PartitionCount goes with the partition strategy only")
    if given.get("SpreadLevel") and strategy != "spread":
        raise ApiError("InvalidParameterCombination", "SpreadLevel goes with the spread strategy only")
    record: Record = {
        "GroupName": name,
        "GroupId": new_id("pg-"),
        "GroupArn": call.arn(f"placement-group/{name}"),
        "State": "available",
        "Strategy": strategy,
    }
    if strategy == "partition":
        record["PartitionCount"] = given.get("PartitionCount") or 2
    if strategy == "spread":
        record["SpreadLevel"] = given.get("SpreadLevel") or "rack"
    take_tags(call, "placement-group", record["GroupId"])
    groups[name] = record
    return {"PlacementGroup": _shown(call, record)}


@serves("ec2", "DescribePlacementGroups")
def describe(call: Call) -> Record:
    groups = [_shown(call, record) for record in call.store(PlacementGroups).by_name.values()]
    for member, key in (("GroupNames", "GroupName"), ("GroupIds", "GroupId")):
        wanted = call.params.get(member) or []
        for missing in set(wanted) - {group[key] for group in groups}:
            raise ApiError("InvalidPlacementGroup.Unknown", f"The Placement Group '{missing}' is unknown.")
        groups = [group for group in groups if not wanted or group[key] in wanted]
    return {"PlacementGroups": filtered(call, groups, MEMBERS)}


@serves("ec2", "DeletePlacementGroup")
def delete(call: Call) -> Record:
    name = call.params["GroupName"]
    record = call.store(PlacementGroups).by_name.pop(name, None)
    if record is None:
        raise ApiError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
    call.backend("ec2").tags.pop(record["GroupId"], None)
    return {}


@amends("ec2", "CreateTags", "DeleteTags")
def tag(call: Call) -> Record:
    """moto checks that most of what is tagged exists; this does so for ours."""
    known = {record["GroupId"] for record in call.store(PlacementGroups).by_name.values()}
    known |= set(call.store(Reservations).by_id)
    for identity in call.params.get("Resources") or []:
        if identity.startswith("pg-") and identity not in known:
            raise ApiError("InvalidPlacementGroupId.Unknown", f"The placement group ID '{identity}' is unknown")
        if identity.startswith("cr-") and identity not in known:
            raise ApiError("InvalidCapacityReservationId.NotFound", f"The ID '{identity}' does not exist")
    return call.native()


def _shown(call: Call, record: Record) -> Record:
    return {**record, "Tags": tags_of(call, record["GroupId"])}
