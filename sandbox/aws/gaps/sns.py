"""SNS: topic attributes that moto takes and does not give back."""

from __future__ import annotations

import json
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.wire import ApiError

FED_BACK = ("HTTP", "SQS", "Lambda", "Firehose", "Application")
KEPT = frozenset(
    ["TracingConfig", "SignatureVersion", "ArchivePolicy", "FifoThroughputScope", "DataProtectionPolicy"]
    + [f"{kind}{what}" for kind in FED_BACK for what in ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn")]
    + [f"{kind}SuccessFeedbackSampleRate" for kind in FED_BACK]
)


def _kept(call: Call, arn: str) -> dict[str, str]:
    topic = call.backend("sns").get_topic(arn)
    if not hasattr(topic, "kept_attributes"):
        topic.kept_attributes = {}
    return topic.kept_attributes


@amends("sns", "CreateTopic")
def create(call: Call) -> dict[str, Any]:
    given = call.params.get("Attributes") or {}
    _check_policy(given.get("Policy"))
    answer = call.native()
    _kept(call, answer["TopicArn"]).update({name: value for name, value in given.items() if name in KEPT})
    return answer


@amends("sns", "SetTopicAttributes")
def set_attribute(call: Call) -> dict[str, Any]:
    name, value = call.params["AttributeName"], call.params.get("AttributeValue") or ""
    if name == "Policy":
        _check_policy(value)
    answer = call.native()
    if name in KEPT:
        _kept(call, call.params["TopicArn"])[name] = value
    return answer


@amends("sns", "GetTopicAttributes")
def get_attributes(call: Call) -> dict[str, Any]:
    answer = call.native()["Attributes"]
    if not answer.get("DeliveryPolicy"):
        answer.pop("DeliveryPolicy", None)
    return {"Attributes": {**answer, **_kept(call, call.params["TopicArn"])}}


def _check_policy(text: str | None) -> None:
    if not text:
        return
    try:
        valid = isinstance(json.loads(text), dict)
    except ValueError:
        valid = False
    if not valid:
        raise ApiError("InvalidParameter", "Invalid parameter: Policy Error: null")
