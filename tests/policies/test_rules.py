"""Every rule finds its failing example and leaves its passing one alone; what is unknown is never a pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from policies import facts
from policies.examples import EXAMPLES, Thing
from policies.rules import ALL
from policies.rules.evaluate import Outcome, Pack
from policies.rules.model import UNKNOWN, CannotTell, Resource, Unknown

RULES = {rule.id: rule for rule in ALL}


def built(things: list[Thing]) -> list[Resource]:
    """The example as resources with their references resolved."""
    found = {
        thing.name: Resource(thing.type, thing.name, f"urn::{thing.name}", thing.inputs, protect=thing.protect)
        for thing in things
    }
    for thing in things:
        found[thing.name].refers = {key: [found[name] for name in names] for key, names in thing.refers.items()}
    return list(found.values())


def run(rule: str, things: list[Thing], *, fine: bool = False) -> Outcome:
    """The rule over things, with the parameters of its failing example or (`fine`) of its passing one."""
    given = EXAMPLES[rule].allowed if fine else EXAMPLES[rule].parameters
    pack, resources = Pack([RULES[rule]], parameters={rule: given}), built(things)
    outcomes = [*map(pack.resource, resources), pack.stack(resources)]
    return Outcome(
        [found for outcome in outcomes for found in outcome.findings],
        [doubt for outcome in outcomes for doubt in outcome.doubts],
    )


def test_every_rule_has_an_example() -> None:
    assert set(EXAMPLES) == set(RULES)


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_the_failing_example_is_found(rule: str) -> None:
    found = run(rule, EXAMPLES[rule].bad).findings
    assert (EXAMPLES[rule].check or rule) in [finding.check for finding in found]


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_the_passing_example_is_left_alone(rule: str) -> None:
    outcome = run(rule, EXAMPLES[rule].good, fine=True)
    assert [finding.message for finding in outcome.findings] == []
    assert outcome.doubts == []


def unknown_variants(things: list[Thing]) -> Iterator[list[Thing]]:
    """The example with one top-level input at a time unknown."""
    for index, thing in enumerate(things):
        for key in thing.inputs:
            changed = Thing(thing.type, thing.name, {**thing.inputs, key: UNKNOWN}, thing.refers, thing.protect)
            yield [*things[:index], changed, *things[index + 1 :]]


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_an_unknown_input_is_neither_a_crash_nor_a_new_finding(rule: str) -> None:
    for variant in unknown_variants(EXAMPLES[rule].good):
        assert run(rule, variant, fine=True).findings == []


def test_an_unknown_input_that_a_rule_needs_is_reported_as_such() -> None:
    outcome = run(
        "lt-imdsv2-required", [Thing("aws:ec2/launchTemplate:LaunchTemplate", inputs={"metadataOptions": UNKNOWN})]
    )
    assert [doubt.reason for doubt in outcome.doubts] == ["metadataOptions.httpEndpoint is known only after creation"]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_what_is_said_of_a_rule_is_complete(rule: Any) -> None:
    assert rule.title
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.severity in ("low", "medium", "high", "critical")
    assert rule.types


def test_truth_of_an_unknown_value_cannot_be_asked() -> None:
    with pytest.raises(CannotTell):
        bool(Unknown())


def test_old_bucket_tokens_meet_the_same_rules() -> None:
    pack = Pack(ALL)
    new, old = (
        pack.concerning("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"),
        pack.concerning("aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"),
    )
    assert new == old != []


def test_default_tags_of_the_provider_count_as_tags() -> None:
    provider = Resource("pulumi:providers:aws", "aws", "urn::aws", {"defaultTags": {"tags": {"owner": "a", "x": "1"}}})
    resource = Resource("aws:s3/bucket:Bucket", "b", "urn::b", {"tags": {"x": "2"}}, provider)
    assert resource.tags == {"owner": "a", "x": "2"}


def test_facts_equal_the_catalog() -> None:
    assert facts.PATH.read_text(encoding="utf-8") == facts.text(), "run `python -m policies.facts`"


def test_levels_and_parameters_apply_to_one_stack() -> None:
    rule, things = (
        RULES["eks-control-plane-logs"],
        [Thing("aws:eks/cluster:Cluster", inputs={"enabledClusterLogTypes": ["api"]})],
    )
    (cluster,) = built(things)

    def outcome(levels: Mapping[str, Any], parameters: Mapping[str, Any]) -> Outcome:
        return Pack([rule], levels, {rule.id: parameters}).resource(cluster)

    assert outcome({rule.id: "mandatory"}, {}).findings[0].level == "mandatory"
    assert outcome({rule.id: "disabled"}, {}).findings == []
    assert outcome({}, {"types": ["api"]}).findings == []
    assert outcome({}, {"types": None}).doubts[0].reason == "parameter types is not set"
