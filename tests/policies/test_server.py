"""The pack as the engine meets it: a process that prints its port, answers in parallel and ends with its parent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi.runtime.proto import analyzer_pb2_grpc

from plan.values import ANY_UNKNOWN, SECRET_SIGNATURE, SIGNATURE
from sandbox.settings import REPOSITORY
from tests.policies.examples import EXAMPLES

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


@pytest.fixture(scope="module")
def pack() -> Iterator[Any]:
    command = [sys.executable, "-u", str(REPOSITORY / "policies")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY / "policies")
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)
    process.terminate()
    assert process.wait(120) == 0


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def analyze(pack: Any, kind: str, inputs: dict[str, Any]) -> list[Any]:
    request = pb.AnalyzeRequest(type=kind, urn="urn::it", name="it", properties=struct(inputs))
    return list(pack.Analyze(request).diagnostics)


def test_the_first_line_is_the_port_and_the_pack_lists_its_rules(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert {policy.name for policy in info.policies} == set(EXAMPLES)
    assert all(policy.remediation_steps and policy.description for policy in info.policies)


def test_a_finding_carries_its_own_rule_level_and_severity(pack: Any) -> None:
    found = analyze(pack, TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}})
    (finding,) = [entry for entry in found if entry.policyName == "lt-imdsv2-required"]
    assert finding.enforcementLevel == pb.MANDATORY
    assert finding.severity == pb.POLICY_SEVERITY_HIGH
    assert finding.urn == "urn::it"
    assert "Fix: set metadataOptions.httpTokens to required." in finding.message


def test_an_unknown_value_is_an_advisory_cannot_tell(pack: Any) -> None:
    found = analyze(pack, TEMPLATE, {"metadataOptions": ANY_UNKNOWN})
    (doubt,) = [entry for entry in found if entry.policyName == "lt-imdsv2-required"]
    assert doubt.enforcementLevel == pb.ADVISORY
    assert doubt.message.startswith("cannot tell: metadataOptions")


def test_secrets_are_never_printed(pack: Any) -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "value": {"httpTokens": "hunter2"}}
    found = analyze(pack, TEMPLATE, {"metadataOptions": secret})
    assert [entry.policyName for entry in found] == ["lt-imdsv2-required"]
    assert "hunter2" not in str(found)


def test_stack_rules_follow_references(pack: Any) -> None:
    bucket = pb.AnalyzerResource(type="aws:s3/bucket:Bucket", urn="urn::b", name="b", properties=struct({}))
    block = pb.AnalyzerResource(
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        urn="urn::block",
        name="block",
        properties=struct({"bucket": ANY_UNKNOWN}),
        propertyDependencies={"bucket": pb.AnalyzerPropertyDependencies(urns=["urn::b"])},
    )
    alone = pack.AnalyzeStack(pb.AnalyzeStackRequest(resources=[bucket]))
    assert [entry.policyName for entry in alone.diagnostics] == ["s3-bucket-has-public-access-block"]
    assert not pack.AnalyzeStack(pb.AnalyzeStackRequest(resources=[bucket, block])).diagnostics


def test_parallel_calls_do_not_disturb_each_other(pack: Any) -> None:
    inputs = EXAMPLES["efa-interface-count-full"].bad[0].inputs
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: sorted(entry.policyName for entry in analyze(pack, TEMPLATE, inputs)), range(40))
        )
    assert answers == [answers[0]] * 40
    assert "efa-interface-count-full" in answers[0]


def test_configuration_changes_levels(pack: Any) -> None:
    name = "lt-imdsv2-required"
    try:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={name: pb.PolicyConfig(enforcementLevel=pb.DISABLED)}))
        found = analyze(pack, TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}})
        assert name not in [entry.policyName for entry in found]
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())
