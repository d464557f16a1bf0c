"""What the API server says, in one line for the user."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from sandbox.providers.kubernetes.errors import ApiError, UnknownKind

OBJECT = {"kind": "ConfigMap", "metadata": {"name": "x", "namespace": "default"}}


def error(status: int, reason: str, message: str, **details: Any) -> ApiError:
    return ApiError(status, {"reason": reason, "message": message, "details": details})


@pytest.mark.parametrize(
    ("problem", "line", "code"),
    [
        (
            error(403, "Forbidden", 'configmaps "x" is forbidden: exceeded quota: q, requested: 1'),
            "ConfigMap default/x: Forbidden: exceeded quota: q, requested: 1",
            grpc.StatusCode.PERMISSION_DENIED,
        ),
        (
            error(
                422, "Invalid", "long", causes=[{"field": "a.b", "message": "Required value"}, {"message": "and more"}]
            ),
            "ConfigMap default/x: Invalid: a.b: Required value; and more",
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            error(
                500,
                "",
                "failed to create typed patch object (default/x; /v1, Kind=ConfigMap): .datax: field not declared",
            ),
            "ConfigMap default/x: Invalid: .datax: field not declared",
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            ApiError.of(503, b"upstream\nis away"),
            "ConfigMap default/x: InternalError: upstream is away",
            grpc.StatusCode.FAILED_PRECONDITION,
        ),
    ],
)
def test_a_refusal_names_object_reason_and_cause_in_one_line(
    problem: ApiError, line: str, code: grpc.StatusCode
) -> None:
    failed = problem.fail(OBJECT)
    assert (str(failed), failed.code) == (line, code)


def test_a_hint_is_added_as_a_sentence() -> None:
    assert str(error(409, "Conflict", "no").fail(OBJECT, "Do this")) == "ConfigMap default/x: Conflict: no. Do this"


def test_missing_permissions_are_told_from_refused_objects() -> None:
    rbac = 'pods is forbidden: User "joe" cannot create resource "pods" in API group "" in the namespace "a"'
    assert error(403, "Forbidden", rbac).not_allowed
    assert not error(403, "Forbidden", 'pods "x" is forbidden: violates PodSecurity "restricted:latest"').not_allowed


def test_kinds_of_missing_things_are_told_apart() -> None:
    assert error(404, "NotFound", "n", kind="namespaces").namespace_missing
    assert not error(404, "NotFound", "n", kind="pods").namespace_missing
    assert error(409, "AlreadyExists", "n").already_exists and not error(409, "AlreadyExists", "n").conflict
    assert error(422, "Invalid", "spec.template: Invalid value: {}: field is immutable").immutable


def test_a_body_that_is_no_status_object_is_no_crash() -> None:
    for data in (b"", b"[]", json.dumps("text").encode()):
        assert ApiError.of(502, data).reason == "InternalError"


def test_an_unknown_kind_of_a_built_in_group_will_never_appear() -> None:
    assert UnknownKind("v1", "Foo").built_in
    assert not UnknownKind("example.com/v1", "Foo").built_in
    assert "Foo in example.com/v1; check that its CustomResourceDefinition" in str(UnknownKind("example.com/v1", "Foo"))
    assert "Foo in v1; check the apiVersion" in str(UnknownKind("v1", "Foo"))
