"""The local AWS API in a thread of this process, empty at the start of every module."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.aws.__main__ import listen
from sandbox.aws.call import Options
from sandbox.aws.server import Application
from sandbox.settings import ACCESS_KEY, SECRET_KEY

ENDPOINT = "https://127.0.0.1:16440"
AUTHORITY = "-----BEGIN CERTIFICATE-----\nlocal\n-----END CERTIFICATE-----\n"
ONE_CALL = Config(retries={"total_max_attempts": 1})


def answered(caught: pytest.ExceptionInfo[ClientError]) -> dict[str, Any]:
    """The answer behind an AWS error."""
    return cast(dict[str, Any], caught.value.response)


@contextlib.contextmanager
def refused(code: str, *parts: str) -> Iterator[None]:
    """The call in this block is answered with an AWS error of this code, whose message holds these parts."""
    with pytest.raises(ClientError) as caught:
        yield
    error = answered(caught)["Error"]
    assert error["Code"] == code, error
    for part in parts:
        assert part in error["Message"], error


@dataclass
class Cloud:
    """A running AWS API."""

    url: str
    application: Application
    made: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def client(self, service: str, region: str = "us-east-1", key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
        wanted = (service, region, key, secret)
        if wanted not in self.made:
            make: Any = boto3.client  # its stubs want the name of a service, not a string
            self.made[wanted] = make(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                config=ONE_CALL,
            )
        return self.made[wanted]

    def own(self, method: str, path: str, value: Any = None) -> Any:
        """A request to `/_sandbox/...`, as JSON. Raises HTTPError."""
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=180) as answer:
            return json.load(answer)

    def forget(self) -> None:
        request = urllib.request.Request(f"{self.url}/moto-api/reset", data=b"", method="POST")
        urllib.request.urlopen(request, timeout=60).close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    authority: Path = tmp_path_factory.mktemp("pki") / "ca.crt"
    authority.write_text(AUTHORITY)
    application = Application(Options(ENDPOINT, authority))
    server = listen(application, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield Cloud(f"http://127.0.0.1:{server.effective_port}", application)
    server.close()


@pytest.fixture(scope="module")
def api(served: Cloud) -> Cloud:
    served.forget()
    served.own("DELETE", "faults")
    return served


Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def aws(api: Cloud) -> Client:
    """A boto3 client of a service, with parameter validation and without retries."""
    return api.client


@dataclass(frozen=True)
class Network:
    vpc: str
    subnets: list[str]
    """One in each of two zones."""
    group: str


@pytest.fixture(scope="module")
def network(aws: Client) -> Network:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"us-east-1{zone}")
        for index, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    return Network(vpc, [subnet["Subnet"]["SubnetId"] for subnet in subnets], group)


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@pytest.fixture(scope="module")
def role(aws: Client) -> str:
    """ARN of a role."""
    return aws("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


@pytest.fixture(scope="module")
def make_cluster(aws: Client, network: Network, role: str) -> Callable[..., dict[str, Any]]:
    """Makes EKS clusters: `make_cluster("name", version="1.34")` answers the described cluster."""

    def make(name: str, **more: Any) -> dict[str, Any]:
        given = {"accessConfig": {"authenticationMode": "API"}, "resourcesVpcConfig": {"subnetIds": network.subnets}}
        aws("eks").create_cluster(name=name, roleArn=role, **{**given, **more})
        return aws("eks").describe_cluster(name=name)["cluster"]

    return make


def tags(kind: str, **values: str) -> list[dict[str, Any]]:
    """TagSpecifications of EC2."""
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}]


def pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


@functools.cache
def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
