"""The server: health, faults, counters, one thread, one address, clean start and stop."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws.__main__ import listen
from sandbox.settings import REPOSITORY
from tests import ports
from tests.sandbox.aws.conftest import ONE_CALL, TRUST, Client, Cloud, answered, refused


def start(port: int, *more: str) -> tuple[subprocess.Popen[str], str]:
    """The daemon and its first line."""
    command = [sys.executable, "-m", "sandbox.aws", "--port", str(port), *more]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    return process, process.stderr.readline()


def health(port: int, path: str = "/_sandbox/health") -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=180) as answer:
        return json.loads(answer.read() or "{}")


@pytest.fixture(autouse=True)
def no_faults(api: Cloud) -> None:
    api.own("DELETE", "faults")


def test_health_names_the_boot_and_a_reset_is_a_new_boot(api: Cloud, aws: Client) -> None:
    before = api.own("GET", "health")
    assert before["status"] == "ok"
    assert before["started_at"] > 0
    aws("sns").create_topic(Name="lost")
    assert api.own("GET", "health")["boot_id"] == before["boot_id"]
    api.forget()
    assert api.own("GET", "health")["boot_id"] != before["boot_id"]
    assert aws("sns").list_topics()["Topics"] == []


@pytest.mark.sandbox
def test_a_restart_ends_cleanly_on_sigterm_and_has_another_boot_and_no_state() -> None:
    port = ports.block()
    boots, clusters = [], []
    for _ in range(2):
        process, first = start(port)
        try:
            assert f"AWS API on http://127.0.0.1:{port}" in first
            boots.append(health(port)["boot_id"])
            sns = boto3.client(
                "sns",
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=ONE_CALL,
            )
            clusters.append(len(sns.list_topics()["Topics"]))
            sns.create_topic(Name="kept")
        finally:
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=180)
        assert process.returncode == 0
        assert "Traceback" not in rest
    assert boots[0] != boots[1]
    assert clusters == [0, 0]


@pytest.mark.sandbox
def test_a_port_in_use_is_one_line_and_exit_code_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, first = start(port)
        _, rest = process.communicate(timeout=180)
    assert process.returncode == 1
    assert f"port {port} on 127.0.0.1" in first
    assert "Traceback" not in first + rest


@pytest.mark.sandbox
def test_only_loopback_is_listened_on() -> None:
    port = ports.block()
    process, _ = start(port)
    try:
        health(port)
        with Path("/proc/net/tcp").open() as table:
            listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    finally:
        process.terminate()
        process.communicate(timeout=180)
    mine = [address for address in listening if address.endswith(f":{port:04X}")]
    assert mine == [f"0100007F:{port:04X}"]


def test_a_page_under_a_foreign_name_cannot_reach_the_sandbox(api: Cloud) -> None:
    request = urllib.request.Request(f"{api.url}/_sandbox/faults", headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=180)
    assert caught.value.code == 403


def test_requests_are_served_one_at_a_time() -> None:
    """moto's state is not safe against threads, and races show too seldom to be a test."""
    meeting = threading.Barrier(2)
    met: list[bool] = []

    def application(_: Any, start_response: Any) -> list[bytes]:
        try:
            meeting.wait(timeout=0.5)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    server = listen(application, 0)
    threading.Thread(target=server.run, daemon=True).start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: health(server.effective_port, "/"), range(4)))
    server.close()
    assert met == [False] * 4


def test_eight_clients_make_two_hundred_roles_without_a_failure(api: Cloud) -> None:
    # a session of its own: the pool of connections of one client is smaller than this crowd
    clients = [
        boto3.client(
            "iam",
            endpoint_url=api.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=ONE_CALL,
        )
        for _ in range(8)
    ]

    def make(index: int) -> str:
        return clients[index % 8].create_role(RoleName=f"r{index}", AssumeRolePolicyDocument=TRUST)["Role"]["RoleName"]

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(make, range(200)))
    listed = clients[0].get_paginator("list_roles").paginate().build_full_result()["Roles"]
    assert made == {f"r{index}" for index in range(200)}
    assert made <= {role["RoleName"] for role in listed}


def test_a_fault_fails_as_many_calls_as_it_says_with_the_given_error(api: Cloud, aws: Client) -> None:
    fault = {"service": "ec2", "action": "CreateVpc", "count": 2, "code": "RequestLimitExceeded", "status": 503}
    api.own("PUT", "faults", [fault])
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")
        assert answered(caught)["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert answered(caught)["Error"]["Code"] == "RequestLimitExceeded"
    vpc = aws("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert api.own("GET", "faults")[0]["hits"] == 2
    aws("ec2").delete_vpc(VpcId=vpc)


def test_a_fault_has_the_shape_of_every_protocol(api: Cloud, aws: Client) -> None:
    api.own("PUT", "faults", {"count": -1, "code": "Throttled", "message": "slow < down", "status": 400})
    calls = {
        "ec2": lambda: aws("ec2").describe_vpcs(),
        "query": lambda: aws("iam").list_roles(),
        "json": lambda: aws("logs").describe_log_groups(),
        "rest-json": lambda: aws("eks").list_clusters(),
        "rest-xml": lambda: aws("s3").list_buckets(),
    }
    for call in calls.values():
        with refused("Throttled", "slow < down"):
            call()


def test_a_fault_after_the_call_loses_only_the_answer(api: Cloud, aws: Client) -> None:
    api.own("PUT", "faults", {"service": "iam", "action": "CreateRole", "code": "ServiceFailure", "after": True})
    with refused("ServiceFailure"):
        aws("iam").create_role(RoleName="half", AssumeRolePolicyDocument=TRUST)
    assert aws("iam").get_role(RoleName="half")["Role"]["RoleName"] == "half"


@pytest.mark.parametrize(
    ("entry", "part"),
    [({"verb": "x"}, "verb unknown"), ({"status": 200}, "status 200"), ({"delay": -1}, "delay -1")],
)
def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(
    api: Cloud, entry: dict[str, Any], part: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        api.own("PUT", "faults", [entry])
    assert caught.value.code == 400
    assert part in json.load(caught.value)["error"]
    assert api.own("GET", "faults") == []


def test_calls_are_counted_by_service_and_action_until_cleared(api: Cloud, aws: Client) -> None:
    api.own("DELETE", "calls")
    aws("sns").list_topics()
    aws("sns").list_topics()
    aws("eks").list_clusters()
    assert api.own("GET", "calls") == {"eks:ListClusters": 1, "sns:ListTopics": 2}
    api.own("DELETE", "calls")
    assert api.own("GET", "calls") == {}


def test_accounts_and_regions_do_not_see_each_other(api: Cloud) -> None:
    here, there = api.client("ecr"), api.client("ecr", "eu-west-1")
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    here.create_pull_through_cache_rule(**rule)
    assert there.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    answer = api.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/x", RoleSessionName="test")
    keys = answer["Credentials"]
    other = boto3.client(
        "ecr",
        endpoint_url=api.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=ONE_CALL,
    )
    assert other.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert other.create_pull_through_cache_rule(**rule)["registryId"] == "111122223333"
