"""The command line: formats that other programs read, and messages for bad input."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from plan.values import ANY_UNKNOWN
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


def test_sarif_is_what_code_scanning_reads(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod-h200::other::aws:s3/bucket:Bucket::open"
    state = {"urn": urn, "type": BUCKET, "custom": True, "inputs": {"acl": ANY_UNKNOWN}}
    section = {"exemptions": [{**dict.fromkeys(("reason", "owner", "resource"), "x"), "expires": "2001-01-01"}]}
    section["exemptions"][0]["rule"] = "kms-rotation"
    path = tmp_path / "plan.json"
    document = {
        "config": {"ai-datacenter:policies": json.dumps(section)},
        "steps": [{"op": "create", "newState": state}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    _, output = run("--plan", str(path), "--format", "sarif")
    (log,) = json.loads(output)["runs"]
    rules = {rule["id"]: rule["properties"] for rule in log["tool"]["driver"]["rules"]}
    assert {entry["ruleId"] for entry in log["results"]} <= set(rules)
    assert "exemption-in-force" in {entry["ruleId"] for entry in log["results"]}
    assert {rule["problem.severity"] for rule in rules.values()} <= {"error", "warning", "recommendation"}
    assert all(0 < float(rule["security-severity"]) <= 10 for rule in rules.values())
    assert ("s3-acl-not-public", "open") in [(entry["ruleId"], entry.get("kind")) for entry in log["results"]]
    places = [place for entry in log["results"] for place in entry["locations"]]
    assert not [place for place in places if "physicalLocation" in place], "no stack file of ours made this plan"


def test_junit_fails_the_rules_with_mandatory_findings_only(plan_file: Path) -> None:
    _, output = run("--plan", str(plan_file), "--format", "junit")
    failed = {
        case.get("name") for case in ElementTree.fromstring(output).iter("testcase") if len(case.findall("failure"))
    }
    assert failed == {"s3-acl-not-public", "s3-bucket-has-public-access-block", "required-tags"}
    assert 'name="exemption-in-force"' in output


@pytest.mark.parametrize("arguments", [(), ("--all", "--stack", "local"), ("--stack", "local", "--format", "x")])
def test_bad_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize(
    "content",
    [b'{"x":', b"[1]", b'{"steps": 3}', b"{}", b'{"deployment": {"resources": [3]}}', b"\xff\xfe"],
)
def test_a_broken_plan_file_is_one_message_and_2(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    code, output = run("--plan", str(path))
    assert code == 2
    assert [line for line in output.splitlines() if line.startswith("error: ")] == output.splitlines()
    assert str(path) in output


def test_a_size_that_nobody_sells_is_one_message_and_2(tmp_path: Path) -> None:
    inputs = {"size": 1e308, "type": "gp3", "availabilityZone": "us-east-1a"}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"resources": [{"type": "aws:ebs/volume:Volume", "inputs": inputs}]}), encoding="utf-8")
    code, output = run("--plan", str(path), "--format", "json")
    assert "fault in the toolkit" not in output
    assert code in (2, 3)


def test_a_missing_plan_file_is_one_message_and_2(tmp_path: Path) -> None:
    code, output = run("--plan", str(tmp_path / "none.json"))
    assert (code, output.count("error: ")) == (2, 1)


def test_every_mistake_of_the_settings_is_one_line_and_2(tmp_path: Path) -> None:
    section = {"rules": {"kms-rotatoin": {}}, "exemptions": [{"rule": "kms-rotation", "until": "2027-01-01"}, "all"]}
    path = tmp_path / "plan.json"
    config = {"ai-datacenter:policies": json.dumps(section)}
    path.write_text(json.dumps({"config": config, "steps": []}), encoding="utf-8")
    code, output = run("--plan", str(path))
    assert code == 2
    assert "did you mean kms-rotation?" in output
    assert "policies.exemptions[0].until: unknown key" in output
    assert "policies.exemptions[1]: give a map" in output
    assert all(line.startswith("error: policies.") for line in output.splitlines())


def test_a_state_is_related_by_ids_where_it_holds_no_references(tmp_path: Path) -> None:
    def state(kind: str, name: str, number: str, **inputs: str) -> dict[str, object]:
        urn = f"urn:pulumi:s::p::{kind}::{name}"
        return {"urn": urn, "type": kind, "custom": True, "id": number, "inputs": inputs}

    resources = [
        state("aws:ec2/vpc:Vpc", "vpc", "vpc-1", cidrBlock="10.0.0.0/16"),
        state("aws:ec2/vpc:Vpc", "other", "vpc-2", cidrBlock="10.1.0.0/16"),
        state("aws:ec2/flowLog:FlowLog", "log", "fl-1", vpcId="vpc-1"),
        state("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", "sg-1", vpcId="vpc-1"),
    ]
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}), encoding="utf-8")
    _, output = run("--state", str(path), "--format", "json")
    found = [(entry["rule"], entry["resource"]) for entry in json.loads(output)["findings"]]
    for rule in ("vpc-flow-logs", "vpc-default-sg-closed"):
        assert [name for named, name in found if named == rule] == ["other"]


def test_default_tags_of_the_configuration_count_where_the_document_lists_no_provider(tmp_path: Path) -> None:
    tags = {"tags": dict.fromkeys(("dc:site", "dc:environment", "dc:owner", "dc:cost-center"), "x")}
    document = {
        "config": {"aws:region": "us-east-1", "aws:defaultTags": json.dumps(tags)},
        "steps": [{"op": "create", "newState": {"type": BUCKET, "urn": f"urn:pulumi:s::p::{BUCKET}::b", "inputs": {}}}],
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    _, output = run("--plan", str(path), "--format", "json")
    assert "required-tags" not in [entry["rule"] for entry in json.loads(output)["findings"]]
