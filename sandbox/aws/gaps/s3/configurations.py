"""S3 bucket configurations, answered as they were given where moto loses a part of them.

Access logs are not written: they would fill the target bucket, which could then not be deleted.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends, serves
from sandbox.aws.gaps.s3 import Record, bucket_of, kept
from sandbox.aws.wire import ApiError

AES256 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}


def _keep(member: str, *more: str) -> Callable[[Call], Record]:
    """A handler of a Put: moto checks, the configuration is kept as given."""

    def handler(call: Call) -> Record:
        answer = call.native()
        kept(bucket_of(call))[member] = {name: call.params[name] for name in (member, *more) if name in call.params}
        return answer

    return handler


def _forget(member: str) -> Callable[[Call], Record]:
    def handler(call: Call) -> Record:
        answer = call.native()
        kept(bucket_of(call)).pop(member, None)
        return answer

    return handler


amends("s3", "PutBucketEncryption")(_keep("ServerSideEncryptionConfiguration"))
amends("s3", "DeleteBucketEncryption")(_forget("ServerSideEncryptionConfiguration"))
amends("s3", "PutBucketLifecycleConfiguration")(_keep("LifecycleConfiguration", "TransitionDefaultMinimumObjectSize"))
amends("s3", "DeleteBucketLifecycle")(_forget("LifecycleConfiguration"))
amends("s3", "PutBucketNotificationConfiguration")(_keep("NotificationConfiguration"))


@serves("s3", "GetBucketEncryption")
def get_encryption(call: Call) -> Record:
    """Without a setting of its own a bucket is encrypted with AES256."""
    given = kept(bucket_of(call)).get("ServerSideEncryptionConfiguration") or {}
    return {"ServerSideEncryptionConfiguration": given.get("ServerSideEncryptionConfiguration") or AES256}


@amends("s3", "GetBucketLifecycleConfiguration")
def get_lifecycle(call: Call) -> Record:
    answer = call.native()
    given = kept(bucket_of(call)).get("LifecycleConfiguration") or {}
    if not given:
        return answer
    size = given.get("TransitionDefaultMinimumObjectSize") or "all_storage_classes_128K"
    rules = [{"ID": f"rule-{number}", **rule} for number, rule in enumerate(given["LifecycleConfiguration"]["Rules"])]
    return {"Rules": rules, "TransitionDefaultMinimumObjectSize": size}


@serves("s3", "GetBucketNotificationConfiguration")
def get_notification(call: Call) -> Record:
    given = kept(bucket_of(call)).get("NotificationConfiguration") or {}
    return given.get("NotificationConfiguration") or {}


@serves("s3", "PutBucketLogging")
def put_logging(call: Call) -> Record:
    bucket, status = bucket_of(call), call.params["BucketLoggingStatus"]
    enabled = status.get("LoggingEnabled")
    if enabled:
        target = call.backend("s3").buckets.get(enabled.get("TargetBucket"))
        if target is None:
            text = "The target bucket for logging does not exist."
            raise ApiError("InvalidTargetBucketForLogging", text)
        if target.region_name != bucket.region_name:
            text = "Cross S3 location logging not allowed."
            raise ApiError("CrossLocationLoggingProhibited", text, 403)
    kept(bucket)["LoggingEnabled"] = enabled
    return {}


@serves("s3", "GetBucketLogging")
def get_logging(call: Call) -> Record:
    enabled = kept(bucket_of(call)).get("LoggingEnabled")
    return {"LoggingEnabled": enabled} if enabled else {}
