"""Documents of Pulumi become the same shape as the offline run, and broken ones are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plan import SECRET, UNKNOWN, PlanError, document
from plan.values import SECRET_SIGNATURE, SIGNATURE

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
BUCKET = "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::b"
ANY = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(op: str, urn: str, kind: str, **state: Any) -> dict[str, Any]:
    return {"op": op, "urn": urn, "newState": {"urn": urn, "type": kind, "custom": True, **state}}


def test_a_preview_becomes_a_plan() -> None:
    plan = document.load(
        {
            "config": {"aws:region": "us-east-1", "shop:net": {"a": 1}},
            "steps": [
                step("create", STACK, "pulumi:pulumi:Stack"),
                step(
                    "create",
                    BUCKET,
                    "aws:s3/bucket:Bucket",
                    parent=STACK,
                    provider=f"urn:pulumi:dev::shop::pulumi:providers:aws::aws::{ANY}",
                    inputs={"bucket": ANY, "n": 3.0, "__defaults": ["bucket"]},
                    propertyDependencies={"bucket": [STACK], "none": None},
                ),
            ],
            "changeSummary": {"create": 2},
        }
    )
    bucket = plan.by_urn[BUCKET]
    assert (plan.project, plan.stack, bucket.name) == ("shop", "dev", "b")
    assert bucket.inputs == {"bucket": UNKNOWN, "n": 3}
    assert bucket.provider == "urn:pulumi:dev::shop::pulumi:providers:aws::aws"
    assert bucket.property_dependencies == {"bucket": (STACK,), "none": ()}
    assert plan.config == {"aws:region": "us-east-1", "shop:net": '{"a": 1}'}
    assert plan.incomplete is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[1]", {"a": {"b": [None, UNKNOWN, 1], "c": None}, "d": None}),
        ("a", {"a": {"b": [UNKNOWN, UNKNOWN, 1], "c": UNKNOWN}, "d": None}),
        ("d", {"a": {"b": [None, None, 1], "c": None}, "d": UNKNOWN}),
        ("e", {"a": {"b": [None, None, 1], "c": None}, "d": None}),
    ],
)
def test_a_null_that_comes_from_another_resource_is_unknown(path: str, found: dict[str, Any]) -> None:
    inputs = {"a": {"b": [None, None, 1], "c": None}, "d": None}
    loose = {"type": "aws:s3/bucket:Bucket", "inputs": inputs, "propertyDependencies": {path: [STACK]}}
    assert document.load([loose]).resources[0].inputs == found
    made = loose | {"id": "b-1"}  # what exists has no unknowns
    assert document.load([made]).resources[0].inputs == inputs


def test_deleted_resources_are_not_part_of_the_plan() -> None:
    old = {"op": "delete", "urn": BUCKET, "oldState": {"urn": BUCKET, "type": "aws:s3/bucket:Bucket"}}
    assert len(document.load({"steps": [old, step("same", STACK, "pulumi:pulumi:Stack")]})) == 1


def test_a_replacement_counts_once_with_its_new_inputs() -> None:
    kind = "aws:s3/bucket:Bucket"
    steps = [
        step("create-replacement", BUCKET, kind, inputs={"bucket": "new"}),
        step("replace", BUCKET, kind, inputs={"bucket": "new"}),
        {
            "op": "delete-replaced",
            "urn": BUCKET,
            "oldState": {"urn": BUCKET, "type": kind, "inputs": {"bucket": "old"}},
        },
    ]
    (bucket,) = document.load({"steps": steps})
    assert bucket.inputs == {"bucket": "new"}


def test_a_preview_without_unchanged_resources_says_it_is_incomplete() -> None:
    plan = document.load({"steps": [step("create", BUCKET, "aws:s3/bucket:Bucket")], "changeSummary": {"same": 7}})
    assert plan.incomplete is not None
    assert "7 unchanged resources are not in the document" in plan.incomplete


def test_a_state_keeps_ids_outputs_and_exports_but_no_secret() -> None:
    secret = {SIGNATURE: SECRET_SIGNATURE, "ciphertext": "abc"}
    resources = [
        {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {"name": "b-1"}},
        {
            "urn": BUCKET,
            "type": "aws:s3/bucket:Bucket",
            "id": "b-1",
            "outputs": {"arn": "arn:aws:s3:::b-1", "k": secret},
        },
        {"urn": BUCKET, "type": "aws:s3/bucket:Bucket", "id": "b-0", "delete": True},
    ]
    plan = document.load({"version": 3, "deployment": {"resources": resources}})
    assert plan.exports == {"name": "b-1"}
    assert plan.by_urn[BUCKET].id == "b-1"
    assert plan.by_urn[BUCKET].outputs["k"] == SECRET


def test_loose_resources_are_named_and_kept_apart() -> None:
    loose = [{"type": "aws:s3/bucket:Bucket", "inputs": {}}, {"type": "aws:s3/bucket:Bucket", "inputs": {}}]
    assert [resource.name for resource in document.load(loose)] == ["resource-0", "resource-1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"p.json: not JSON \(line 1, column 2"),
        ("3", "a JSON object is expected, not int"),
        ("{}", "it has neither `steps`"),
        ('{"steps": [1]}', r"steps\[0\] is not an object"),
        ('{"resources": [{}]}', "resource 0 has neither a type nor a URN"),
        ('{"steps": [], "diagnostics": [{"severity": "error", "message": "a\\n b"}]}', "the preview failed: a b$"),
    ],
)
def test_a_broken_document_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(PlanError, match=message) as error:
        document.loads(text, "p.json")
    assert len(error.value.problems) == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"none.json: cannot be read \(No such file"):
        document.read(tmp_path / "none.json")


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"steps": [step("create", BUCKET, "aws:s3/bucket:Bucket")]}))
    assert len(document.read(tmp_path / "p.json")) == 1
