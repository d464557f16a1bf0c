"""KMS: the rotation period, and key policies that are no JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.wire import ApiError

DEFAULT_PERIOD = 365
"""Days between rotations when none are given (API reference of EnableKeyRotation)."""


def _key(call: Call) -> Any:
    return call.backend("kms").describe_key(call.params["KeyId"])


@amends("kms", "EnableKeyRotation")
def enable_rotation(call: Call) -> dict[str, Any]:
    period = call.params.get("RotationPeriodInDays") or DEFAULT_PERIOD
    if not 90 <= period <= 2560:
        raise ApiError("ValidationException", f"RotationPeriodInDays {period} is not between 90 and 2560")
    answer = call.native()
    key = _key(call)
    key.rotation_period, key.rotation_since = period, datetime.now(UTC)
    return answer


@amends("kms", "GetKeyRotationStatus")
def rotation_status(call: Call) -> dict[str, Any]:
    answer = call.native()
    key = _key(call)
    answer["KeyId"] = key.arn
    if answer.get("KeyRotationEnabled"):
        period = getattr(key, "rotation_period", DEFAULT_PERIOD)
        since = getattr(key, "rotation_since", datetime.now(UTC))
        answer |= {"RotationPeriodInDays": period, "NextRotationDate": since + timedelta(days=period)}
    return answer


@amends("kms", "CreateKey", "PutKeyPolicy")
def check_policy(call: Call) -> dict[str, Any]:
    try:
        document = json.loads(call.params.get("Policy") or "{}")
    except ValueError:
        document = None
    if not isinstance(document, dict) or (call.params.get("Policy") and not document.get("Statement")):
        raise ApiError("MalformedPolicyDocumentException", "The policy is no JSON document with statements")
    return call.native()
