"""Secrets stay marked wherever the provider writes them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from sandbox.providers import wire
from sandbox.providers.kubernetes.servicer import always_secret
from tests.sandbox.providers.kubernetes.engine_double import EngineDouble, Unfinished, secret

SECRET, CONFIG_MAP = "kubernetes:core/v1:Secret", "kubernetes:core/v1:ConfigMap"
CLEAR = ("clear-text-1", "Y2xlYXItdGV4dC0x")
"""The value in clear, and as the server encodes it."""


def exposed(struct: struct_pb2.Struct) -> list[str]:
    """Clear values that are not inside a secret."""
    found: list[str] = []

    def walk(value: struct_pb2.Value) -> None:
        if wire.signature(value) == wire.SECRET:
            return
        match value.WhichOneof("kind"):
            case "string_value":
                found.extend(clear for clear in CLEAR if clear in value.string_value)
            case "struct_value":
                for one in value.struct_value.fields.values():
                    walk(one)
            case "list_value":
                for one in value.list_value.values:
                    walk(one)

    for one in struct.fields.values():
        walk(one)
    return found


def test_the_contents_of_a_secret_are_secret_whoever_wrote_them() -> None:
    contents: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "data": {"k": CLEAR[1]}}
    state = contents | {"__inputs": contents | {"stringData": {"k": CLEAR[0]}}}
    struct = wire.struct(state)
    assert exposed(struct)
    assert not exposed(wire.mark_secrets(struct, [always_secret(state)]))
    assert not always_secret({"kind": "ConfigMap", "data": {}}).fields


def test_the_walk_of_this_test_sees_what_is_exposed() -> None:
    assert exposed(wire.struct({"a": [{"b": f"x{CLEAR[0]}"}]})) == [CLEAR[0]]
    assert exposed(wire.struct({"a": secret({"b": CLEAR[0]})})) == []


@pytest.mark.sandbox
@pytest.mark.parametrize("marked", [True, False])
def test_a_secret_is_marked_in_inputs_state_update_and_refresh(
    provider: EngineDouble, namespace: str, marked: bool
) -> None:
    value = secret({"k": CLEAR[0]}) if marked else {"k": CLEAR[0]}
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace}, "stringData": value}
    made = provider.create(SECRET, "s", inputs)
    assert made.outputs["data"] == {"k": CLEAR[1]}
    assert not exposed(made.inputs) and not exposed(made.state)
    provider.update(made, inputs)
    assert not exposed(made.state)
    assert provider.refresh(made)
    assert not exposed(made.inputs) and not exposed(made.state)
    assert made.given["stringData"] == {"k": CLEAR[0]}
    assert not provider.diff(made, inputs).detailedDiff


@pytest.mark.sandbox
def test_a_secret_value_in_any_object_stays_secret_in_its_state(provider: EngineDouble, namespace: str) -> None:
    metadata = {"namespace": namespace, "annotations": {"note": secret(CLEAR[0])}}
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": secret(CLEAR[0]), "p": "x"}}
    made = provider.create(CONFIG_MAP, "cm", inputs)
    assert made.outputs["data"] == {"k": CLEAR[0], "p": "x"}
    assert not exposed(made.inputs) and not exposed(made.state)
    data = made.state.fields["data"].struct_value.fields
    assert (wire.signature(data["k"]), wire.signature(data["p"])) == (wire.SECRET, None), (
        "no more than needed is secret"
    )
    assert provider.refresh(made)
    assert not exposed(made.inputs) and not exposed(made.state)


@pytest.mark.sandbox
def test_an_imported_secret_is_secret(provider: EngineDouble, namespace: str) -> None:
    metadata = {"name": "s", "namespace": namespace}
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"k": CLEAR[0]}}
    made = provider.create(SECRET, "s", inputs)
    found = provider.load(SECRET, made.id)
    assert found is not None
    assert not exposed(found.inputs) and not exposed(found.state)


@pytest.mark.sandbox
def test_a_half_made_object_keeps_its_secrets(provider: EngineDouble, namespace: str) -> None:
    container = {"name": "c", "image": "i", "env": [{"name": "E", "value": secret(CLEAR[0])}]}
    metadata = {"name": "p", "namespace": namespace}
    inputs = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeSelector": {"no": "node"}, "containers": [container]},
    }
    with pytest.raises(Unfinished) as caught:
        provider.create("kubernetes:core/v1:Pod", "p", inputs, timeout=0.5)
    assert not exposed(caught.value.resource.state)
