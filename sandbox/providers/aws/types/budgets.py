"""Budgets and their notifications. Global: no region input."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, after, at
from sandbox.providers.aws.shapes import camel, pascal, whole
from sandbox.providers.protocol import Props

GONE = ("NotFoundException",)
TIME = "%Y-%m-%d_%H:%M"
"""The time format of pulumi-aws budgets."""
SETTINGS = (
    *("budgetType", "timeUnit", "limitAmount", "limitUnit", "costFilters", "costTypes"),
    *("timePeriodStart", "timePeriodEnd"),
)
TYPES = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}
KEYS = ("comparisonOperator", "notificationType", "threshold", "thresholdType")


def _account(r: Resource) -> str:
    return r["accountId"] or r.account


def _names(r: Resource) -> dict[str, str]:
    return {"AccountId": _account(r), "BudgetName": r["name"]}


def _time(value: Any) -> datetime | None:
    return datetime.strptime(value, TIME).replace(tzinfo=UTC) if value else None


def _budget(r: Resource) -> dict[str, Any]:
    limit = {"Amount": str(r["limitAmount"]), "Unit": r["limitUnit"]} if r["limitAmount"] is not None else None
    period = {"Start": _time(r["timePeriodStart"]), "End": _time(r["timePeriodEnd"])}
    return {
        "BudgetName": r["name"],
        "BudgetType": r["budgetType"],
        "TimeUnit": r["timeUnit"],
        "BudgetLimit": limit,
        "CostFilters": {one["name"]: one["values"] for one in r["costFilters"] or []} or None,
        "CostTypes": pascal(r["costTypes"]),
        "TimePeriod": period if any(period.values()) else None,
    }


def _notification(one: Props) -> dict[str, Any]:
    return {key[0].upper() + key[1:]: float(one[key]) if key == "threshold" else one[key] for key in KEYS}


def _subscribers(one: Props) -> list[dict[str, str]]:
    return [
        {"SubscriptionType": kind, "Address": address}
        for name, kind in TYPES.items()
        for address in one.get(name) or []
    ]


def _read(api: Api, r: Resource) -> Any:
    budget = api("describe_budget", **_names(r))["Budget"]
    found = []
    for one in whole(api, "describe_notifications_for_budget", "Notifications", **_names(r)):
        what = {key: one[key] for key in (name[0].upper() + name[1:] for name in KEYS) if key in one}
        who = whole(api, "describe_subscribers_for_notification", "Subscribers", **_names(r), Notification=what)
        addresses = {
            name: [one["Address"] for one in who if one["SubscriptionType"] == kind] for name, kind in TYPES.items()
        }
        found.append(camel(what) | {name: value for name, value in addresses.items() if value})
    return {**budget, "notifications": found}


def _sync_notifications(api: Api, r: Resource) -> None:
    """Delete and make again those that differ."""
    wanted, before = r["notifications"] or [], r.old.get("notifications") or []
    for one in before:
        if one not in wanted:
            api("delete_notification", **_names(r), Notification=_notification(one))
    for one in wanted:
        if one not in before:
            api("create_notification", **_names(r), Notification=_notification(one), Subscribers=_subscribers(one))


def _create(api: Api, r: Resource) -> str:
    watched = [
        {"Notification": _notification(one), "Subscribers": _subscribers(one)} for one in r["notifications"] or []
    ]
    arguments = {"Budget": _budget(r), "NotificationsWithSubscribers": watched or None, **r.tags_argument}
    return after(api("create_budget", AccountId=_account(r), **arguments), f"{_account(r)}:{r['name']}")


def _amount(live: Any, r: Resource) -> Any:
    """The limit in the user's spelling when it is the same number ("100" and "100.0")."""
    amount = at(live, "BudgetLimit.Amount")
    try:
        same = Decimal(str(amount)) == Decimal(str(r["limitAmount"]))
    except InvalidOperation:
        same = False
    return r["limitAmount"] if same else amount


def _shown(key: str, name: str) -> Any:
    def output(live: Any, r: Resource) -> Any:
        value = at(live, f"TimePeriod.{key}")
        return r[name] or (value.astimezone(UTC).strftime(TIME) if isinstance(value, datetime) else value)

    return output


def _filters(live: Any, r: Resource) -> Any:  # noqa: ARG001
    return [{"name": name, "values": values} for name, values in (live.get("CostFilters") or {}).items()] or None


def _arn(r: Resource) -> str:
    return f"arn:{r.partition}:budgets::{_account(r)}:budget/{r['name']}"


def _listing(api: Api) -> list[Found]:
    account = api.of("sts")("get_caller_identity")["Account"]
    found = []
    for one in whole(api, "describe_budgets", "Budgets", AccountId=account):
        arn = f"arn:aws:budgets::{account}:budget/{one['BudgetName']}"
        listed = api("list_tags_for_resource", ResourceARN=arn).get("ResourceTags")
        found.append(Found(f"{account}:{one['BudgetName']}", arn, tags.from_pairs(listed)))
    return found


BUDGET = Record(
    type="aws:budgets/budget:Budget",
    service="budgets",
    regional=False,
    create=_create,
    read=_read,
    delete=lambda api, r: api("delete_budget", **_names(r)),
    gone=GONE,
    required=("budgetType", "timeUnit"),
    force=("name", "namePrefix", "accountId"),
    steps=(
        Step(
            SETTINGS,
            lambda api, r: api("update_budget", AccountId=_account(r), NewBudget=_budget(r)),
            at_create=False,
        ),
        Step(("notifications",), _sync_notifications, at_create=False),
    ),
    naming=Naming(longest=100),
    identity=lambda r: f"{r['accountId'] or r.account}:{r['name']}",
    known=lambda r: {"arn": _arn(r), "accountId": _account(r)},
    parse_id=lambda text: dict(zip(("accountId", "name"), text.split(":", 1), strict=False)),
    computed=(
        "accountId",
        "costFilters",
        "costTypes",
        "timePeriodStart",
        "timePeriodEnd",
    ),
    outputs={
        "arn": lambda _, r: _arn(r),
        "name": "BudgetName",
        "accountId": lambda _, r: _account(r),
        "budgetType": "BudgetType",
        "timeUnit": "TimeUnit",
        "limitAmount": _amount,
        "limitUnit": "BudgetLimit.Unit",
        "costFilters": _filters,
        "costTypes": lambda live, r: {**(r["costTypes"] or {}), **(camel(live.get("CostTypes")) or {})} or None,
        "timePeriodStart": _shown("Start", "timePeriodStart"),
        "timePeriodEnd": _shown("End", "timePeriodEnd"),
        "notifications": lambda live, _: live["notifications"] or None,
    },
    tagging=tags.by_arn(
        at_create="ResourceTags",
        argument="ResourceARN",
        as_map=False,
        values="ResourceTags",
        keys="ResourceTagKeys",
        arn=lambda r, _: _arn(r),
    ),
    listing=_listing,
)


RECORDS = (BUDGET,)
