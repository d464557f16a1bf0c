"""A remediation ends the violation it was made for, and touches nothing that is fine."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from policies.examples import EXAMPLES, Thing
from policies.examples.cluster import GPU_POD, asks, pod
from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.remediate import apply
from policies.rules.wire import properties
from tests.policies.test_rules import RULES, built, run

REMEDIES = sorted(rule.id for rule in ALL if rule.remedy)
PARTLY: dict[str, str] = {
    "lt-imds-hop-limit": "the rule asks for one hop, but a node of EKS needs two, and only the stack tells which it is",
    "ami-encrypted": "a key must be chosen",
    "gpu-job-bounded": "only the author knows how long a job may take",
    "gpu-pod-placement": "only the author knows the label of the nodes",
    "lb-hardened": "a bucket must be chosen",
    "lt-tag-specifications": "there are no tags to copy",
    "opensearch-encrypted-tls": "encryption replaces the domain",
    "required-tags": "there are no defaults",
    "gpu-limits-well-formed": "a request without a limit is not copied",
}
"""Rules whose failing example holds more than can be put right; `CLOSED` holds one with only what can."""
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
DOMAIN = {"encryptAtRest": {"enabled": True}, "nodeToNodeEncryption": {"enabled": True}}
TLS = {"tlsSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"}
OWNED = {"dc:site": "s", "dc:environment": "e", "dc:owner": "o", "dc:cost-center": "c"}
BALANCER = {"accessLogs": {"bucket": "logs", "enabled": True}, "internal": True}
NODES = Thing("aws:eks/nodeGroup:NodeGroup", "nodes", {}, {"launchTemplate": ["template"]})
CLOSED: dict[str, tuple[list[Thing], dict[str, Any]]] = {
    "lt-imds-hop-limit": (
        [Thing(TEMPLATE, "template", {"metadataOptions": {"httpPutResponseHopLimit": 5}}), NODES],
        {},
    ),
    "ami-encrypted": ([Thing("aws:ec2/amiCopy:AmiCopy", inputs={"kmsKeyId": "k"})], {}),
    "gpu-job-bounded": (
        [
            Thing(
                "kubernetes:batch/v1:Job",
                inputs={
                    "spec": {"activeDeadlineSeconds": 60, "backoffLimit": 0, "template": {"spec": GPU_POD["spec"]}}
                },
            )
        ],
        {},
    ),
    "gpu-pod-placement": (
        [Thing("kubernetes:core/v1:Pod", inputs=pod({"nodeSelector": {"a": "b"}}, **asks({"nvidia.com/gpu": 1})))],
        {},
    ),
    "lb-hardened": (
        [
            Thing("aws:lb/loadBalancer:LoadBalancer", "one", {**BALANCER, "desyncMitigationMode": "monitor"}),
            Thing("aws:lb/loadBalancer:LoadBalancer", "two", {**BALANCER, "loadBalancerType": "network"}),
            Thing("aws:elb/loadBalancer:LoadBalancer", "old", {**BALANCER, "desyncMitigationMode": "monitor"}),
        ],
        {},
    ),
    "lt-tag-specifications": ([Thing(TEMPLATE, inputs={"tags": OWNED})], {}),
    "opensearch-encrypted-tls": (
        [Thing("aws:opensearch/domain:Domain", inputs={**DOMAIN, "domainEndpointOptions": TLS})],
        {},
    ),
    "required-tags": ([Thing("aws:s3/bucket:Bucket", inputs={"tags": {"dc:site": "mine"}})], {"defaults": OWNED}),
    "gpu-limits-well-formed": (
        [Thing("kubernetes:core/v1:Pod", inputs=pod(**asks({"nvidia.com/gpu": 8}, {"nvidia.com/gpu": 4})))],
        {},
    ),
}


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def remedied(rule: str, things: list[Thing], parameters: dict[str, Any] | None = None) -> list[Thing]:
    given = EXAMPLES[rule].parameters if parameters is None else parameters
    pack = Pack([RULES[rule]], {rule: "remediate"}, {rule: given})
    found = []
    for thing, resource in zip(things, built(things), strict=True):
        inputs = thing.inputs
        for _, changes in pack.changes(resource):
            inputs = properties(apply(struct(inputs), changes))
        found.append(Thing(thing.type, thing.name, inputs, thing.refers, thing.protect))
    return found


def test_there_are_as_many_remediations_as_the_catalogue_says() -> None:
    assert len([rule for rule in REMEDIES if not rule.startswith("gcp-")]) == 39


@pytest.mark.parametrize("rule", [name for name in REMEDIES if name not in PARTLY])
def test_a_remediation_ends_the_violation(rule: str) -> None:
    assert run(rule, remedied(rule, EXAMPLES[rule].bad)).findings == []


def test_every_rule_that_is_put_right_in_part_has_an_example_of_that_part() -> None:
    assert set(CLOSED) == set(PARTLY)


@pytest.mark.parametrize("rule", sorted(CLOSED))
def test_a_remediation_ends_the_part_that_it_can(rule: str) -> None:
    things, parameters = CLOSED[rule]

    def found(given: list[Thing]) -> list[str]:
        pack, resources = Pack([RULES[rule]], parameters={rule: parameters}), built(given)
        outcomes = [*map(pack.resource, resources), pack.stack(resources)]
        return [finding.message for outcome in outcomes for finding in outcome.findings]

    assert found(things)
    assert found(remedied(rule, things, parameters)) == []


@pytest.mark.parametrize("rule", REMEDIES)
def test_what_is_fine_is_not_touched(rule: str) -> None:
    good = EXAMPLES[rule].good
    assert remedied(rule, good) == good
