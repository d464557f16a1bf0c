"""S3: settings that moto loses, defaults that buckets have since 2023, and policies that lock nobody out by mistake.

A setting is kept as it was given on moto's bucket object, so that it goes with the bucket.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.wire import ApiError

Record = dict[str, Any]


def bucket_of(call: Call) -> Any:
    """moto's object. Raises NoSuchBucket."""
    found = call.backend("s3").buckets.get(call.params["Bucket"])
    if found is None:
        raise ApiError("NoSuchBucket", "The specified bucket does not exist", 404)
    return found


def kept(bucket: Any) -> dict[str, Any]:
    """Settings by the name of their configuration."""
    if not hasattr(bucket, "kept_settings"):
        bucket.kept_settings = {}
    return bucket.kept_settings
