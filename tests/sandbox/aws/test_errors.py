"""What the local cloud cannot do is answered as an AWS error in the service's protocol, never as HTML."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import coverage, gaps
from sandbox.aws.native import S3_ACTIONS, Moto
from sandbox.aws.wire import NOT_AVAILABLE, Reply
from tests.sandbox.aws.conftest import Client, Cloud, answered, refused

MISSING: dict[str, Callable[[Client], Any]] = {
    "ec2:CreateIpam": lambda aws: aws("ec2").create_ipam(),
    "autoscaling:StartInstanceRefresh": lambda aws: aws("autoscaling").start_instance_refresh(AutoScalingGroupName="x"),
    "fsx:CreateFileCache": lambda aws: aws("fsx").create_file_cache(
        FileCacheType="LUSTRE", FileCacheTypeVersion="2.12", StorageCapacity=1200, SubnetIds=["subnet-12345678"]
    ),
    "eks:CreateFargateProfile": lambda aws: aws("eks").create_fargate_profile(
        fargateProfileName="f", clusterName="c", podExecutionRoleArn="r"
    ),
    "route53:ListTrafficPolicies": lambda aws: aws("route53").list_traffic_policies(),
    "cloudwatch:PutCompositeAlarm": lambda aws: aws("cloudwatch").put_composite_alarm(AlarmName="a", AlarmRule="TRUE"),
    "grafana:ListWorkspaces": lambda aws: aws("grafana").list_workspaces(),
    "pricing:DescribeServices": lambda aws: aws("pricing").describe_services(),
    "s3:PutBucketMetricsConfiguration": lambda aws: aws("s3").put_bucket_metrics_configuration(
        Bucket="b-1", Id="x", MetricsConfiguration={"Id": "x"}
    ),
}
"""A missing action of each protocol, of a service that moto lacks, and of one where moto would do something else."""


@pytest.mark.parametrize("action", MISSING)
def test_a_missing_action_says_so_in_its_protocol(aws: Client, action: str) -> None:
    with pytest.raises(ClientError) as caught:
        MISSING[action](aws)
    error, meta = answered(caught)["Error"], answered(caught)["ResponseMetadata"]
    assert error["Code"] == NOT_AVAILABLE
    assert error["Message"] == f"not available in the local cloud: {action}"
    assert 400 <= meta["HTTPStatusCode"] < 500, "a 5xx would be tried again"


def test_a_bug_of_the_emulator_is_an_aws_error_and_not_a_page(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("Threads")

    monkeypatch.setattr("moto.logs.models.LogsBackend.create_log_group", broken)
    with refused("InternalFailure", "logs:CreateLogGroup", "KeyError"):
        aws("logs").create_log_group(logGroupName="/x")


@pytest.mark.parametrize("status", [404, 405, 500])
def test_a_page_of_the_emulator_becomes_an_aws_error(aws: Client, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    page = b"<!doctype html>\n<html lang=en><title>Not Found</title>"
    reply = Reply(status, [("Content-Type", "text/html; charset=utf-8")], page)
    monkeypatch.setattr(Moto, "raw", lambda *_: reply)
    with refused(NOT_AVAILABLE, "lambda:ListFunctions"):
        aws("lambda").list_functions()


def test_an_address_that_is_none_is_not_a_page_either(api: Cloud) -> None:
    request = urllib.request.Request(f"{api.url}/no/such/thing?x=1", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=180)
    assert caught.value.code < 500
    assert b"<!doctype html>" not in caught.value.read().lower()


UNKNOWN_SUB_RESOURCES = [
    ("put_bucket_intelligent_tiering_configuration", {"Id": "x", "IntelligentTieringConfiguration": {
        "Id": "x", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}}),
    ("put_bucket_request_payment", {"RequestPaymentConfiguration": {"Payer": "Requester"}}),
    ("delete_bucket_metrics_configuration", {"Id": "x"}),
    ("delete_bucket_analytics_configuration", {"Id": "x"}),
    ("delete_bucket_inventory_configuration", {"Id": "x"}),
    ("delete_bucket_intelligent_tiering_configuration", {"Id": "x"}),
    ("delete_bucket_metadata_configuration", {}),
]  # fmt: skip


@pytest.mark.parametrize(("call", "more"), UNKNOWN_SUB_RESOURCES, ids=[name for name, _ in UNKNOWN_SUB_RESOURCES])
def test_an_unknown_sub_resource_neither_makes_nor_deletes_a_bucket(
    aws: Client, call: str, more: dict[str, Any]
) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="guarded")
    for bucket in ("guarded", "never-made"):
        with refused(NOT_AVAILABLE):
            getattr(s3, call)(Bucket=bucket, **more)
    s3.head_bucket(Bucket="guarded")
    with refused("404"):
        s3.head_bucket(Bucket="never-made")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_sub_resource_that_no_sdk_knows_is_refused_too(api: Cloud, aws: Client, method: str) -> None:
    aws("s3").create_bucket(Bucket="guarded")
    request = urllib.request.Request(f"{api.url}/guarded?newFeature", method=method, data=b"")
    answer = None
    try:
        answer = urllib.request.urlopen(request, timeout=180)
    except urllib.error.HTTPError as error:
        assert error.code == 405
        assert NOT_AVAILABLE.encode() in error.read()
    assert answer is None
    aws("s3").head_bucket(Bucket="guarded")


def test_every_s3_action_we_list_exists() -> None:
    found = coverage.of("s3")
    assert {*found.native, *found.amended, *found.filled, *found.missing} >= S3_ACTIONS


def test_every_handler_is_for_an_action_that_exists() -> None:
    import botocore.session

    session = botocore.session.get_session()
    for service in gaps.MODULES:
        unknown = set(gaps.actions(service)) - set(session.get_service_model(service).operation_names)
        assert not unknown, f"{service}: {unknown}"


def test_coverage_tells_ours_from_motos_and_from_nobodys() -> None:
    eks = coverage.of("eks")
    assert "CreateAddon" in eks.filled
    assert "CreateFargateProfile" in eks.missing
    assert eks.native == (), "one truth about clusters"
    ec2 = coverage.of("ec2")
    assert "CreateVpc" in ec2.native
    assert "CreateFlowLogs" in ec2.amended
    assert "CreatePlacementGroup" in ec2.filled
    assert coverage.of("grafana").served == 0
    assert ec2.served == len(ec2.native) + len(ec2.amended) + len(ec2.filled)
    assert [entry.service for entry in coverage.table()] == list(coverage.SERVICES)
