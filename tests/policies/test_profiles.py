"""Profiles, overrides and exemptions: every mistake is named, and the engine gets the same as the runner."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plan import document
from plan.values import ANY_UNKNOWN
from policies import check
from policies.profiles import KEY, settings
from policies.rules import ALL
from policies.rules.parameters import mistakes
from terminal import InvalidInput

BUCKET = "aws:s3/bucket:Bucket"
EXEMPTION = {
    "rule": "s3-no-force-destroy",
    "resource": "scratch*",
    "reason": "holds nothing of value",
    "owner": "platform",
    "expires": "2999-01-01",
}


def config(**section: Any) -> dict[str, str]:
    return {KEY: json.dumps(section)}


def bucket(name: str = "scratch") -> Any:
    urn = f"urn:pulumi:s::p::{BUCKET}::{name}"
    state = {"urn": urn, "type": BUCKET, "custom": True, "inputs": {"forceDestroy": True}}
    return document.load({"steps": [{"op": "create", "urn": urn, "newState": state}]})


def findings(**section: Any) -> list[tuple[str, str]]:
    result = check.run(bucket(), config=config(**section))
    return [(entry.rule.id, entry.check) for entry in result.findings]


DESTROY = ("s3-no-force-destroy", "s3-no-force-destroy")


def test_without_a_section_the_production_profile_applies() -> None:
    assert DESTROY in findings()


def test_outside_production_a_bucket_may_be_destroyed() -> None:
    assert DESTROY not in findings(profile="sandbox")


def test_an_exempted_finding_is_shown_as_such_and_stops_nothing() -> None:
    result = check.run(bucket(), config=config(profile="production", exemptions=[EXEMPTION]))
    assert "s3-no-force-destroy" not in [entry.rule.id for entry in result.findings]
    assert [entry.exemption.owner for entry in result.exempted if entry.exemption] == ["platform"]


def test_an_expired_exemption_covers_nothing_and_is_a_finding() -> None:
    found = findings(exemptions=[{**EXEMPTION, "expires": "2001-01-01"}])
    assert DESTROY in found
    assert ("exemption-in-force", "expired") in found


def test_an_unused_exemption_is_a_finding() -> None:
    assert ("exemption-in-force", "unused") in findings(exemptions=[{**EXEMPTION, "resource": "other"}])


def test_every_mistake_is_named_at_once() -> None:
    section = {
        "profile": "prod",
        "rules": {
            "s3-no-force-destory": {"level": "advisory"},
            "kms-rotation": {"level": "must", "parameters": {"x": 1}},
            "iam-no-admin": {"level": "remediate"},
        },
        "exemptions": [{**EXEMPTION, "rule": "nothing", "expires": "soon"}, {"rule": "kms-rotation"}],
    }
    with pytest.raises(InvalidInput) as caught:
        settings(config(**section), None)
    text = "\n".join(caught.value.problems)
    for part in ("'prod'", "did you mean s3-no-force-destroy", "'must'", "parameters.x", "no remediation", "nothing"):
        assert part in text
    assert "'soon' is not a day" in text
    assert "exemptions[1].owner: missing" in text


@pytest.mark.parametrize(
    ("rule", "parameters", "said"),
    [
        (
            "sg-no-world-admin-ports",
            {"ports": "ssh"},
            "ports: 'ssh' is not a list of which every value is a number from 0",
        ),
        ("sg-no-world-admin-ports", {"ports": ["22"]}, "ports: ['22'] is not a list"),
        ("sg-no-world-admin-ports", {"ports": None}, "ports: None is not a list"),
        ("accelerator-count-cap", {"max-accelerators": "many"}, "max-accelerators: 'many' is not a number from 0"),
        ("loggroup-retention", {"min-days": -5}, "min-days: -5 is not a number from 0"),
        ("s3-no-force-destroy", {"protected": "yes"}, "protected: 'yes' is not true or false"),
        (
            "region-allowlist",
            {"regions": "us-east-1"},
            "regions: 'us-east-1' is not a list of which every value is a text",
        ),
        ("required-tags", {"values": {"env": "prod"}}, "values: {'env': 'prod'} is not a map"),
    ],
)
def test_a_parameter_of_another_shape_is_named_with_what_it_takes(
    rule: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(config(rules={rule: {"parameters": parameters}}), None)
    (problem,) = caught.value.problems
    assert problem.startswith(f"policies.rules.{rule}.parameters.{said}")


def test_every_default_is_of_the_shape_that_its_rule_takes() -> None:
    wrong = [
        said
        for rule in ALL
        for said in mistakes(rule, {name: value for name, value in rule.parameters.items() if value is not None})
    ]
    assert wrong == []


def test_a_misspelt_key_of_a_rule_and_a_blank_reason_are_mistakes() -> None:
    section = {"rules": {"kms-rotation": {"lvl": "advisory"}}, "exemptions": [{**EXEMPTION, "reason": "  "}]}
    with pytest.raises(InvalidInput) as caught:
        settings(config(**section), None)
    assert caught.value.problems == [
        "policies.rules.kms-rotation.lvl: unknown key",
        "policies.exemptions[0].reason: missing",
    ]


def test_an_exemption_is_in_force_where_its_rule_cannot_tell_or_is_off() -> None:
    late = document.load({"resources": [{"type": BUCKET, "name": "scratch", "inputs": {"forceDestroy": ANY_UNKNOWN}}]})
    result = check.run(late, config=config(exemptions=[EXEMPTION]))
    assert "exemption-in-force" not in [entry.rule.id for entry in result.findings]
    off = {"s3-no-force-destroy": {"level": "disabled"}}
    assert ("exemption-in-force", "unused") not in findings(rules=off, exemptions=[EXEMPTION])


def test_two_exemptions_of_one_finding_are_both_in_force() -> None:
    found = findings(exemptions=[EXEMPTION, {**EXEMPTION, "resource": "*"}])
    assert ("exemption-in-force", "unused") not in found


@pytest.mark.parametrize("accounts", ["111122223333", '["111122223333"]', '"111122223333"'])
def test_allowed_accounts_are_read_however_they_are_written(accounts: str) -> None:
    applied = settings({"aws:allowedAccountIds": accounts}, None)
    assert applied.parameters["iam-trust-not-wildcard"]["accounts"] == ["111122223333"]


def test_the_engine_gets_levels_parameters_and_exemptions() -> None:
    found = check.engine_configuration(config(profile="sandbox", exemptions=[EXEMPTION]), None)
    assert found["s3-no-force-destroy"] == {
        "enforcementLevel": "mandatory",
        "protected": False,
        "exemptions": [EXEMPTION],
    }


def test_a_parameter_of_the_stack_file_wins_over_the_profile() -> None:
    rules = {"s3-no-force-destroy": {"parameters": {"protected": True}, "level": "advisory"}}
    applied = settings(config(profile="sandbox", rules=rules), None)
    assert applied.levels["s3-no-force-destroy"] == "advisory"
    assert applied.parameters["s3-no-force-destroy"] == {"protected": True}
