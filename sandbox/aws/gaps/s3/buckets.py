"""S3 buckets: names, tags and defaults at creation, policies.

Defaults since April 2023: ACLs off, public access blocked, encrypted with AES256 (S3 user guide, "Default settings for
new buckets"). Of a bucket policy only statements without a condition bind: moto would take a condition that it cannot
judge, such as aws:SecureTransport, for fulfilled.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.gaps.s3 import Record, bucket_of
from sandbox.aws.wire import ApiError

NAME = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
"""General purpose buckets (S3 user guide, "General purpose bucket naming rules")."""


@amends("s3", "CreateBucket")
def create(call: Call) -> Record:
    given, s3 = call.params, call.backend("s3")
    name = given["Bucket"]
    if not NAME.fullmatch(name) and not name.endswith("--x-s3"):
        raise ApiError("InvalidBucketName", f"The specified bucket is not valid: {name}")
    known = name in s3.buckets
    answer = call.native()
    if not known:
        bucket = s3.buckets[name]
        bucket.ownership_rule = given.get("ObjectOwnership") or "BucketOwnerEnforced"
        bucket.public_access_block = _all_blocked()
        tags = (given.get("CreateBucketConfiguration") or {}).get("Tags")
        if tags:
            s3.put_bucket_tagging(name, {tag["Key"]: tag["Value"] for tag in tags})
    return answer


def _all_blocked() -> Any:
    from moto.s3.models import PublicAccessBlock

    return PublicAccessBlock(True, True, True, True)


@amends("s3", "PutBucketPolicy")
def put_policy(call: Call) -> Record:
    bucket = bucket_of(call)
    try:
        document = json.loads(call.params["Policy"])
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise ApiError("MalformedPolicy", "Policies must be valid JSON with statements")
    resources = [resource for statement in _statements(document) for resource in _list(statement.get("Resource"))]
    if any(not re.match(rf"arn:[\w-]+:s3:::{re.escape(bucket.name)}(/|$)", resource) for resource in resources):
        raise ApiError("MalformedPolicy", "Policy has invalid resource")
    return call.native()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _statements(document: Record) -> list[Record]:
    return _list(document["Statement"])


def pass_over_conditions() -> None:
    """Let moto judge a bucket's policy by the statements without a condition."""
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.models import FakeBucket

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        document = json.loads(self.policy)
        plain = [statement for statement in _statements(document) if not statement.get("Condition")]
        return IAMPolicy(json.dumps({**document, "Statement": plain})).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission


pass_over_conditions()
