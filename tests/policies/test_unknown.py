"""What is unknown or secret: told as such by every rule, never passed, never printed, through the real service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb

from plan.values import ANY_UNKNOWN, SECRET_SIGNATURE, SIGNATURE
from policies.examples import EXAMPLES, Thing
from policies.rules import ALL
from policies.rules.evaluate import Pack
from policies.rules.model import UNKNOWN
from policies.rules.wire import redacted, secrets
from tests.policies.test_rules import RULES, built, run
from tests.policies.test_server import pack, said_of, struct  # noqa: F401 - pack is a fixture

PRESENT = {
    "backup-covers-stateful": "a selection made from the resource counts, whatever its id will be",
    "backup-vault-kms": "a key that is made in the stack counts",
    "ecr-lifecycle-policy": "a policy made from the repository counts",
    "eks-addon-version-pinned": "a version that is looked up counts",
    "gcp-bucket-cmek": "a key that is made in the stack counts",
    "gcp-subnet-flow-logs": "settings that are computed count",
    "iam-no-long-lived-users": "it asks whether there are users at all",
    "loggroup-kms": "a key that is made in the stack counts",
    "nodegroup-launch-template-conflicts": "it asks what stands beside what",
    "protect-stateful": "it asks for an option, which is always known",
    "s3-access-logging": "logging into a bucket of the stack counts",
    "vpc-flow-logs": "a flow log made from the network counts",
}
"""Rules for which a value that exists is enough, known or not."""
TOTALS = ("cost-estimate-within-budget", "power-within-budget")
"""Rules about totals: they cannot tell without their parameters."""
Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def replaced(value: Any, path: Path, by: Any) -> Any:
    if not path:
        return by(value)
    if isinstance(value, dict):
        return {key: replaced(item, path[1:], by) if key == path[0] else item for key, item in value.items()}
    return [replaced(item, path[1:], by) if key == path[0] else item for key, item in enumerate(value)]


def variants(things: list[Thing], by: Any) -> Iterator[list[Thing]]:
    """The things with one input, at any depth, replaced at a time."""
    for index, thing in enumerate(things):
        for path in paths(thing.inputs):
            inputs = replaced(thing.inputs, path, by)
            yield [
                *things[:index],
                Thing(thing.type, thing.name, inputs, thing.refers, thing.protect),
                *things[index + 1 :],
            ]


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_an_unknown_value_at_any_depth_makes_no_finding_of_what_is_fine(rule: str) -> None:
    for things in variants(EXAMPLES[rule].good, lambda _: UNKNOWN):
        assert [entry.message for entry in run(rule, things, fine=True).findings] == []


ENOUGH: dict[str, str] = {}
"""Rules whose failing example passes with a value unknown, and why that is right: how, to what leads."""


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_what_is_wrong_never_passes_because_a_value_of_it_is_unknown(rule: str) -> None:
    passed = [
        things
        for things in variants(EXAMPLES[rule].bad, lambda _: UNKNOWN)
        if not (outcome := run(rule, things)).findings and not outcome.doubts
    ]
    assert bool(passed) is (rule in ENOUGH), passed[:1]


def lists(value: Any, path: Path = ()) -> Iterator[Path]:
    """The lists of objects in a value."""
    for found in paths(value, path):
        inside = value
        for key in found:
            inside = inside[key]
        if isinstance(inside, list) and any(isinstance(item, dict) for item in inside):
            yield found


def with_neighbour(things: list[Thing], neighbour: Any) -> Iterator[list[Thing]]:
    """The things with an unknown item before, and after, those of one list of objects at a time."""
    for index, thing in enumerate(things):
        for path in lists(thing.inputs):
            for put in (lambda items: [neighbour(items[0]), *items], lambda items: [*items, neighbour(items[0])]):
                inputs = replaced(thing.inputs, path, put)
                changed = Thing(thing.type, thing.name, inputs, thing.refers, thing.protect)
                yield [*things[:index], changed, *things[index + 1 :]]


def veiled(value: Any) -> Any:
    """A copy of an object with every value in it unknown."""
    if isinstance(value, dict):
        return {key: veiled(item) for key, item in value.items()}
    return [veiled(item) for item in value] if isinstance(value, list) else UNKNOWN


SETTLED: dict[str, str] = {
    "efa-card-layout": "the unknown interface may be the one at card 0",
    "efa-interface-count-full": "the unknown interfaces may carry EFA",
    "lt-tag-specifications": "the unknown entry may be the tags that are missing",
    "s3-abort-incomplete-multipart": "the unknown rule may abort uploads",
    "s3-encryption-kms": "the unknown rule may name a key",
}
"""Rules for which an unknown neighbour may be what is missing, so that they cannot tell."""


@pytest.mark.parametrize("neighbour", [lambda _: UNKNOWN, veiled], ids=["unknown", "veiled"])
@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_an_unknown_neighbour_hides_nothing_that_is_wrong(rule: str, neighbour: Any) -> None:
    hidden = [things for things in with_neighbour(EXAMPLES[rule].bad, neighbour) if not run(rule, things).findings]
    assert bool(hidden) is (rule in SETTLED), hidden[:1]
    assert all(run(rule, things).doubts for things in hidden)


@pytest.mark.parametrize("rule", sorted(set(EXAMPLES) - set(PRESENT) - set(TOTALS)))
def test_each_rule_says_through_the_service_when_it_cannot_tell(pack: Any, rule: str) -> None:  # noqa: F811
    example = EXAMPLES[rule]
    config = pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct(example.parameters))
    try:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={rule: config}))
        assert any(
            message.startswith("cannot tell")
            for side in (example.bad, example.good)
            for things in variants(side, lambda _: ANY_UNKNOWN)
            for message in said_of(pack, rule, things)
        )
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())


@pytest.mark.parametrize("rule", sorted(PRESENT))
def test_a_value_that_exists_is_enough_for_some_rules(rule: str) -> None:
    assert all(
        run(rule, things, fine=True).findings == [] for things in variants(EXAMPLES[rule].good, lambda _: UNKNOWN)
    )


@pytest.mark.parametrize("rule", TOTALS)
def test_rules_about_totals_cannot_tell_without_them(rule: str) -> None:
    (doubt,) = Pack([RULES[rule]]).stack(built(EXAMPLES[rule].bad)).doubts
    assert doubt.reason.startswith("parameter")


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET_SIGNATURE, "value": value}


def texts(things: list[Thing]) -> set[str]:
    """Every text of the inputs that is long enough to be told from a word of the message."""
    found = {value for thing in things for value in _leaves(thing.inputs) if isinstance(value, str)}
    return {text for text in found if len(text) > 5 and not text.isalpha()}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_no_rule_prints_a_secret_and_each_still_finds_what_is_wrong(pack: Any, rule: str) -> None:  # noqa: F811
    example = EXAMPLES[rule]
    hidden = [
        Thing(
            thing.type,
            thing.name,
            {key: secret(value) for key, value in thing.inputs.items()},
            thing.refers,
            thing.protect,
        )
        for thing in example.bad
    ]
    config = pb.PolicyConfig(enforcementLevel=pb.MANDATORY, properties=struct(example.parameters))
    try:
        pack.Configure(pb.ConfigureAnalyzerRequest(policyConfig={rule: config}))
        said = [message.partition(" Fix: ")[0] for message in said_of(pack, rule, hidden)]
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())
    assert said
    assert not [text for text in texts(example.bad) for message in said if text in message]


def test_secrets_are_found_at_any_depth() -> None:
    message = struct_pb2.Struct()
    message.update({"a": secret({"b": ["one", 2]}), "c": {"d": secret("three")}, "e": "open"})
    assert secrets(message) == {"one", "2", "three"}


def test_a_name_out_of_a_secret_document_is_hidden_and_a_word_is_not() -> None:
    document = '{"Action": ["s3:GetObject"], "statement": 1}'
    said = redacted("s3:getobject is allowed by a statement.", {document})
    assert said == "[secret] is allowed by a statement."


def test_there_is_a_reason_for_every_rule_that_never_doubts() -> None:
    assert set(PRESENT) <= {rule.id for rule in ALL}


@pytest.mark.parametrize(
    ("kind", "inputs", "check"),
    [
        ("aws:cloudtrail/trail:Trail", {"isMultiRegionTrail": UNKNOWN, "enableLogging": False}, "CKV_AWS_251"),
        ("aws:rds/instance:Instance", {"storageEncrypted": UNKNOWN}, "kmsKeyId"),
        ("aws:ec2/amiCopy:AmiCopy", {"encrypted": UNKNOWN}, "CKV_AWS_236"),
        ("aws:efs/accessPoint:AccessPoint", {"rootDirectory": UNKNOWN}, "CKV_AWS_330"),
        ("aws:codebuild/project:Project", {"artifacts": UNKNOWN}, "CKV_AWS_314"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"actionsEnabled": UNKNOWN}, "actions"),
        (
            "gcp:container/nodePool:NodePool",
            {
                "nodeConfig": {
                    "shieldedInstanceConfig": {"enableIntegrityMonitoring": UNKNOWN, "enableSecureBoot": False}
                }
            },
            "CKV_GCP_68",
        ),
    ],
)
def test_an_unknown_property_hides_nothing_wrong_with_another(kind: str, inputs: dict[str, Any], check: str) -> None:
    (resource,) = built([Thing(kind, inputs=inputs)])
    assert check in [entry.check for entry in Pack(ALL).resource(resource).findings]
