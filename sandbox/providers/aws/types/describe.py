"""What the EC2 records share: listings and filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found
from sandbox.providers.aws.shapes import whole


def find(
    api: Api, operation: str, items: str, *, key: str, own: Callable[[Any], bool] = bool, **arguments: Any
) -> list[Found]:
    """The user's objects in a Describe operation; `key` holds the id, `own(item)` tells them from what AWS provides."""
    listed = whole(api, operation, items, **arguments)
    return [Found(item[key], tags=tags.from_pairs(item.get("Tags"))) for item in listed if own(item)]


def filters(**values: str) -> list[dict[str, Any]]:
    """EC2 filters; underscores become dashes."""
    return [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in values.items()]
