"""The state backend is locked down, and making it twice changes nothing."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from operations import backend


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_bucket_is_versioned_encrypted_private_and_tls_only(region: str) -> None:
    s3, kms = boto3.client("s3", region_name=region), boto3.client("kms", region_name=region)
    key = backend.ensure_key(kms, "alias/state")
    backend.ensure_bucket(s3, "state", region, key)
    assert s3.get_bucket_versioning(Bucket="state")["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket="state")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert all(s3.get_public_access_block(Bucket="state")["PublicAccessBlockConfiguration"].values())
    assert json.loads(s3.get_bucket_policy(Bucket="state")["Policy"])["Statement"][0]["Effect"] == "Deny"
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_making_it_again_keeps_the_key_and_the_bucket() -> None:
    s3, kms = boto3.client("s3", region_name="us-east-1"), boto3.client("kms", region_name="us-east-1")
    first = backend.ensure_key(kms, "alias/state")
    backend.ensure_bucket(s3, "state", "us-east-1", first)
    assert backend.ensure_key(kms, "alias/state") == first
    backend.ensure_bucket(s3, "state", "us-east-1", first)
    assert len(s3.list_buckets()["Buckets"]) == 1
    assert len(kms.list_keys()["Keys"]) == 1
