"""YAML manifests: decoding, lists, order, namespaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.providers.kubernetes import components, manifests, objects
from sandbox.providers.protocol import Fail


def obj(kind: str, name: str, version: str = "v1", **rest: object) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


CRD = obj(
    "CustomResourceDefinition",
    "widgets.example.com",
    "apiextensions.k8s.io/v1",
    spec={"group": "example.com", "scope": "Cluster", "names": {"kind": "Widget"}},
)


def test_empty_documents_are_left_out_and_dates_stay_text() -> None:
    assert manifests.decode("---\n---\na: 2020-01-01\n---\nb: true\n") == [{"a": "2020-01-01"}, {"b": True}]


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: 1\nb: c: d", r"not valid YAML \(line 2\)"), ("just text", "holds a document that is no object")],
)
def test_text_that_is_no_manifest_is_one_line(text: str, says: str) -> None:
    with pytest.raises(Fail, match=says):
        manifests.decode(text)


def test_lists_are_taken_apart() -> None:
    nested = {"apiVersion": "v1", "kind": "List", "items": [obj("ConfigMapList", "l", items=[obj("ConfigMap", "a")])]}
    assert [objects.label(one) for one in manifests.expand([nested, obj("Secret", "b")])] == ["ConfigMap a", "Secret b"]


def test_an_object_needs_kind_version_and_name() -> None:
    for broken in ({"kind": "A"}, {"apiVersion": "v1", "metadata": {"name": "x"}}, {"apiVersion": "v1", "kind": "A"}):
        with pytest.raises(Fail, match="Kubernetes resources require"):
            manifests.expand([broken])


def test_namespaces_definitions_and_named_dependencies_come_first() -> None:
    late = obj("ConfigMap", "late")
    first = obj("ConfigMap", "first")
    late["metadata"]["annotations"] = {manifests.DEPENDS_ON: "/namespaces/ns/ConfigMap/first, /Namespace/ns"}
    found = [late, obj("Widget", "w", "example.com/v1"), first, CRD, obj("Namespace", "ns")]
    found[0]["metadata"]["namespace"] = found[2]["metadata"]["namespace"] = "ns"
    needs = manifests.dependencies(found)
    order = [objects.name(one) for one in manifests.in_order(found, needs)]
    assert order == ["ns", "first", "late", "widgets.example.com", "w"]


def test_a_circle_of_dependencies_is_refused() -> None:
    one, two = obj("ConfigMap", "one"), obj("ConfigMap", "two")
    for own, other in ((one, "two"), (two, "one")):
        own["metadata"] |= {"namespace": "a", "annotations": {manifests.DEPENDS_ON: f"/namespaces/a/ConfigMap/{other}"}}
    with pytest.raises(Fail, match="circle: ConfigMap one -> ConfigMap two"):
        manifests.in_order([one, two], manifests.dependencies([one, two]))


def test_the_default_namespace_goes_where_a_kind_has_one() -> None:
    found = [obj("ConfigMap", "a"), CRD, obj("Widget", "w", "example.com/v1"), obj("Namespace", "n")]
    placed = manifests.with_namespaces(found, "team", lambda one: objects.kind(one) == "ConfigMap")
    assert [objects.namespace(one) for one in placed] == ["team", "", "", ""]


def test_a_component_reads_files_patterns_text_and_objects(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / name).write_text(f"kind: {name}\n", encoding="utf-8")
    values = {"files": [f"{tmp_path}/*.yaml"], "yaml": "kind: text", "objs": {"kind": "object"}}
    assert [one["kind"] for one in components.collect(values)] == ["a.yaml", "b.yaml", "text", "object"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"file": "https://example.com/x.yaml"}, "cannot be fetched"),
        ({"file": "/no/such/file"}, "/no/such/file: cannot be read: No such file"),
    ],
)
def test_a_manifest_that_cannot_be_had_is_one_line(values: dict, says: str) -> None:
    with pytest.raises(Fail, match=says):
        components.collect(values)
