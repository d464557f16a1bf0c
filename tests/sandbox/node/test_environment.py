"""Variables and arguments of containers, by the kubelet's rules."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.node.environment import ConfigProblem, arguments, compose, expand, field, resource

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": "x", "tier": 'a"b'}, "annotations": {}},
    "spec": {"nodeName": "node-1", "serviceAccountName": "runner"},
    "status": {"podIP": "100.64.0.2", "hostIP": "127.0.0.1", "podIPs": [{"ip": "100.64.0.2"}]},
}


class Store:
    """Config maps and secrets by name."""

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        return {"settings": {"A": b"1", "B": b"2"}}.get(name)

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        return {"keys": {"token": b"s3cret"}}.get(name)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A) and $(B)", "1 and two"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("100$", "100$"),
        ("$A ${A}", "$A ${A}"),
        ("$$$$", "$$"),
    ],
)
def test_references_are_expanded_by_the_rules_of_the_kubelet(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "two"}) == expanded


def test_later_variables_win_and_see_earlier_ones_only() -> None:
    container = {
        "name": "c",
        "envFrom": [{"prefix": "MAP_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}],
        "env": [
            {"name": "FIRST", "value": "$(SECOND)"},
            {"name": "SECOND", "value": "$(MAP_A)$(BASE)"},
            {"name": "BASE", "value": "changed"},
        ],
    }
    found = compose(container, POD, {"BASE": "image"}, Store(), {})
    assert found == {"BASE": "changed", "MAP_A": "1", "MAP_B": "2", "token": "s3cret", "FIRST": "$(SECOND)",
                     "SECOND": "1image"}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "A"}}, "configmap none not found"),
        ({"configMapKeyRef": {"name": "settings", "key": "Z"}}, "key Z not found in configmap settings"),
        ({"secretKeyRef": {"name": "keys", "key": "Z"}}, "key Z not found in secret keys"),
        ({"fileKeyRef": {"path": "x"}}, "fileKeyRef is not available on a process node"),
        ({"fieldRef": {"fieldPath": "spec.colour"}}, "spec.colour: no such field"),
    ],
)
def test_a_value_that_cannot_be_had_is_named(source: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigProblem, match=problem):
        compose({"name": "c", "env": [{"name": "X", "valueFrom": source}]}, POD, {}, Store(), {})


@pytest.mark.parametrize("kind", ["configMapKeyRef", "secretKeyRef"])
@pytest.mark.parametrize("name", ["none", "settings", "keys"])
def test_an_optional_value_that_is_missing_is_left_out(kind: str, name: str) -> None:
    reference = {kind: {"name": name, "key": "Z", "optional": True}}
    assert compose({"name": "c", "env": [{"name": "X", "valueFrom": reference}]}, POD, {}, Store(), {}) == {}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['app']", "x"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'app="x"\ntier="a\\"b"'),
        ("spec.nodeName", "node-1"),
        ("status.podIP", "100.64.0.2"),
        ("status.podIPs", "100.64.0.2"),
    ],
)
def test_fields_of_the_pod_are_those_of_the_downward_api(path: str, value: str) -> None:
    assert field(POD, path) == value


@pytest.mark.parametrize(
    ("what", "divisor", "value"),
    [
        ("limits.cpu", "1", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.memory", "1Mi", "100"),
        ("requests.cpu", "1m", "1500"),
        ("limits.ephemeral-storage", "1Gi", "20"),
        ("requests.ephemeral-storage", "1Gi", "0"),
    ],
)
def test_resources_are_divided_and_rounded_up_and_default_to_the_node(what: str, divisor: str, value: str) -> None:
    container = {"name": "c", "resources": {"limits": {"cpu": "1500m", "memory": "100Mi"}}}
    assert resource(container, what, divisor, {"ephemeral-storage": "20Gi"}) == value


def test_arguments_follow_the_command_of_the_pod_or_else_of_the_image() -> None:
    assert arguments({"name": "c", "command": ["run", "$(A)"], "args": ["x"]}, {"A": "1"}, ["image"]) == [
        "run",
        "1",
        "x",
    ]
    assert arguments({"name": "c", "args": ["x"]}, {}, ["image"]) == ["image", "x"]
    with pytest.raises(ConfigProblem, match="no command given"):
        arguments({"name": "c"}, {}, [])
