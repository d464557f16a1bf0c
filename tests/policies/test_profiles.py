"""Profiles, overrides and exemptions: every mistake is named, and the engine gets the same as the runner."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plan import document
from policies import check
from policies.profiles import KEY, settings
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
