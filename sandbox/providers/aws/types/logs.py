"""CloudWatch log groups."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, after
from sandbox.providers.aws.shapes import whole


def _arn(group: Any) -> str:
    return str(group.get("logGroupArn") or group["arn"]).removesuffix(":*")


def _read(api: Api, r: Resource) -> Any:
    listed = whole(api, "describe_log_groups", "logGroups", logGroupNamePrefix=r.id)
    found = next((one for one in listed if one["logGroupName"] == r.id), None)
    return {**found, "arn": _arn(found)} if found else None


def _retain(api: Api, r: Resource) -> None:
    if r["retentionInDays"]:
        api("put_retention_policy", logGroupName=r.id, retentionInDays=int(r["retentionInDays"]))
    else:
        api("delete_retention_policy", logGroupName=r.id)


def _encrypt(api: Api, r: Resource) -> None:
    if r["kmsKeyId"]:
        api("associate_kms_key", logGroupName=r.id, kmsKeyId=r["kmsKeyId"])
    else:
        api("disassociate_kms_key", logGroupName=r.id)


def _delete(api: Api, r: Resource) -> None:
    if not r["skipDestroy"]:
        api("delete_log_group", logGroupName=r.id)


TAGGING = tags.by_arn(at_create="tags", argument="resourceArn", as_map=True, values="tags", keys="tagKeys")
LOG_GROUP = Record(
    type="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    create=lambda api, r: after(
        api(
            "create_log_group",
            logGroupName=r["name"],
            kmsKeyId=r["kmsKeyId"],
            logGroupClass=r["logGroupClass"],
            **r.tags_argument,
        ),
        r["name"],
    ),
    read=_read,
    delete=_delete,
    gone=("ResourceNotFoundException",),
    force=("name", "namePrefix", "logGroupClass"),
    steps=(Step(("retentionInDays",), _retain), Step(("kmsKeyId",), _encrypt, at_create=False)),
    stored=("skipDestroy",),
    naming=Naming(longest=512),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("logs", f"log-group:{r['name']}")},
    parse_id=lambda name: {"name": name},
    computed=("logGroupClass",),
    outputs={
        "arn": "arn",
        "name": "logGroupName",
        "retentionInDays": lambda live, _: live.get("retentionInDays") or 0,
        "kmsKeyId": "kmsKeyId",
        "logGroupClass": lambda live, r: live.get("logGroupClass") or r["logGroupClass"],
    },
    defaults={"retentionInDays": 0, "logGroupClass": "STANDARD"},
    tagging=TAGGING,
    listing=lambda api: [
        Found(one["logGroupName"], _arn(one), api("list_tags_for_resource", resourceArn=_arn(one)).get("tags") or {})
        for one in whole(api, "describe_log_groups", "logGroups")
    ],
)

RECORDS = (LOG_GROUP,)
