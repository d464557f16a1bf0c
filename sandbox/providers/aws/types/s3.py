"""S3 buckets. Their settings are resources of their own: `bucket_settings`."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource
from sandbox.providers.aws.shapes import whole

GONE = ("NoSuchBucket", "404")
TAKEN = "BucketAlreadyOwnedByYou"


def _create(api: Api, r: Resource) -> str:
    if r.region == "us-east-1" and _exists(api, r["bucket"]):
        # There the API answers a second creation with success; the bucket may be another resource's.
        raise AwsError(f"s3:CreateBucket: {TAKEN}: {r['bucket']} exists already", TAKEN)
    configuration = dict(r.tags_argument["CreateBucketConfiguration"])
    if r.region != "us-east-1":
        configuration["LocationConstraint"] = r.region
    api(
        "create_bucket",
        Bucket=r["bucket"],
        ObjectLockEnabledForBucket=r["objectLockEnabled"],
        CreateBucketConfiguration=configuration,
    )
    return r["bucket"]


def _exists(api: Api, name: str) -> bool:
    try:
        api("head_bucket", Bucket=name)
    except AwsError as error:
        if error.aws_code in GONE:
            return False
        raise
    return True


def _empty(api: Api, r: Resource) -> None:
    """Delete every object, version and unfinished upload."""
    for upload in whole(api, "list_multipart_uploads", "Uploads", Bucket=r.id):
        api("abort_multipart_upload", Bucket=r.id, Key=upload["Key"], UploadId=upload["UploadId"])
    while True:
        answer = api("list_object_versions", Bucket=r.id)
        objects = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        if not objects:
            return
        keys = [{"Key": one["Key"], "VersionId": one.get("VersionId")} for one in objects]
        api("delete_objects", Bucket=r.id, Delete={"Objects": keys, "Quiet": True})


def _delete(api: Api, r: Resource) -> None:
    if r["forceDestroy"]:
        _empty(api, r)
    api("delete_bucket", Bucket=r.id)


def _tags(api: Api, bucket: str) -> tags.Tags:
    try:
        return tags.from_pairs(api("get_bucket_tagging", Bucket=bucket).get("TagSet"))
    except AwsError as error:
        if error.aws_code == "NoSuchTagSet":
            return {}
        raise


def _write_tags(api: Api, r: Resource, all_: tags.Tags, changed: tags.Tags, removed: list[str]) -> None:  # noqa: ARG001
    if all_:
        api("put_bucket_tagging", Bucket=r.id, Tagging={"TagSet": tags.pairs(all_)})
    else:
        api("delete_bucket_tagging", Bucket=r.id)


def _names(r: Resource) -> dict[str, Any]:
    name = r["bucket"] or r.id
    suffix = "amazonaws.com.cn" if r.partition == "aws-cn" else "amazonaws.com"
    return {
        "arn": r.arn("s3", name, region=False, account=False),
        "bucketDomainName": f"{name}.s3.{suffix}",
        "bucketRegionalDomainName": f"{name}.s3.{r.region}.{suffix}",
        "bucketRegion": r.region,
    }


def _name(key: str) -> Any:
    return lambda _, r: _names(r)[key]


def _at_create(given: tags.Tags) -> dict[str, Any]:
    return {"CreateBucketConfiguration": {"Tags": tags.pairs(given)}}


BUCKET = Record(
    type="aws:s3/bucket:Bucket",
    service="s3",
    create=_create,
    read=lambda api, r: api("head_bucket", Bucket=r.id),
    delete=_delete,
    gone=GONE,
    force=("bucket", "bucketPrefix", "objectLockEnabled"),
    stored=("forceDestroy",),
    naming=Naming(input="bucket", prefix="bucketPrefix", longest=63, lower=True),
    identity=lambda r: r["bucket"],
    known=_names,
    parse_id=lambda name: {"bucket": name},
    outputs={
        "bucket": lambda _, r: r.id,
        "objectLockEnabled": lambda _, r: r["objectLockEnabled"],
        **{key: _name(key) for key in ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion")},
    },
    tagging=tags.Tagging(_at_create, lambda api, r, _: _tags(api, r.id), _write_tags),
    listing=lambda api: [
        Found(one["Name"], f"arn:aws:s3:::{one['Name']}", _tags(api, one["Name"]))
        for one in api("list_buckets").get("Buckets", [])
    ],
    clear=_empty,
)

RECORDS = (BUCKET,)
