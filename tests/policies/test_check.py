"""The command line: formats that other programs read, and messages for bad input."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from policies import check

BUCKET = "aws:s3/bucket:Bucket"


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    urn = f"urn:pulumi:s::p::{BUCKET}::open"
    state = {"urn": urn, "type": BUCKET, "custom": True, "inputs": {"acl": "public-read"}}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"steps": [{"op": "create", "urn": urn, "newState": state}]}), encoding="utf-8")
    return path


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(check.main)
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_json_holds_what_the_contract_says_and_a_mandatory_finding_ends_with_3(plan_file: Path) -> None:
    code, output = run("--plan", str(plan_file), "--format", "json")
    result = json.loads(output)
    assert code == 3
    assert result["schema_version"] == 1
    assert {"findings", "exempted", "cannot_tell"} <= set(result)
    (found,) = [entry for entry in result["findings"] if entry["check"] == "CKV_AWS_20"]
    assert (found["rule"], found["resource"], found["level"]) == ("s3-acl-not-public", "open", "mandatory")
    assert {"severity", "urn", "message", "fix"} <= set(found)


def test_sarif_names_rule_level_and_resource(plan_file: Path) -> None:
    _, output = run("--plan", str(plan_file), "--format", "sarif")
    (sarif,) = json.loads(output)["runs"]
    assert ("s3-acl-not-public", "error") in [(entry["ruleId"], entry["level"]) for entry in sarif["results"]]


def test_junit_fails_the_rules_with_mandatory_findings_only(plan_file: Path) -> None:
    _, output = run("--plan", str(plan_file), "--format", "junit")
    failed = {
        case.get("name") for case in ElementTree.fromstring(output).iter("testcase") if len(case.findall("failure"))
    }
    assert failed == {"s3-acl-not-public", "s3-bucket-has-public-access-block", "required-tags"}


@pytest.mark.parametrize("arguments", [(), ("--all", "--stack", "local"), ("--stack", "local", "--format", "x")])
def test_bad_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_a_broken_plan_file_is_one_message_and_2(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{"x":', encoding="utf-8")
    assert run("--plan", str(path))[0] == 2
