"""The local `aws` provider under the real engine: a small program through its life, drift, faults and a killed
engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from sandbox import toolchain
from sandbox.engine import home
from sandbox.providers.aws import leftovers
from sandbox.settings import Settings
from tests import ports
from tests.sandbox.emulated import eventually
from tests.sandbox.providers.aws.api import Api, running_api

LIMIT_SECONDS = 180
PROGRAM = """
import json
import pulumi
import pulumi_aws as aws

config = pulumi.Config()
network = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16", tags={"Name": config.get("name") or "first"})
subnets = [
    aws.ec2.Subnet(f"net-{zone}", vpc_id=network.id, cidr_block=f"10.0.{n}.0/24", availability_zone=f"us-east-1{zone}")
    for n, zone in enumerate("ab")
]
group = aws.ec2.SecurityGroup("nodes", vpc_id=network.id, description=config.get("description") or "nodes")
aws.vpc.SecurityGroupIngressRule(
    "inside", security_group_id=group.id, referenced_security_group_id=group.id, ip_protocol="-1"
)
aws.vpc.SecurityGroupEgressRule("out", security_group_id=group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="-1")
trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = aws.iam.Role("role", name="fixed-name", assume_role_policy=json.dumps(trust), path=config.get("path") or "/",
                    description=config.get_secret("note") or "x")
bucket = aws.s3.Bucket("data", force_destroy=True)
aws.s3.BucketVersioning("data", bucket=bucket.bucket, versioning_configuration={"status": "Enabled"})
aws.kms.Key("key", enable_key_rotation=True)
template = aws.ec2.LaunchTemplate("template", instance_type="p5.48xlarge", vpc_security_group_ids=[group.id])
pulumi.export("network", network.id)
pulumi.export("group", group.id)
pulumi.export("version", template.latest_version)
pulumi.export("bucket", bucket.arn)
if config.get("extra"):
    aws.sqs.Queue("queue")
"""


@dataclass
class Stack:
    """A project with the program above and one stack, on an AWS API of its own."""

    folder: Path
    environment: dict[str, str]
    api: Api

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def up(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--yes", "--skip-preview", *arguments, check=check)

    def config(self, **values: str) -> None:
        for key, value in values.items():
            self.run("config", "set", key, value)

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.run("stack", "output", "--json").stdout)

    def resources(self) -> list[dict[str, Any]]:
        return json.loads(self.run("stack", "export").stdout)["deployment"].get("resources", [])

    def plan(self) -> dict[str, str]:
        """What a preview would do: operation by name; unchanged resources are left out."""
        steps = json.loads(self.run("preview", "--json").stdout)["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}


@pytest.fixture
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="aidc-")).resolve()
    port = ports.block()
    settings = Settings(folder / "state", Settings.load().cache, port)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text("name: life\nruntime: {name: python}\n")
    environment = home.process_environment(settings, toolchain.ensure("pulumi"))
    environment |= {"AIDC_STATE": str(settings.state), "AIDC_PORT": str(port), "AIDC_AWS_BACKOFF": "0.01"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with running_api(settings.ports["aws"]) as api:
        made = Stack(folder, environment, api)
        made.run("stack", "init", "dev")
        made.config(**{"aws:region": "us-east-1", "aws:allowedAccountIds": '["123456789012"]'})
        made.config(**{"aws:defaultTags": '{"tags": {"dc:site": "test"}}'})
        yield made
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    assert not _plugins(folder), "a provider outlived its engine"


def _plugins(folder: Path) -> list[int]:
    """Provider processes of this stack that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if "sandbox.providers.aws" in process.cmdline() and process.cwd().startswith(str(folder)):
                found.append(process)
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(found, timeout=LIMIT_SECONDS)
    return [process.pid for process in alive]


def _session() -> boto3.Session:
    return boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def test_a_program_lives(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.run("config", "set", "note", "s3cr3t-note", "--secret")
    shown = stack.run("preview").stdout
    assert "+ 12 to create" in shown
    stack.up()
    stack.up("--expect-no-changes")
    first = stack.outputs()
    assert first["version"] == 1
    assert first["bucket"].startswith("arn:aws:s3:::data-")
    tags = stack.api.client("ec2").describe_vpcs(VpcIds=[first["network"]])["Vpcs"][0]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags}.items() >= {"Name": "first", "dc:site": "test"}.items()
    text = "".join(file.read_text(errors="replace") for file in (stack.folder / "state").rglob("*") if file.is_file())
    assert "s3cr3t-note" not in text
    assert stack.api.client("iam").get_role(RoleName="fixed-name")["Role"]["Description"] == "s3cr3t-note"

    # In place, default tags, a replacement with a new name, and one with a fixed name that is deleted first.
    stack.config(name="second")
    assert stack.plan() == {"network": "update"}
    stack.config(**{"aws:defaultTags": '{"tags": {"dc:site": "other"}}'})
    assert set(stack.plan().values()) == {"update"}
    stack.up()
    stack.config(description="others", path="/dc/")
    plan = stack.plan()
    assert plan.keys() >= {"nodes", "inside", "out", "role", "template"}
    stack.up()
    after = stack.outputs()
    assert after["group"] != first["group"]
    assert (after["network"], after["version"]) == (first["network"], 2)
    assert stack.api.client("iam").get_role(RoleName="fixed-name")["Role"]["Path"] == "/dc/"
    stack.up("--expect-no-changes")

    # Drift by others.
    assert stack.run("refresh", "--preview-only", "--expect-no-changes").returncode == 0
    stack.api.client("ec2").create_tags(Resources=[first["network"]], Tags=[{"Key": "Name", "Value": "HACK"}])
    stack.api.client("iam").delete_role(RoleName="fixed-name")
    drift = stack.run("refresh", "--preview-only", "--diff", "--expect-no-changes", check=False)
    assert drift.returncode == 7
    assert '"second" => "HACK"' in drift.stdout
    stack.run("refresh", "--yes", "--skip-preview")
    assert stack.plan() == {"network": "update", "role": "create"}
    stack.up()
    stack.run("refresh", "--preview-only", "--expect-no-changes")

    # A type that the local cloud does not have is said before anything is made.
    stack.config(extra="yes")
    refused = stack.run("preview", check=False)
    assert refused.returncode != 0
    assert "aws:sqs/queue:Queue is not available in the local environment" in refused.stdout + refused.stderr
    stack.run("config", "rm", "extra")

    stack.run("destroy", "--yes", "--skip-preview")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.api.url)
    assert leftovers.inventory(_session()) == {}


def test_resources_are_imported_by_id_alone(stack: Stack) -> None:
    client = stack.api.client("ec2")
    vpc = client.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    stack.api.client("iam").create_role(
        RoleName="by-hand", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    stack.run("import", "aws:ec2/vpc:Vpc", "old", vpc, "--yes", "--skip-preview", "--generate-code=false")
    stack.run("import", "aws:iam/role:Role", "role", "by-hand", "--yes", "--skip-preview", "--generate-code=false")
    found = {one["urn"].rpartition("::")[2]: one for one in stack.resources()}
    assert found["old"]["inputs"]["cidrBlock"] == "10.5.0.0/16"
    assert found["role"]["inputs"]["name"] == "by-hand"


def test_throttling_is_survived_and_a_half_made_resource_is_finished_by_the_next_up(stack: Stack) -> None:
    throttled = {"service": "ec2", "action": "CreateSubnet", "code": "RequestLimitExceeded", "status": 503, "count": 3}
    broken = {
        "service": "kms",
        "action": "EnableKeyRotation",
        "code": "KMSInvalidState",
        "message": "not now",
        "count": 1,
    }
    stack.api.fail(throttled, broken)
    failed = stack.up(check=False)
    assert failed.returncode != 0
    assert "kms:EnableKeyRotation: KMSInvalidState: not now" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert "RequestLimitExceeded" not in failed.stdout.partition("Diagnostics:")[2]
    finished = stack.up()
    assert "~ 1 updated" in finished.stdout or "1 updated" in finished.stdout
    key = next(one["id"] for one in stack.resources() if one["type"] == "aws:kms/key:Key")
    assert stack.api.client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    stack.up("--expect-no-changes")


@pytest.mark.parametrize("moment", ["CreateSubnet", "CreateBucket"])
def test_what_a_killed_engine_leaves_is_found_and_nothing_is_made_twice(
    stack: Stack, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = "s3" if moment == "CreateBucket" else "ec2"
    # What a plugin asks after the object was made takes a second each time: there its engine is killed.
    stack.api.fail({"service": service, "delay": 1, "count": -1})
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    engine = subprocess.Popen(command, cwd=stack.folder, env=stack.environment, stdout=subprocess.DEVNULL)
    eventually(lambda: f"{service}:{moment}" in stack.api.peek())
    engine.kill()
    engine.wait()
    stack.api.heal()
    assert not _plugins(stack.folder), "a provider outlived its engine"

    stack.run("cancel", "--yes")
    stack.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.api.url)
    known = {(one["type"], one.get("id")) for one in stack.resources()}
    lost = [one for one in leftovers.find(_session(), "dev") if (one.type, one.id) not in known]
    assert lost, "the object that was being made is found"
    leftovers.remove(_session(), lost)
    stack.up()
    known = {(one["type"], one.get("id")) for one in stack.resources()}
    assert {(one.type, one.id) for one in leftovers.find(_session())} <= known
    stack.run("destroy", "--yes", "--skip-preview")
    assert leftovers.inventory(_session()) == {}
