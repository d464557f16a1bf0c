"""AWS Budgets: updates, subscribers and tags, which moto lacks. Nothing is spent locally and nobody is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends, serves
from sandbox.aws.wire import ApiError

Record = dict[str, Any]


@dataclass
class BudgetTags:
    by_arn: dict[str, dict[str, str]] = field(default_factory=dict)


def _arn(call: Call, name: str) -> str:
    return f"arn:{call.partition}:budgets::{call.account}:budget/{name}"


def _tags(call: Call) -> dict[str, dict[str, str]]:
    # budgets are global: their calls are signed for one region, whatever the caller's
    from sandbox.aws.state import store

    return store(BudgetTags, call.account, "global").by_arn


def _budget(call: Call, name: str | None = None) -> Any:
    wanted = name or call.params["BudgetName"]
    found = call.backend("budgets").budgets[call.params["AccountId"]].get(wanted)
    if found is None:
        raise ApiError("NotFoundException", f"Unable to get budget: {wanted} - the budget doesn't exist.")
    return found


def _notification(call: Call, member: str = "Notification") -> Any:
    """moto keeps notifications as they came; a missing ThresholdType is a percentage."""
    wanted = _key(call.params[member])
    for entry in _budget(call).notifications:
        if _key(entry.details) == wanted:
            return entry
    raise ApiError("NotFoundException", f"Unable to find notification {wanted} of {call.params['BudgetName']}")


def _key(details: Record) -> tuple[Any, ...]:
    kind = details.get("ThresholdType") or "PERCENTAGE"
    return details["NotificationType"], details["ComparisonOperator"], float(details["Threshold"]), kind


@amends("budgets", "CreateBudget")
def create(call: Call) -> Record:
    answer = call.native()
    name = call.params["Budget"]["BudgetName"]
    _tags(call)[_arn(call, name)] = {tag["Key"]: tag["Value"] for tag in call.params.get("ResourceTags") or []}
    return answer


@amends("budgets", "DeleteBudget")
def delete(call: Call) -> Record:
    answer = call.native()
    _tags(call).pop(_arn(call, call.params["BudgetName"]), None)
    return answer


@serves("budgets", "UpdateBudget")
def update(call: Call) -> Record:
    """A new budget takes the place of the old; what it does not name goes, except for the period."""
    new = _plain(call.params["NewBudget"])
    found = _budget(call, new["BudgetName"])
    if new.get("BudgetType") != found.budget["BudgetType"]:
        raise ApiError("InvalidParameterException", "The type of a budget cannot be changed")
    if "BudgetLimit" not in new and "PlannedBudgetLimits" not in new:
        raise ApiError("InvalidParameterException", "One of BudgetLimit and PlannedBudgetLimits is needed")
    new.setdefault("TimePeriod", found.budget["TimePeriod"])
    found.budget = {**new, "LastUpdatedTime": time.time()}
    return {}


@serves("budgets", "DescribeSubscribersForNotification")
def subscribers(call: Call) -> Record:
    return {"Subscribers": _notification(call).subscribers}


@serves("budgets", "CreateSubscriber")
def create_subscriber(call: Call) -> Record:
    entry = _notification(call)
    if call.params["Subscriber"] in entry.subscribers:
        raise ApiError("DuplicateRecordException", "The subscriber exists already")
    entry.subscribers.append(call.params["Subscriber"])
    return {}


@serves("budgets", "UpdateSubscriber")
def update_subscriber(call: Call) -> Record:
    entry = _notification(call)
    if call.params["OldSubscriber"] not in entry.subscribers:
        raise ApiError("NotFoundException", "The subscriber does not exist")
    entry.subscribers[entry.subscribers.index(call.params["OldSubscriber"])] = call.params["NewSubscriber"]
    return {}


@serves("budgets", "DeleteSubscriber")
def delete_subscriber(call: Call) -> Record:
    """A notification goes with its last subscriber."""
    entry = _notification(call)
    if call.params["Subscriber"] not in entry.subscribers:
        raise ApiError("NotFoundException", "The subscriber does not exist")
    entry.subscribers.remove(call.params["Subscriber"])
    if not entry.subscribers:
        _budget(call).notifications.remove(entry)
    return {}


@serves("budgets", "UpdateNotification")
def update_notification(call: Call) -> Record:
    _notification(call, "OldNotification").details = call.params["NewNotification"]
    return {}


@serves("budgets", "DeleteNotification")
def delete_notification(call: Call) -> Record:
    _budget(call).notifications.remove(_notification(call))
    return {}


@serves("budgets", "TagResource", "UntagResource", "ListTagsForResource")
def tags(call: Call) -> Record:
    kept = _tags(call).get(call.params["ResourceARN"])
    if kept is None:
        raise ApiError("NotFoundException", f"Unable to find {call.params['ResourceARN']}")
    kept |= {tag["Key"]: tag["Value"] for tag in call.params.get("ResourceTags") or []}
    for key in call.params.get("ResourceTagKeys") or []:
        kept.pop(key, None)
    listed = call.target.action == "ListTagsForResource"
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in kept.items()]} if listed else {}


def _plain(value: Any) -> Any:
    """Times as numbers: moto writes budgets out as JSON."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.timestamp() if isinstance(value, datetime) else value
