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
from policies.examples import EXAMPLES, Thing
from sandbox.settings import REPOSITORY

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
    assert {policy.name for policy in info.policies} == {*EXAMPLES, "exemption-in-force"}
    assert all(policy.remediation_steps and policy.description for policy in info.policies)


def test_nothing_is_printed_before_the_port_and_nothing_after_it() -> None:
    command = [sys.executable, "-u", str(REPOSITORY / "policies")]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": REPOSITORY / "policies"}
    with subprocess.Popen(command, text=True, **options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip().isdigit()
        process.terminate()
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_eight_calls_at_once_are_answered_as_one(pack: Any) -> None:
    """Whole resources of many types and a stack together, through eight threads."""
    things = [thing for example in EXAMPLES.values() for thing in example.bad if len(example.bad) == 1]
    whole = pb.AnalyzeStackRequest(resources=messages(things))

    def answer(index: int) -> list[str]:
        if index % 8 == 7:
            found = pack.AnalyzeStack(whole).diagnostics
        else:
            found = [entry for thing in things for entry in analyze(pack, thing.type, thing.inputs)]
        return sorted(f"{entry.policyName} {entry.message}" for entry in found)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, range(16)))
    assert [answers[index] for index in (7, 15)] == [answers[7]] * 2
    assert all(entry == answers[0] for index, entry in enumerate(answers) if index % 8 != 7)
    assert answers[0]


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
    assert "lt-imdsv2-required" in [entry.policyName for entry in found]
    assert "hunter2" not in str(found)


def test_stack_rules_follow_references(pack: Any) -> None:
    bucket = pb.AnalyzerResource(type="aws:s3/bucket:Bucket", urn="urn::b", name="b", properties=struct({}))
    block = pb.AnalyzerResource(
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        urn="urn::block",
        name="block",
        properties=struct({"bucket": ANY_UNKNOWN, "blockPublicAcls": True, "blockPublicPolicy": True}),
        propertyDependencies={"bucket": pb.AnalyzerPropertyDependencies(urns=["urn::b"])},
    )

    def said(*resources: Any) -> list[str]:
        answer = pack.AnalyzeStack(pb.AnalyzeStackRequest(resources=resources))
        rule = "s3-bucket-has-public-access-block"
        return [entry.message for entry in answer.diagnostics if entry.policyName == rule]

    assert said(bucket)[0].startswith("no public access block is set")
    assert said(bucket, block) == []


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


def test_all_sets_the_level_of_every_policy_that_is_not_named(pack: Any) -> None:
    """Pulumi's word in a policy configuration; what is named keeps its own level, whatever comes first."""
    name = "lt-imdsv2-required"
    levels = {"all": pb.DISABLED, name: pb.ADVISORY}
    try:
        config = {rule: pb.PolicyConfig(enforcementLevel=level) for rule, level in levels.items()}  # type: ignore[arg-type]
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig=config))
        found = analyze(pack, TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}})
        assert {(entry.policyName, entry.enforcementLevel) for entry in found} == {(name, pb.ADVISORY)}
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())


def messages(things: list[Thing]) -> list[Any]:
    found = []
    for thing in things:
        refers = {
            key: pb.AnalyzerPropertyDependencies(urns=[f"urn::{name}" for name in names])
            for key, names in thing.refers.items()
        }
        options = pb.AnalyzerResourceOptions(protect=thing.protect)
        found.append(
            pb.AnalyzerResource(
                type=thing.type,
                urn=f"urn::{thing.name}",
                name=thing.name,
                properties=struct(thing.inputs),
                propertyDependencies=refers,
                options=options,
            )
        )
    return found


def said_of(pack: Any, rule: str, things: list[Thing]) -> list[str]:
    resources = messages(things)
    answers = [pack.AnalyzeStack(pb.AnalyzeStackRequest(resources=resources))]
    for entry in resources:
        request = pb.AnalyzeRequest(
            type=entry.type, urn=entry.urn, name=entry.name, properties=entry.properties, options=entry.options
        )
        answers.append(pack.Analyze(request))
    found = [entry for answer in answers for entry in answer.diagnostics if entry.policyName == rule]
    return [entry.message for entry in found]


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_each_rule_fails_and_passes_through_the_real_service(pack: Any, rule: str) -> None:
    example = EXAMPLES[rule]
    config = pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct(example.parameters))
    try:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={rule: config}))
        bad = said_of(pack, rule, example.bad)
        assert [message for message in bad if not message.startswith("cannot tell")]
        allowed = pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct(example.allowed))
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={rule: allowed}))
        assert said_of(pack, rule, example.good) == []
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())


def remediated(pack: Any, rule: str, kind: str, inputs: dict[str, Any]) -> Any:
    try:
        config = {rule: pb.PolicyConfig(enforcementLevel=pb.REMEDIATE)}
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig=config))
        request = pb.AnalyzeRequest(type=kind, urn="urn::it", name="it", properties=struct(inputs))
        return pack.Remediate(request).remediations
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())


def test_a_remediation_leaves_secrets_and_unknown_values_as_they_are(pack: Any) -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "value": {"httpEndpoint": "enabled"}}
    inputs = {"metadataOptions": secret, "userData": ANY_UNKNOWN}
    (change,) = remediated(pack, "lt-imdsv2-required", TEMPLATE, inputs)
    options = change.properties["metadataOptions"]
    assert options[SIGNATURE] == SECRET_SIGNATURE
    assert dict(options["value"]) == {"httpEndpoint": "enabled", "httpTokens": "required"}
    assert change.properties["userData"] == ANY_UNKNOWN


def test_nothing_is_remediated_unless_the_level_says_so(pack: Any) -> None:
    request = pb.AnalyzeRequest(type=TEMPLATE, urn="urn::it", name="it", properties=struct({"metadataOptions": {}}))
    assert not pack.Remediate(request).remediations


def test_an_exempted_finding_is_not_reported_by_the_service(pack: Any) -> None:
    entry = {"rule": "lt-imdsv2-required", "resource": "it", "reason": "r", "owner": "o", "expires": "2999-01-01"}
    config = pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct({"exemptions": [entry]}))
    try:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={"lt-imdsv2-required": config}))
        found = analyze(pack, TEMPLATE, {"metadataOptions": {"httpTokens": "optional"}})
        assert "lt-imdsv2-required" not in [diagnostic.policyName for diagnostic in found]
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())


def refused(pack: Any, rule: str, properties: dict[str, Any]) -> str:
    """What the service says to a configuration."""
    config = {rule: pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct(properties))}
    with pytest.raises(grpc.RpcError) as caught:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig=config))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]
    return caught.value.details() or ""  # type: ignore[attr-defined]


def test_a_configuration_that_is_wrong_is_refused_in_one_line(pack: Any) -> None:
    assert refused(pack, "no-such-rule", {"foo": 1}) == "no-such-rule: there is no such rule"
    said = refused(pack, "sg-no-world-admin-ports", {"ports": "ssh", "exemptions": [{"rule": "x"}]})
    assert "sg-no-world-admin-ports: ports: 'ssh' is not a list" in said
    assert "exemptions[0].reason: missing" in said
    assert "\n" not in said


def test_the_engine_is_told_what_each_parameter_takes(pack: Any) -> None:
    info = {policy.name: policy for policy in pack.GetAnalyzerInfo(empty_pb2.Empty()).policies}
    properties = info["sg-no-world-admin-ports"].configSchema.properties
    assert properties["ports"]["type"] == "array"
    assert properties["ports"]["items"]["type"] == "number"
    assert "exemptions" in properties
