"""A remediation ends the violation it was made for, and touches nothing that is fine."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.remediate import apply
from policies.rules.wire import properties
from tests.policies.all_examples import EXAMPLES, Thing
from tests.policies.test_rules import RULES, built, run

REMEDIES = sorted(rule.id for rule in ALL if rule.remedy)
PARTLY = {
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


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def remedied(rule: str, things: list[Thing]) -> list[Thing]:
    pack = Pack([RULES[rule]], {rule: "remediate"}, {rule: EXAMPLES[rule].parameters})
    found = []
    for thing, resource in zip(things, built(things), strict=True):
        inputs = thing.inputs
        for _, changes in pack.changes(resource):
            inputs = properties(apply(struct(inputs), changes))
        found.append(Thing(thing.type, thing.name, inputs, thing.refers, thing.protect))
    return found


def test_there_are_as_many_remediations_as_the_catalogue_says() -> None:
    assert len(REMEDIES) == 39


@pytest.mark.parametrize("rule", [name for name in REMEDIES if name not in PARTLY])
def test_a_remediation_ends_the_violation(rule: str) -> None:
    assert run(rule, remedied(rule, EXAMPLES[rule].bad)).findings == []


@pytest.mark.parametrize("rule", REMEDIES)
def test_what_is_fine_is_not_touched(rule: str) -> None:
    good = EXAMPLES[rule].good
    assert remedied(rule, good) == good
