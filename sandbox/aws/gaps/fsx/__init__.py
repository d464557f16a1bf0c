"""FSx: Lustre file systems as moto's objects, completed, and data repository associations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.wire import ApiError

Record = dict[str, Any]


@dataclass
class Fsx:
    """Members that moto's file systems lack, by file system; associations by id."""

    extra: dict[str, Record] = field(default_factory=dict)
    associations: dict[str, Record] = field(default_factory=dict)


def bad_request(message: str) -> ApiError:
    return ApiError("BadRequest", message)


def file_system(call: Call, identity: str) -> Any:
    """moto's object. Raises FileSystemNotFound."""
    found = call.backend("fsx").file_systems.get(identity)
    if found is None:
        raise ApiError("FileSystemNotFound", f"File system '{identity}' does not exist.")
    return found


def tags_of(call: Call, arn: str) -> list[Record]:
    return call.backend("fsx").list_tags_for_resource(arn)
