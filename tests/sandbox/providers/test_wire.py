"""Values keep their meaning on the way to a provider and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.providers import wire
from sandbox.providers.wire import SECRET, SIGNATURE, UNKNOWN

BOOLEAN_UNKNOWN = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"
ASSET = {SIGNATURE: wire.ASSET, "hash": "abc", "text": "hello"}


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def output(**parts: Any) -> dict[str, Any]:
    return {SIGNATURE: wire.OUTPUT, **parts}


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (3, 3),
        (2.5, 2.5),
        (True, True),
        ([1, ["a"], {"b": False}], [1, ["a"], {"b": False}]),
        (secret("x"), "x"),
        (secret({"a": secret(1)}), {"a": 1}),
        (UNKNOWN, UNKNOWN),
        (BOOLEAN_UNKNOWN, UNKNOWN),
        (output(value=secret("x"), secret=True), "x"),
        (output(secret=True), UNKNOWN),
        ({SIGNATURE: wire.RESOURCE, "urn": "urn:x", "id": "i-1"}, "i-1"),
        ({SIGNATURE: wire.RESOURCE, "urn": "urn:x"}, "urn:x"),
        (ASSET, ASSET),
    ],
)
def test_a_value_arrives_as_plain_data(sent: Any, seen: Any) -> None:
    got = wire.props(wire.struct({"value": sent}))["value"]
    assert got == seen
    assert type(got) is type(seen)


def test_dates_and_decimals_can_be_sent_and_what_the_state_cannot_hold_is_refused() -> None:
    when = datetime(2026, 11, 22, tzinfo=UTC)
    assert wire.props(wire.struct({"at": when, "cost": Decimal("1.5")})) == {"at": when.isoformat(), "cost": 1.5}
    with pytest.raises(TypeError, match="type set"):
        wire.struct({"names": {"a"}})


def test_absent_values_are_left_out_at_every_depth() -> None:
    assert wire.props(wire.struct({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


def test_an_unknown_is_seen_anywhere_even_inside_text() -> None:
    assert wire.unknown({"a": [{"b": UNKNOWN}]})
    assert wire.unknown(f"arn:aws:s3:::{UNKNOWN}/*")
    assert not wire.unknown({"a": ["b"], "c": 1})
    assert wire.known({"a": [UNKNOWN], "b": 1}) == {"b": 1}


def test_an_unknown_is_the_same_as_nothing_not_even_itself() -> None:
    assert not wire.same(UNKNOWN, UNKNOWN)
    assert not wire.same({"a": [UNKNOWN]}, {"a": [UNKNOWN]})
    assert wire.same({"a": [1, "x"]}, {"a": [1.0, "x"]})
    assert not wire.same(True, 1)
    assert not wire.same([1], [1, 2])


def test_elided_assets_are_compared_by_their_hash() -> None:
    elided = {SIGNATURE: wire.ASSET, "hash": "abc"}
    assert wire.same(ASSET, elided)
    assert not wire.same(ASSET, {**elided, "hash": "other"})
    assert not wire.same({SIGNATURE: wire.ASSET}, {SIGNATURE: wire.ASSET}), "without a hash nothing is known"


def test_what_a_provider_adds_leaves_secrets_and_assets_around_it_as_they_came() -> None:
    original = wire.struct({"metadata": {"labels": secret({"a": "b"})}, "file": ASSET, "list": [{"k": secret("v")}]})
    data = wire.props(original)
    data["metadata"]["name"] = "made"
    data["list"][0]["more"] = 1
    result = wire.apply(original, data)
    assert wire.props(result) == data
    assert result.fields["file"] == original.fields["file"]
    assert wire.signature(result.fields["metadata"].struct_value.fields["labels"]) == SECRET
    entry = result.fields["list"].list_value.values[0].struct_value
    assert wire.signature(entry.fields["k"]) == SECRET


def test_a_changed_secret_stays_secret_and_a_removed_key_goes() -> None:
    original = wire.struct({"password": secret("a"), "both": [secret("x"), "y"], "old": 1})
    result = wire.apply(original, {"password": "b", "both": ["x"]})
    assert wire.props(result) == {"password": "b", "both": ["x"]}
    assert all(wire.has_secret(value) for value in result.fields.values())


def test_outputs_are_marked_secret_where_the_inputs_were() -> None:
    inputs = wire.struct({"data": {"k": secret("v"), "open": "o"}, "list": [secret("x")], "plain": 1})
    outputs = wire.struct({"data": {"k": "v", "open": "o"}, "list": ["x", "y"], "plain": 1, "arn": "a"})
    marked = wire.mark_secrets(outputs, [inputs])
    assert wire.props(marked) == wire.props(outputs)
    data = marked.fields["data"].struct_value.fields
    assert (wire.has_secret(data["k"]), wire.has_secret(data["open"])) == (True, False)
    assert wire.signature(marked.fields["list"]) == SECRET
    assert not wire.has_secret(marked.fields["plain"])
    assert not wire.has_secret(marked.fields["arn"])
