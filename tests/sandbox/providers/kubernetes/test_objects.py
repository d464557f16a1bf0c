"""Identity, kinds and scopes of objects."""

from __future__ import annotations

import pytest

from sandbox.providers.kubernetes import objects
from sandbox.providers.wire import UNKNOWN


@pytest.mark.parametrize(
    ("token", "version", "kind"),
    [
        ("kubernetes:core/v1:Pod", "v1", "Pod"),
        ("kubernetes:apps/v1:Deployment", "apps/v1", "Deployment"),
        ("kubernetes:rbac.authorization.k8s.io/v1:Role", "rbac.authorization.k8s.io/v1", "Role"),
        ("kubernetes:example.com/v1:Widget", "example.com/v1", "Widget"),
        ("kubernetes:core/v1:NamespacePatch", "v1", "Namespace"),
        ("kubernetes:example.com/v1:WidgetPatch", "example.com/v1", "WidgetPatch"),
    ],
)
def test_a_type_token_names_api_version_and_kind(token: str, version: str, kind: str) -> None:
    assert objects.from_type(token) == (version, kind)


def test_patch_and_list_resources_are_told_from_kinds_of_that_name() -> None:
    assert objects.is_patch("kubernetes:core/v1:ConfigMapPatch", "ConfigMap")
    assert not objects.is_patch("kubernetes:example.com/v1:WidgetPatch", "WidgetPatch")
    assert objects.is_list("kubernetes:core/v1:ConfigMapList")
    assert not objects.is_list("kubernetes:example.com/v1:ToDoList")


def test_an_id_is_namespace_and_name() -> None:
    inside = {"metadata": {"name": "x", "namespace": "a"}}
    assert objects.identity(inside) == "a/x"
    assert objects.identity({"metadata": {"name": "x"}}) == "x"
    assert objects.parse_identity("a/x") == ("a", "x")
    assert objects.parse_identity("x") == ("", "x")


def test_unknown_parts_of_an_object_read_as_absent() -> None:
    obj = {"kind": "ConfigMap", "metadata": {"name": UNKNOWN, "namespace": f"a-{UNKNOWN}", "annotations": UNKNOWN}}
    assert (objects.name(obj), objects.namespace(obj)) == ("", "")
    assert not objects.marked(obj, objects.SKIP_AWAIT)
    assert objects.name({"metadata": UNKNOWN}) == ""


def test_keys_of_crd_schemas_travel_to_the_api_and_back() -> None:
    schema = {"spec": {"versions": [{"schema": {"x_kubernetes_preserve_unknown_fields": True, "x_other": 1}}]}}
    sent = objects.to_api(schema)
    assert sent["spec"]["versions"][0]["schema"] == {"x-kubernetes-preserve-unknown-fields": True, "x_other": 1}
    assert objects.from_api(sent) == schema


def test_nulls_are_not_sent() -> None:
    assert objects.to_api({"a": None, "b": {"c": None}, "d": [None]}) == {"b": {}, "d": [None]}


def test_ownership_goes_by_uid() -> None:
    owner = {"metadata": {"uid": "1", "name": "x"}}
    assert objects.owned_by({"metadata": {"ownerReferences": [{"uid": "0"}, {"uid": "1"}]}}, owner)
    assert not objects.owned_by({"metadata": {"ownerReferences": [{"uid": "2", "name": "x"}]}}, owner)
    assert not objects.owned_by({}, owner)
