"""`make orphans`: objects with the site's tag that no state holds. It reads only; nothing is ever deleted here.

In AWS the Resource Groups Tagging API names the objects; in the local cloud its own search does. An object is held when
a state of the backend knows its ARN or its id. What an auto-scaling group makes (instances, their disks and interfaces)
carries the tags of a launch template and is in no state: it is held when a state has a node group of its pool.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from operations import engine, leftovers
from operations.stack import Stack
from terminal import Exit, InvalidInput, UserError, out

SITE = "dc:site"
POOL = "dc:pool"
GROUPS = ("aws:eks/nodeGroup:NodeGroup", "aws:autoscaling/group:Group")
MADE_BY_GROUPS = ("instance", "volume", "network-interface")
"""EC2 objects that node groups start and end by themselves."""


@dataclass
class Held:
    """What the states know: ARNs and ids, and the pools that have node groups."""

    names: set[str] = field(default_factory=set)
    pools: set[str] = field(default_factory=set)

    def add(self, state: Mapping[str, Any]) -> None:
        """Take in a state as `pulumi stack export` gives it."""
        for entry in (state.get("deployment") or {}).get("resources") or ():
            outputs = entry.get("outputs") or {}
            for value in (entry.get("id"), outputs.get("arn"), outputs.get("id")):
                if isinstance(value, str) and value:
                    self.names.add(value)
            tags = (entry.get("inputs") or {}).get("tags")
            if entry.get("type") in GROUPS and isinstance(tags, Mapping) and tags.get(POOL):
                self.pools.add(str(tags[POOL]))

    def holds(self, arn: str, tags: Mapping[str, str]) -> bool:
        """Whether a state knows the object, or keeps the group that made it."""
        rest = arn.split(":", 5)[-1]
        if self.names & {arn, rest, rest.rpartition("/")[2], rest.rpartition(":")[2], rest.partition("/")[2]}:
            return True
        return rest.partition("/")[0] in MADE_BY_GROUPS and tags.get(POOL) in self.pools


def run(name: str) -> None:
    """Name every object of the stack's site that no stack of the backend holds. Exit code 3 when there are some."""
    stack = Stack.load(name)
    stack.prepare()
    names = [str(entry["name"]).rsplit("/", 1)[-1] for entry in engine.read_json(stack, "stack", "ls", "--json")]
    # All of them, so that a neighbour's objects are nobody's orphans.
    states = [engine.read_json(stack, "stack", "export", "--stack", other) for other in names]
    found = _local(stack, states) if stack.is_local else _cloud(stack, states)
    if not found:
        out().print(f"stack {name}: no orphans")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("object", "tags"):
        table.add_column(column, overflow="fold")
    for arn, said in found:
        table.add_row(arn, said)
    out().print(table)
    raise UserError(
        f"{len(found)} objects belong to no stack; AWS still lists what was deleted within the last hour", Exit.LIMIT
    )


def _cloud(stack: Stack, states: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    if "aws:region" not in stack.file.config:
        raise InvalidInput(f"stack {stack.name}: orphans are searched in AWS only")
    site = json.loads(stack.file.config.get("ai-datacenter:site", "{}")).get("name")
    client = boto3.client("resourcegroupstaggingapi", region_name=leftovers.region(stack))
    try:
        return in_account(client, states, str(site))
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"the objects of site {site} could not be listed: {error}") from None


def in_account(client: Any, states: Iterable[Mapping[str, Any]], site: str) -> list[tuple[str, str]]:
    """ARN and tags of every tagged object of a site that no state holds. `client`: Resource Groups Tagging API."""
    held = Held()
    for state in states:
        held.add(state)
    found = []
    for page in client.get_paginator("get_resources").paginate(TagFilters=[{"Key": SITE, "Values": [site]}]):
        for entry in page["ResourceTagMappingList"]:
            tags = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
            if not held.holds(entry["ResourceARN"], tags):
                shown = ", ".join(f"{key}={value}" for key, value in sorted(tags.items()) if key.startswith("dc:"))
                found.append((entry["ResourceARN"], shown))
    return sorted(found)


def _local(stack: Stack, states: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The local cloud searches itself, so that objects without tags are found as well."""
    import boto3

    from sandbox.providers.aws import leftovers as aws

    entries = [entry for state in states for entry in (state.get("deployment") or {}).get("resources") or ()]
    known = {(entry["type"], str(entry.get("id"))) for entry in entries}
    names = {f"{entry['type'].rpartition(':')[2]} {entry.get('id')}" for entry in entries}
    found: list[tuple[str, str]] = []
    if "aws:region" in stack.file.config:
        left = aws.find(boto3.Session(region_name=leftovers.region(stack)))
        found = [(f"{one.type} {one.id}", one.urn) for one in left if (one.type, one.id) not in known]
    objects = [(f"{kind} {name}", "") for kind, name, _ in leftovers.kubernetes_objects(stack)]
    return sorted(found + [entry for entry in objects if entry[0] not in names])
