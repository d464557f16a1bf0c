"""A place for the state of cloud stacks, for those who have none: an S3 bucket and a KMS key as secrets provider.

Both are made outside Pulumi, because Pulumi's state cannot describe where it lies itself. Running it again changes
nothing; nothing here is ever deleted.
"""

from __future__ import annotations

import json
from typing import Any

from operations.stack import Stack
from terminal import InvalidInput, UserError, err, out


def run(name: str) -> None:
    """Make the bucket and the key for the stack's account and region, and print how to use them."""
    stack = Stack.load(name)
    if stack.is_local:
        raise InvalidInput(
            f"stack {name}: local stacks keep their state under {stack.settings.state}; no backend is needed"
        )
    if stack.cloud != "aws":
        raise InvalidInput(
            f"stack {name}: a backend is made in AWS only; make a bucket in Cloud Storage and a key in Cloud KMS, then "
            "`pulumi login gs://BUCKET` and `pulumi stack init --secrets-provider gcpkms://KEY`"
        )
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    region = stack.file.config["aws:region"]
    try:
        account = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
        allowed = json.loads(stack.file.config.get("aws:allowedAccountIds", "[]"))
        if allowed and account not in allowed:
            raise InvalidInput(
                f"aws:allowedAccountIds: the credentials are of account {account}, allowed are {', '.join(allowed)}"
            )
        bucket = f"{stack.file.project}-state-{account}-{region}"
        alias = f"alias/{stack.file.project}-state"
        key = ensure_key(boto3.client("kms", region_name=region), alias)
        ensure_bucket(boto3.client("s3", region_name=region), bucket, region, key)
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"the state backend could not be made: {error}") from None
    err().print(f"bucket {bucket} and key {alias} are ready", markup=False)
    out().print(f"pulumi login 's3://{bucket}?region={region}'", markup=False)
    out().print(f"pulumi stack init {name} --secrets-provider 'awskms://{alias}?region={region}'", markup=False)


def ensure_key(kms: Any, alias: str) -> str:
    """The ARN of the key behind the alias; made, with rotation, when there is none."""
    for page in kms.get_paginator("list_aliases").paginate():
        for entry in page["Aliases"]:
            if entry["AliasName"] == alias and "TargetKeyId" in entry:
                return kms.describe_key(KeyId=entry["TargetKeyId"])["KeyMetadata"]["Arn"]
    key = kms.create_key(Description="State of Pulumi stacks")["KeyMetadata"]
    kms.enable_key_rotation(KeyId=key["KeyId"])
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    return key["Arn"]


def ensure_bucket(s3: Any, bucket: str, region: str, key: str) -> None:
    """Make the bucket when there is none; versioned, encrypted, private and TLS only in any case."""
    names = {entry["Name"] for entry in s3.list_buckets()["Buckets"]}
    if bucket not in names:
        # us-east-1 is the one region that refuses to be named as a location constraint.
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=encryption)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(tls_only(bucket)))


def tls_only(bucket: str) -> dict[str, Any]:
    """A bucket policy that denies every call without TLS."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
