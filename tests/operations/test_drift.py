"""What a refresh would change is named by resource and input; what is as it was left is not."""

from __future__ import annotations

from typing import Any

from operations.drift import differences

URN = "urn:pulumi:s::p::aidc:x:X$aws:s3/bucketVersioning:BucketVersioning::store-versioning"
GONE = "urn:pulumi:s::p::aws:ecr/lifecyclePolicy:LifecyclePolicy::lifecycle"


def step(urn: str, op: str, **more: Any) -> dict[str, Any]:
    return {"urn": urn, "op": op, **more}


def test_a_stack_as_it_was_left_has_no_drift() -> None:
    assert differences({"steps": [step(URN, "refresh"), step(GONE, "same")], "changeSummary": {"same": 2}}) == []


def test_what_was_changed_and_what_is_gone_are_named() -> None:
    changed = step(URN, "update", detailedDiff={"versioningConfiguration.status": {"kind": "update"}})
    changed_one, gone = differences({"steps": [changed, step(GONE, "delete", detailedDiff=None)]})
    assert (gone.type, gone.name, gone.op) == ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "lifecycle", "delete")
    assert (changed_one.type, changed_one.name) == ("aws:s3/bucketVersioning:BucketVersioning", "store-versioning")
    assert changed_one.paths == ("versioningConfiguration.status",)


def test_what_the_program_leaves_to_others_is_no_drift() -> None:
    """A run that waited for its pool was started by somebody: `suspend` is not as it was created."""
    old = {"ignoreChanges": ["spec.suspend"]}
    started = step(URN, "update", detailedDiff={"spec.suspend": {}}, oldState=old)
    assert differences({"steps": [started]}) == []
    more = step(URN, "update", detailedDiff={"spec.suspend": {}, "spec.suspended": {}}, oldState=old)
    assert [one.paths for one in differences({"steps": [more]})] == [("spec.suspended",)]
