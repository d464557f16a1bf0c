"""Objects of a stack in the local cloud, found by the hidden tag `aidc:urn`, and their removal.

A killed update leaves objects that the state does not know. Every taggable object carries its URN. What cannot be
tagged (routes, associations, attached and inline policies, aliases, settings of a bucket, repository or topic, tags
of a scaling group, access policies) needs no search: creating it again adopts an equal one, and it goes with its
parent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError, Cloud
from sandbox.providers.aws.inventory import api_of, cloud_of, inventory, listed
from sandbox.providers.aws.resources import Worker
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.protocol import Fail, Target
from terminal import UserError

if TYPE_CHECKING:
    import boto3

__all__ = ["Leftover", "find", "inventory", "remove"]


@dataclass(frozen=True)
class Leftover:
    """An object that carries a URN (`tags.owner` of it where it is too long for a tag). `id` is the id that the state
    would know it by, `import_id` what import takes.
    """

    urn: str
    type: str
    id: str
    arn: str = ""
    import_id: str = ""


def find(session: boto3.Session, stack: str = "") -> list[Leftover]:
    """Every object that a resource made, in an order in which it can be deleted.

    `stack`: only objects of this stack (the second part of a URN). The state is not looked at: leave out what it
    knows by (type, id), because an object that is being replaced shares its URN with its successor and an alias gives
    a new one. Raises `UserError` when the AWS API does not answer."""
    found = []
    for record, one in listed(cloud_of(session)):
        value = (one.tags or {}).get(tags.OWNER)
        if value:
            urn = tags.urn_of(value) or value
            if not stack or value.removeprefix(tags.CUT).startswith(tags.owner(f"urn:pulumi:{stack}::")):
                found.append(Leftover(urn, record.type, one.id, one.arn, one.import_id or one.id))
    return list(reversed(found))


def remove(session: boto3.Session, leftovers: Iterable[Leftover]) -> None:
    """Delete objects with everything that only hangs on them. Already gone is fine.

    What another one still uses is tried again after the others. Raises `UserError` with one line an object that stays.
    """
    cloud = cloud_of(session)
    order = {kind: number for number, kind in enumerate(RECORDS)}
    waiting = sorted(leftovers, key=lambda one: -order[one.type])
    refused: dict[Leftover, str] = {}
    while waiting:
        refused = {}
        for one in waiting:
            try:
                _delete(cloud, one)
            except Fail as error:
                refused[one] = str(error)
        if len(refused) == len(waiting):
            break
        waiting = list(refused)
    if refused:
        raise UserError(f"{one.type} {one.id} cannot be removed: {reason}" for one, reason in refused.items())


def _delete(cloud: Cloud, one: Leftover) -> None:
    record, worker = RECORDS[one.type], Worker(cloud)
    target = Target(one.urn, one.type, one.urn.rpartition("::")[2])
    live = worker.read(record, target, one.import_id or one.id, {}, {})
    if live is None:
        return
    resource = worker.view(live.state, id=live.id, urn=one.urn)
    if record.clear:
        try:
            record.clear(api_of(cloud, record.service), resource)
        except AwsError as error:
            if error.aws_code not in record.gone:
                raise
    worker.delete(record, target, live.id, live.state | {"forceDelete": True})
