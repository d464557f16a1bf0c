"""SNS topics and their policies."""

from __future__ import annotations

import json
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, after
from sandbox.providers.aws.shapes import boolean, text, whole
from sandbox.providers.protocol import Props

GONE = ("NotFound", "NotFoundException")
ATTRIBUTES = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}
FLAGS = ("contentBasedDeduplication", "fifoTopic")


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(text(value))


def _create(api: Api, r: Resource) -> str:
    given = {theirs: _value(r[ours]) for ours, theirs in ATTRIBUTES.items() if r[ours] is not None}
    if r["fifoTopic"]:
        given["FifoTopic"] = "true"
    return api("create_topic", Name=r["name"], Attributes=given, **r.tags_argument)["TopicArn"]


def _set(name: str, theirs: str) -> Step:
    def run(api: Api, r: Resource) -> None:
        value = _value(r[name]) if r[name] is not None else ""
        api("set_topic_attributes", TopicArn=r.id, AttributeName=theirs, AttributeValue=value)

    return Step((name,), run, at_create=False)


def _output(name: str, theirs: str) -> Any:
    def output(live: Any, r: Resource) -> Any:
        value = live.get(theirs) or None
        if name == "signatureVersion" and value is not None:
            return int(value)
        if name == "policy" and value is not None and r[name] is None and "policy" not in r:
            return value
        return boolean(value) if name in FLAGS else value

    return output


def _name(live: Any, r: Resource) -> str:  # noqa: ARG001
    return live["TopicArn"].rpartition(":")[2]


TOPIC = Record(
    type="aws:sns/topic:Topic",
    service="sns",
    create=_create,
    read=lambda api, r: api("get_topic_attributes", TopicArn=r.id)["Attributes"],
    delete=lambda api, r: api("delete_topic", TopicArn=r.id),
    gone=GONE,
    force=("name", "namePrefix", "fifoTopic"),
    steps=tuple(_set(name, theirs) for name, theirs in ATTRIBUTES.items()),
    naming=Naming(longest=256, end=lambda inputs: ".fifo" if inputs.get("fifoTopic") else ""),
    identity=lambda r: r.arn("sns", str(r["name"])),
    known=lambda r: {"arn": r.arn("sns", r["name"]), "owner": r.account},
    parse_id=lambda arn: {"name": arn.rpartition(":")[2]},
    computed=(
        "policy",
        "signatureVersion",
    ),
    outputs={
        "arn": "TopicArn",
        "name": _name,
        "owner": "Owner",
        "fifoTopic": _output("fifoTopic", "FifoTopic"),
        **{name: _output(name, theirs) for name, theirs in ATTRIBUTES.items()},
    },
    tagging=tags.by_arn(
        at_create="Tags", argument="ResourceArn", as_map=False, values="Tags", keys="TagKeys", arn=lambda r, _: r.id
    ),
    listing=lambda api: [
        Found(
            one["TopicArn"],
            one["TopicArn"],
            tags.from_pairs(api("list_tags_for_resource", ResourceArn=one["TopicArn"]).get("Tags")),
        )
        for one in whole(api, "list_topics", "Topics")
    ],
)


def _put_policy(api: Api, r: Resource) -> str:
    arguments = {"AttributeName": "Policy", "AttributeValue": text(r["policy"])}
    return after(api("set_topic_attributes", TopicArn=r["arn"], **arguments), r["arn"])


def _default_policy(api: Api, r: Resource) -> None:
    """A topic always has a policy: back to the one that lets its owner alone use it."""
    account = r["arn"].split(":")[4]
    statement: Props = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:Publish", "SNS:Subscribe"],
        "Resource": r["arn"],
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Id": "__default_policy_ID", "Statement": [statement]})
    api("set_topic_attributes", TopicArn=r["arn"], AttributeName="Policy", AttributeValue=policy)


TOPIC_POLICY = Record(
    type="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    create=_put_policy,
    read=lambda api, r: api("get_topic_attributes", TopicArn=r["arn"])["Attributes"],
    delete=_default_policy,
    gone=GONE,
    required=("arn", "policy"),
    force=("arn",),
    steps=(Step(("policy",), _put_policy, at_create=False),),
    identity=lambda r: r["arn"],
    parse_id=lambda arn: {"arn": arn},
    outputs={"arn": "TopicArn", "owner": "Owner", "policy": "Policy"},
)

RECORDS = (TOPIC, TOPIC_POLICY)
