"""EC2: placement groups, capacity reservations and what moto loses of subnets, flow logs and launch templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.wire import ApiError

Record = dict[str, Any]

PREFIXES = {"placement-group": "pg", "capacity-reservation": "cr"}
"""Ids of resources that moto does not know; registered so that CreateTags and DescribeTags take them."""


def register_prefixes() -> None:
    from moto.ec2 import utils

    utils.EC2_RESOURCE_TO_PREFIX.update(PREFIXES)
    utils.EC2_PREFIX_TO_RESOURCE.update({prefix: resource for resource, prefix in PREFIXES.items()})


def take_tags(call: Call, kind: str, identity: str) -> None:
    """Keep the tags that a create gives for its own kind, in moto's store of tags."""
    for part in call.params.get("TagSpecifications") or []:
        if part.get("ResourceType") != kind:
            raise ApiError(
                "InvalidParameterValue", f"'{part.get('ResourceType')}' is not a valid taggable resource type"
            )
        call.backend("ec2").create_tags(
            [identity], {tag["Key"]: tag.get("Value", "") for tag in part.get("Tags") or []}
        )


def tags_of(call: Call, identity: str) -> list[Record]:
    return [{"Key": key, "Value": value} for key, value in call.backend("ec2").tags.get(identity, {}).items()]


def drop_tags(call: Call, *identities: str) -> None:
    """Forget the tags of what is gone."""
    for identity in identities:
        call.backend("ec2").tags.pop(identity, None)


def filtered(call: Call, records: Iterable[Record], members: dict[str, str]) -> list[Record]:
    """Records that pass `Filters`: `members` maps a filter's name to a member; `tag:KEY` and `tag-key` always work."""
    found = list(records)
    for condition in call.params.get("Filters") or []:
        name, values = condition["Name"], condition.get("Values") or []
        found = [record for record in found if _matches(name, values, members)(record)]
    return found


def _matches(name: str, values: list[str], members: dict[str, str]) -> Callable[[Record], bool]:
    def of_tags(record: Record) -> bool:
        tags = {tag["Key"]: tag["Value"] for tag in record["Tags"]}
        return (
            any(key in values for key in tags) if name == "tag-key" else tags.get(name.removeprefix("tag:")) in values
        )

    if name == "tag-key" or name.startswith("tag:"):
        return of_tags
    if name not in members:
        raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")
    return lambda record: str(record.get(members[name])) in values
