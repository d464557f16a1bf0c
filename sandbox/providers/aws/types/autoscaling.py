"""Tags of auto-scaling groups that a node group made. A tag is no object of its own: creating it adopts an equal
one.
"""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws.record import Api, Record, Resource, Step, first
from sandbox.providers.protocol import Props


def _put(api: Api, r: Resource) -> str:
    tag = r["tag"]
    api(
        "create_or_update_tags",
        Tags=[
            {
                "ResourceId": r["autoscalingGroupName"],
                "ResourceType": "auto-scaling-group",
                "Key": tag["key"],
                "Value": str(tag["value"]),
                "PropagateAtLaunch": bool(tag["propagateAtLaunch"]),
            }
        ],
    )
    return f"{r['autoscalingGroupName']},{tag['key']}"


def _read(api: Api, r: Resource) -> Any:
    names = {"auto-scaling-group": r["autoscalingGroupName"], "key": r["tag"]["key"]}
    answer = api("describe_tags", Filters=[{"Name": name, "Values": [value]} for name, value in names.items()])
    return first(answer["Tags"])


def _delete(api: Api, r: Resource) -> None:
    if _read(api, r) is None:
        return
    tag = {"ResourceId": r["autoscalingGroupName"], "ResourceType": "auto-scaling-group", "Key": r["tag"]["key"]}
    api("delete_tags", Tags=[tag])


def _identity(r: Resource) -> str:
    return f"{r['autoscalingGroupName']},{(r['tag'] or {}).get('key')}"


def _parse(text: str) -> Props:
    group, _, key = text.partition(",")
    return {"autoscalingGroupName": group, "tag": {"key": key}}


TAG = Record(
    type="aws:autoscaling/tag:Tag",
    service="autoscaling",
    create=_put,
    read=_read,
    delete=_delete,
    gone=("ValidationError",),
    required=("autoscalingGroupName", "tag"),
    force=("autoscalingGroupName", "tag.key"),
    steps=(Step(("tag",), _put, at_create=False),),
    identity=_identity,
    parse_id=_parse,
    outputs={
        "autoscalingGroupName": "ResourceId",
        "tag": lambda live, _: {
            "key": live["Key"],
            "value": live["Value"],
            "propagateAtLaunch": live.get("PropagateAtLaunch", False),
        },
    },
)

RECORDS = (TAG,)
