"""Field managers in `managedFields`: taking over from client-side tools, ignoring fields."""

from __future__ import annotations

from typing import Any

from sandbox.providers.kubernetes import ownership

OURS = "pulumi-kubernetes-12345678"


def entry(manager: str, operation: str, fields: dict[str, Any], **rest: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields, **rest}


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": "7", "managedFields": list(entries)},
        "spec": {"replicas": 3, "paused": True},
    }


def test_fields_of_kubectl_go_to_the_new_manager_and_those_of_controllers_stay() -> None:
    controller = entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status")
    obj = live(
        entry("kubectl-client-side-apply", "Update", {"f:spec": {"f:replicas": {}}}),
        entry(OURS, "Apply", {"f:spec": {"f:paused": {}}}),
        controller,
    )
    assert ownership.takes_over(obj, OURS)
    operations = ownership.take_over(obj, OURS)
    assert operations is not None
    merged = entry(OURS, "Apply", {"f:spec": {"f:paused": {}, "f:replicas": {}}})
    assert operations[0]["value"] == [controller, merged]
    assert operations[1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_there_is_nothing_to_take_over_from_other_managers() -> None:
    obj = live(
        entry(OURS, "Apply", {}),
        entry("pulumi-kubernetes-87654321", "Apply", {}),
        entry("other", "Apply", {}),
        entry("kubectl", "Update", {}, subresource="scale"),
    )
    assert not ownership.takes_over(obj, OURS)
    assert ownership.take_over(obj, OURS) is None


def test_an_object_is_known_by_the_manager_that_applied_it() -> None:
    assert ownership.managed_by(live(entry(OURS, "Apply", {})), OURS)
    assert not ownership.managed_by(live(entry("other", "Apply", {})), OURS)
    assert not ownership.managed_by({}, OURS)


def test_an_ignored_field_of_others_is_left_out_and_one_of_ours_keeps_its_live_value() -> None:
    obj = live(
        entry("autoscaler", "Update", {"f:spec": {"f:replicas": {}}}),
        entry(OURS, "Apply", {"f:spec": {"f:paused": {}}}),
    )
    desired = {"spec": {"replicas": 1, "paused": False, "other": 1}}
    paths = [("spec", "replicas"), ("spec", "paused"), ("nowhere", "at", "all")]
    assert ownership.ignore(desired, obj, OURS, paths) == {"spec": {"paused": True, "other": 1}}
    assert desired["spec"]["replicas"] == 1
