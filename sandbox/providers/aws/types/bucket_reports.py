"""What a bucket reports and to whom: access logging and notifications."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws.record import Api, Output, Resource
from sandbox.providers.aws.shapes import camel, pascal
from sandbox.providers.aws.types.bucket_settings import setting


def _logging_target(r: Resource) -> dict[str, Any]:
    grants = [pascal(grant, {"id": "ID", "uri": "URI"}) for grant in r["targetGrants"] or []]
    return {
        "TargetBucket": r["targetBucket"],
        "TargetPrefix": r["targetPrefix"] or "",
        "TargetGrants": grants or None,
        "TargetObjectKeyFormat": pascal(r["targetObjectKeyFormat"]),
    }


def _read_logging(api: Api, r: Resource) -> Any:
    return api("get_bucket_logging", Bucket=r["bucket"]).get("LoggingEnabled")


LOGGING = setting(
    "BucketLogging",
    ("targetBucket", "targetPrefix", "targetGrants", "targetObjectKeyFormat"),
    lambda api, r: api(
        "put_bucket_logging", Bucket=r["bucket"], BucketLoggingStatus={"LoggingEnabled": _logging_target(r)}
    ),
    _read_logging,
    lambda api, r: api("put_bucket_logging", Bucket=r["bucket"], BucketLoggingStatus={}),
    {
        "targetBucket": "TargetBucket",
        "targetPrefix": lambda live, _: live.get("TargetPrefix") or "",
        "targetGrants": lambda live, _: camel(live.get("TargetGrants"), {"id": "ID", "uri": "URI"}),
        "targetObjectKeyFormat": lambda live, r: camel(live.get("TargetObjectKeyFormat")) or r["targetObjectKeyFormat"],
    },
    required=("targetBucket", "targetPrefix"),
    owner=True,
)

RECEIVERS = {
    "topics": ("TopicConfigurations", "topicArn", "TopicArn"),
    "queues": ("QueueConfigurations", "queueArn", "QueueArn"),
    "lambdaFunctions": ("LambdaFunctionConfigurations", "lambdaFunctionArn", "LambdaFunctionArn"),
}
FILTERS = {"filterPrefix": "prefix", "filterSuffix": "suffix"}


def _notifications(r: Resource) -> dict[str, Any]:
    result: dict[str, Any] = {"EventBridgeConfiguration": {}} if r["eventbridge"] else {}
    for name, (key, ours, theirs) in RECEIVERS.items():
        entries = []
        for one in r[name] or []:
            rules = [{"Name": theirs_, "Value": one[ours_]} for ours_, theirs_ in FILTERS.items() if one.get(ours_)]
            filter_ = {"Key": {"FilterRules": rules}} if rules else None
            entries.append({"Id": one.get("id"), theirs: one[ours], "Events": one["events"], "Filter": filter_})
        if entries:
            result[key] = entries
    return result


def _receivers(name: str) -> Output:
    key, ours, theirs = RECEIVERS[name]

    def output(live: Any, r: Resource) -> list[Any] | None:  # noqa: ARG001
        found = []
        for one in live.get(key) or []:
            rules = ((one.get("Filter") or {}).get("Key") or {}).get("FilterRules") or []
            filters = {f"filter{rule['Name'].title()}": rule["Value"] for rule in rules}
            found.append({"id": one.get("Id"), ours: one[theirs], "events": one["Events"], **filters})
        return found or None

    return output


def _read_notification(api: Api, r: Resource) -> Any:
    live = api("get_bucket_notification_configuration", Bucket=r["bucket"])
    keys = ("EventBridgeConfiguration", *(key for key, _, _ in RECEIVERS.values()))
    return live if any(key in live for key in keys) else None


def _put_notification(api: Api, r: Resource) -> Any:
    return api(
        "put_bucket_notification_configuration",
        Bucket=r["bucket"],
        NotificationConfiguration=_notifications(r),
        SkipDestinationValidation=True,
    )


NOTIFICATION = setting(
    "BucketNotification",
    ("eventbridge", *RECEIVERS),
    _put_notification,
    _read_notification,
    lambda api, r: api("put_bucket_notification_configuration", Bucket=r["bucket"], NotificationConfiguration={}),
    {
        "eventbridge": lambda live, r: (
            True if "EventBridgeConfiguration" in live else False if r["eventbridge"] else None
        ),
        **{name: _receivers(name) for name in RECEIVERS},
    },
)

RECORDS = (LOGGING, NOTIFICATION)
