"""When two property values mean the same to AWS: equal JSON documents, sets in another order, "true" and true, empty
and absent.

Used twice: to leave harmless differences out of Diff, and to keep the user's own spelling of a value when Read finds
the same thing in the cloud, so that only real drift shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

UNORDERED = {
    "acceleratorManufacturers",
    "cidrBlocks",
    "cidrs",
    "enabledClusterLogTypes",
    "events",
    "instanceTypes",
    "ipv6CidrBlocks",
    "kubernetesGroups",
    "metrics",
    "namespaces",
    "networkInterfaceIds",
    "notifications",
    "prefixListIds",
    "publicAccessCidrs",
    "resources",
    "routeTableIds",
    "securityGroupIds",
    "securityGroups",
    "subnetIds",
    "subscriberEmailAddresses",
    "subscriberSnsTopicArns",
    "taints",
    "values",
    "vpcSecurityGroupIds",
}
"""Properties whose lists are sets in AWS."""
MAPS = {"tags", "tagsAll", "labels"}
"""Properties whose keys are the user's own: keys that only the cloud has are drift."""


def document(value: Any) -> Any:
    """The JSON object or list in a text, else None."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict | list) else None


def empty(value: Any) -> bool:
    """Whether a value says nothing: None, or an empty text, list or object."""
    return value is None or value in ("", [], {})


def trimmed(value: Any) -> Any:
    """`value` without entries that say nothing, at any depth."""
    if isinstance(value, Mapping):
        return {key: trimmed(item) for key, item in value.items() if not empty(item)}
    if isinstance(value, list):
        return [trimmed(item) for item in value]
    return value


def equivalent(old: Any, new: Any, name: str = "") -> bool:
    """Whether two values of the property `name` mean the same."""
    if empty(old) and empty(new):
        return True
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(equivalent(old.get(key), new.get(key), key) for key in old.keys() | new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return _equivalent_lists(old, new, name)
    if isinstance(old, str) != isinstance(new, str):
        first, second = document(old), document(new)
        if first is not None and second is not None:
            return first == second
    if isinstance(old, str) and isinstance(new, str):
        return old == new or (document(old) is not None and document(old) == document(new))
    if isinstance(old, Mapping | list) or isinstance(new, Mapping | list) or old is None or new is None:
        return False
    return old == new or str(old).lower() == str(new).lower()


def _equivalent_lists(old: list[Any], new: list[Any], name: str) -> bool:
    if len(old) != len(new):
        return False
    if name in UNORDERED:
        rest = list(new)
        for item in old:
            match = next((index for index, other in enumerate(rest) if equivalent(item, other)), None)
            if match is None:
                return False
            rest.pop(match)
        return True
    return all(equivalent(first, second) for first, second in zip(old, new, strict=True))


def harmonised(old: Any, new: Any, name: str = "") -> Any:
    """`new` in the spelling of `old` wherever both mean the same."""
    if equivalent(old, new, name):
        return old
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {key: harmonised(old[key], item, key) if key in old else item for key, item in new.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [harmonised(first, second) for first, second in zip(old, new, strict=True)]
    return new


def overlaid(wanted: Any, live: Any, name: str = "") -> Any:
    """What the user's input `wanted` would have to say to describe `live`.

    Objects keep to the keys that the user gave (the cloud reports computed ones as well), except those in `MAPS`.
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping) and name not in MAPS:
        result = {key: overlaid(item, live.get(key), key) for key, item in wanted.items()}
        return {key: item for key, item in result.items() if item is not None}
    if isinstance(wanted, list) and isinstance(live, list):
        return _overlaid_list(wanted, live, name)
    return harmonised(wanted, live, name)


def _overlaid_list(wanted: list[Any], live: list[Any], name: str) -> list[Any]:
    if name not in UNORDERED:
        paired = [overlaid(first, second) for first, second in zip(wanted, live, strict=False)]
        return paired + live[len(wanted) :]
    rest, result = list(live), []
    for item in wanted:
        match = next((index for index, other in enumerate(rest) if equivalent(item, overlaid(item, other))), None)
        if match is not None:
            rest.pop(match)
            result.append(item)
    return result + rest
