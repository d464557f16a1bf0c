"""EC2 capacity reservations and capacity blocks.

A reservation is active at once, a purchased block is scheduled; nothing is launched into them. Block offerings are
made up from the catalog's price (none where it has none) and start at 11:30 UTC the next day, as AWS's blocks do.
Source: EC2 user guide, "On-Demand Capacity Reservations" and "Capacity Blocks for ML".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.ec2 import Record, filtered, tags_of, take_tags
from sandbox.aws.wire import ApiError

MEMBERS = {
    "availability-zone": "AvailabilityZone",
    "end-date-type": "EndDateType",
    "instance-match-criteria": "InstanceMatchCriteria",
    "instance-platform": "InstancePlatform",
    "instance-type": "InstanceType",
    "owner-id": "OwnerId",
    "placement-group-arn": "PlacementGroupArn",
    "state": "State",
    "tenancy": "Tenancy",
}


@dataclass
class Reservations:
    by_id: dict[str, Record] = field(default_factory=dict)
    offerings: dict[str, Record] = field(default_factory=dict)


def _zone(call: Call, given: Record) -> tuple[str, str]:
    """(name, id) of the zone a reservation is for."""
    for zone in call.backend("ec2").describe_availability_zones():
        if zone.name == given.get("AvailabilityZone") or zone.zone_id == given.get("AvailabilityZoneId"):
            return zone.name, zone.zone_id
    wanted = given.get("AvailabilityZone") or given.get("AvailabilityZoneId")
    raise ApiError("InvalidParameterValue", f"Invalid availability zone: [{wanted}]")


def _reserve(call: Call, given: Record, **members: object) -> Record:
    name, identity = _zone(call, given)
    reservation = new_id("cr-")
    record: Record = {
        "CapacityReservationId": reservation,
        "CapacityReservationArn": call.arn(f"capacity-reservation/{reservation}"),
        "OwnerId": call.account,
        "AvailabilityZone": name,
        "AvailabilityZoneId": identity,
        "InstanceType": given["InstanceType"],
        "InstancePlatform": given["InstancePlatform"],
        "Tenancy": given.get("Tenancy") or "default",
        "TotalInstanceCount": given["InstanceCount"],
        "AvailableInstanceCount": given["InstanceCount"],
        "EbsOptimized": bool(given.get("EbsOptimized")),
        "EphemeralStorage": bool(given.get("EphemeralStorage")),
        "State": "active",
        "StartDate": datetime.now(UTC),
        "CreateDate": datetime.now(UTC),
        "EndDateType": given.get("EndDateType") or ("limited" if given.get("EndDate") else "unlimited"),
        "InstanceMatchCriteria": given.get("InstanceMatchCriteria") or "open",
        "ReservationType": "default",
        **{key: given[key] for key in ("EndDate", "PlacementGroupArn", "OutpostArn") if given.get(key)},
        **members,
    }
    take_tags(call, "capacity-reservation", reservation)
    call.store(Reservations).by_id[reservation] = record
    return {**record, "Tags": tags_of(call, reservation)}


def _one(call: Call) -> Record:
    identity = call.params["CapacityReservationId"]
    record = call.store(Reservations).by_id.get(identity)
    if record is None:
        raise ApiError(
            "InvalidCapacityReservationId.NotFound", f"The capacity reservation ID '{identity}' does not exist"
        )
    return record


@serves("ec2", "CreateCapacityReservation")
def create(call: Call) -> Record:
    given = call.params
    types = call.backend("ec2").describe_instance_type_offerings(filters={"instance-type": [given["InstanceType"]]})
    if not types:
        raise ApiError("InvalidParameterValue", f"Invalid value '{given['InstanceType']}' for InstanceType.")
    if (given.get("EndDateType") == "limited") != bool(given.get("EndDate")):
        raise ApiError("InvalidParameterCombination", "EndDate goes with EndDateType limited, and only with it")
    return {"CapacityReservation": _reserve(call, given)}


@serves("ec2", "DescribeCapacityReservations")
def describe(call: Call) -> Record:
    store, wanted = call.store(Reservations).by_id, call.params.get("CapacityReservationIds") or []
    for identity in wanted:
        if identity not in store:
            raise ApiError(
                "InvalidCapacityReservationId.NotFound", f"The capacity reservation ID '{identity}' does not exist"
            )
    records = [{**record, "Tags": tags_of(call, identity)} for identity, record in store.items()]
    chosen = [record for record in records if not wanted or record["CapacityReservationId"] in wanted]
    return {"CapacityReservations": filtered(call, chosen, MEMBERS)}


@serves("ec2", "ModifyCapacityReservation")
def modify(call: Call) -> Record:
    record, given = _one(call), call.params
    if record["State"] != "active":
        raise ApiError("IncorrectState", f"The reservation is {record['State']}")
    if given.get("InstanceCount") is not None:
        grown = given["InstanceCount"] - record["TotalInstanceCount"]
        record["TotalInstanceCount"] += grown
        record["AvailableInstanceCount"] += grown
    for member in ("EndDate", "EndDateType", "InstanceMatchCriteria"):
        if given.get(member) is not None:
            record[member] = given[member]
    if record["EndDateType"] == "unlimited":
        record.pop("EndDate", None)
    return {"Return": True}


@serves("ec2", "CancelCapacityReservation")
def cancel(call: Call) -> Record:
    """As in AWS a cancelled reservation stays visible, in state cancelled."""
    record = _one(call)
    if record["ReservationType"] == "capacity-block":
        raise ApiError("OperationNotPermitted", "You cannot cancel a Capacity Block")
    record.update(State="cancelled", AvailableInstanceCount=0, TotalInstanceCount=0)
    return {"Return": True}


@serves("ec2", "DescribeCapacityBlockOfferings")
def offerings(call: Call) -> Record:
    from catalog import prices

    given, store = call.params, call.store(Reservations)
    if not given.get("InstanceType"):
        raise call.not_available("UltraServer offerings")
    hours, count = given["CapacityDurationHours"], given.get("InstanceCount") or 1
    if hours % 24 or not 24 <= hours <= 182 * 24:
        raise ApiError("InvalidParameterValue", f"CapacityDurationHours {hours} is not a number of days up to 182")
    price = prices.capacity_block(given["InstanceType"], call.region)
    if price is None:
        return {"CapacityBlockOfferings": []}
    start = max(datetime.now(UTC) + timedelta(days=1), _aware(given.get("StartDateRange")))
    start = start.replace(hour=11, minute=30, second=0, microsecond=0)
    end = start + timedelta(hours=hours)
    if given.get("EndDateRange") and end > _aware(given["EndDateRange"]):
        return {"CapacityBlockOfferings": []}
    offer: Record = {
        "CapacityBlockOfferingId": new_id("cbo-"),
        "InstanceType": given["InstanceType"],
        "AvailabilityZone": call.backend("ec2").describe_availability_zones()[0].name,
        "InstanceCount": count,
        "StartDate": start,
        "EndDate": end,
        "CapacityBlockDurationHours": hours,
        "UpfrontFee": str((price.usd * hours * count).quantize(Decimal("0.01"))),
        "CurrencyCode": "USD",
        "Tenancy": "default",
    }
    store.offerings[offer["CapacityBlockOfferingId"]] = offer
    return {"CapacityBlockOfferings": [offer]}


@serves("ec2", "PurchaseCapacityBlock")
def purchase(call: Call) -> Record:
    identity = call.params["CapacityBlockOfferingId"]
    offer = call.store(Reservations).offerings.pop(identity, None)
    if offer is None:
        raise ApiError(
            "InvalidCapacityBlockOfferingId.NotFound", f"The offering '{identity}' does not exist or was taken"
        )
    given = {**offer, "InstancePlatform": call.params["InstancePlatform"], "InstanceMatchCriteria": "targeted"}
    times = {"StartDate": offer["StartDate"], "EndDate": offer["EndDate"], "EndDateType": "limited"}
    block = _reserve(
        call, given, State="scheduled", ReservationType="capacity-block", CapacityBlockId=new_id("cb-"), **times
    )
    return {"CapacityReservation": block, "CapacityReservations": [block]}


def _aware(moment: datetime | None) -> datetime:
    """moto's parser gives UTC without saying so."""
    return datetime.min.replace(tzinfo=UTC) if moment is None else moment.replace(tzinfo=UTC)
