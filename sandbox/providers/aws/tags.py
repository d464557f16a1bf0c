"""Tags of each service: how they are given at creation, read and changed, and the hidden tags that name the owner of
an object.

Every taggable object gets `aidc:create`, new in each attempt to create, so that an object is recognized whose
creation was answered with an error; and `aidc:urn`: the URN of its resource, so that what a killed update left behind
can be found again. Outputs and differences never show them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from sandbox.providers.aws.record import Api, Resource

OWNER, CREATION = "aidc:urn", "aidc:create"
HIDDEN = (OWNER, CREATION)
LONGEST_VALUE = 256
CUT = "@@"
"""Begins the value of the hidden tag of a URN that is too long for it."""
Tags = dict[str, str]


def owner(urn: str) -> str:
    """The value of the hidden tag. Characters that tag values may not have are written as "@XX"; a URN that is too long
    is marked and ends in a digest.
    """
    text = quote(urn, safe="+-=._:/ ").replace("~", "%7E").replace("%", "@")
    if len(text) <= LONGEST_VALUE:
        return text
    digest = hashlib.sha256(urn.encode()).hexdigest()[:32]
    return CUT + text[: LONGEST_VALUE - len(CUT) - len(digest)] + digest


def urn_of(value: str) -> str | None:
    """The URN in a value of the hidden tag; None for a shortened one (compare with `owner` of the URN in question)."""
    return None if value.startswith(CUT) else unquote(re.sub(r"@", "%", value))


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def from_pairs(tags: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> Tags:
    """Tags as a dict, without AWS's own."""
    return {tag[key]: tag.get(value, "") for tag in tags or [] if not tag[key].startswith("aws:")}


def visible(tags: Mapping[str, str]) -> Tags:
    """Tags without the hidden ones and AWS's own."""
    return {key: value for key, value in tags.items() if key not in HIDDEN and not key.startswith("aws:")}


@dataclass(frozen=True)
class Tagging:
    """How a type is tagged.

    `at_create(tags)`: arguments of the create call; None when the service takes no tags there. `read(api, resource,
    live)`: all tags. `write(api, resource, all, changed, removed)`: change them."""

    at_create: Callable[[Tags], dict[str, Any]] | None
    read: Callable[[Api, Resource, Any], Tags]
    write: Callable[[Api, Resource, Tags, Tags, list[str]], None]


def ec2(kind: str, key: Callable[[Resource], str] = lambda r: r.id) -> Tagging:
    """EC2 objects: tag specifications at creation, CreateTags and DeleteTags by object id (`key`)."""

    def write(api: Api, resource: Resource, all_: Tags, changed: Tags, removed: list[str]) -> None:  # noqa: ARG001
        if removed:
            api("delete_tags", Resources=[key(resource)], Tags=[{"Key": name} for name in removed])
        if changed:
            api("create_tags", Resources=[key(resource)], Tags=pairs(changed))

    return Tagging(
        lambda tags: {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]} if tags else {},
        lambda api, resource, live: from_pairs(live.get("Tags")),  # noqa: ARG005
        write,
    )


def iam(noun: str, argument: str) -> Tagging:
    """IAM roles, policies and instance profiles: tag_<noun> with the name or ARN in `argument`."""

    def write(api: Api, resource: Resource, all_: Tags, changed: Tags, removed: list[str]) -> None:  # noqa: ARG001
        if removed:
            api(f"untag_{noun}", **{argument: resource.id}, TagKeys=removed)
        if changed:
            api(f"tag_{noun}", **{argument: resource.id}, Tags=pairs(changed))

    return Tagging(
        lambda tags: {"Tags": pairs(tags)},
        lambda api, resource, live: from_pairs(live.get("Tags")),  # noqa: ARG005
        write,
    )


def by_arn(
    *,
    at_create: str | None,
    argument: str,
    as_map: bool,
    values: str = "",
    keys: str,
    in_live: str | None = None,
    listing: str = "list_tags_for_resource",
    arn: Callable[[Resource, Any], str] = lambda resource, live: live.get("arn") or resource["arn"],
) -> Tagging:
    """Services with TagResource and UntagResource.

    `at_create`, `argument`, `values`, `keys`: names of the arguments for tags at creation, the ARN, tags and keys.
    `as_map`: tags are an object, else a list of pairs. `in_live`: where the described object holds them; None: ask
    `listing`."""
    shape: Callable[[Tags], Any] = dict if as_map else pairs

    def unshape(value: Any) -> Tags:
        return visible_aws(value or {}) if as_map else from_pairs(value)

    def read(api: Api, resource: Resource, live: Any) -> Tags:
        if in_live:
            return unshape(live.get(in_live))
        answer = api(listing, **{argument: arn(resource, live)})
        return unshape(next((item for key, item in answer.items() if key.lower() in ("tags", "resourcetags")), None))

    def write(api: Api, resource: Resource, all_: Tags, changed: Tags, removed: list[str]) -> None:  # noqa: ARG001
        if removed:
            api("untag_resource", **{argument: arn(resource, {}), keys: removed})
        if changed:
            api("tag_resource", **{argument: arn(resource, {}), values: shape(changed)})

    create = (lambda tags: {at_create: shape(tags)}) if at_create else None
    return Tagging(create, read, write)


def visible_aws(tags: Mapping[str, str]) -> Tags:
    """Tags without AWS's own, the hidden ones kept."""
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}
