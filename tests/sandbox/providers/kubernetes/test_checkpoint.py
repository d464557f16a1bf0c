"""State, drift and import."""

from __future__ import annotations

import base64
import copy

from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers.kubernetes import checkpoint
from sandbox.providers.kubernetes.naming import FIELD_MANAGER
from sandbox.providers.wire import UNKNOWN

INPUTS = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x", "labels": {"a": "b"}},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "cpu": "1000m"}]}}},
}
LIVE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x", "namespace": "default", "labels": {"a": "b"}, "uid": "1", "managedFields": [{}]},
    "spec": {
        "replicas": 2,
        "strategy": "RollingUpdate",
        "template": {"spec": {"containers": [{"name": "c", "cpu": "1", "pull": "Always"}]}},
    },
    "status": {"replicas": 2},
}


def test_the_state_keeps_inputs_field_manager_and_first_api_version_beside_the_object() -> None:
    state = checkpoint.state(INPUTS, LIVE, "manager")
    assert (state["__inputs"], state[FIELD_MANAGER], state["__initialApiVersion"]) == (INPUTS, "manager", "apps/v1")
    assert "managedFields" not in state["metadata"]
    assert checkpoint.inputs_of(state) == INPUTS
    assert checkpoint.live_object(state)["spec"] == LIVE["spec"]


def test_an_unchanged_object_has_no_drift_even_where_the_server_writes_values_differently() -> None:
    assert checkpoint.overlay(INPUTS, LIVE, copy.deepcopy(LIVE)) == INPUTS


def test_drift_of_a_field_the_program_set_shows() -> None:
    now = copy.deepcopy(LIVE)
    now["spec"]["replicas"] = 5
    now["metadata"]["labels"] = {"a": "hack", "theirs": "x"}
    del now["spec"]["template"]["spec"]["containers"][0]["cpu"]
    drifted = checkpoint.overlay(INPUTS, LIVE, now)
    assert drifted["spec"]["replicas"] == 5
    assert drifted["metadata"]["labels"] == {"a": "hack"}
    assert drifted["spec"]["template"]["spec"]["containers"] == [{"name": "c"}]


def test_list_items_that_others_added_or_removed_show() -> None:
    inputs, live = {"l": [{"a": 1}, {"a": 2}]}, {"l": [{"a": 1, "d": 0}, {"a": 2, "d": 0}]}
    assert checkpoint.overlay(inputs, live, {"l": [{"a": 1, "d": 0}]}) == {"l": [{"a": 1}]}
    more = {"l": [*live["l"], {"a": 3}]}
    assert checkpoint.overlay(inputs, live, more) == {"l": [{"a": 1}, {"a": 2}, {"a": 3}]}


def test_list_items_that_the_server_always_adds_are_no_drift() -> None:
    inputs, live = {"l": ["mine"]}, {"l": ["mine", "injected"]}
    assert checkpoint.overlay(inputs, live, copy.deepcopy(live)) == inputs


def test_fields_that_never_come_back_are_kept() -> None:
    assert checkpoint.overlay({"writeOnly": "x"}, {"other": 1}, {"other": 1}) == {"writeOnly": "x"}


def test_a_secret_given_as_text_drifts_as_text() -> None:
    inputs = {"kind": "Secret", "apiVersion": "v1", "stringData": {"k": "a"}}
    live = {"kind": "Secret", "apiVersion": "v1", "data": {"k": base64.b64encode(b"a").decode()}}
    assert checkpoint.overlay(inputs, live, copy.deepcopy(live)) == inputs
    hacked = live | {"data": {"k": base64.b64encode(b"hacked").decode()}}
    assert checkpoint.overlay(inputs, live, hacked)["stringData"] == {"k": "hacked"}
    assert checkpoint.overlay(inputs, live, live | {"data": {}})["stringData"] == {}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="xyz", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="abc", max_size=2), json, max_size=3))
def test_reading_what_was_written_is_never_drift(inputs: dict) -> None:
    assert checkpoint.overlay(inputs, inputs, copy.deepcopy(inputs)) == inputs


def test_an_import_takes_everything_but_what_the_server_fills_in() -> None:
    live = copy.deepcopy(LIVE)
    live["metadata"] |= {
        "resourceVersion": "7",
        "generation": 1,
        "creationTimestamp": "t",
        "annotations": {"deployment.kubernetes.io/revision": "1"},
    }
    imported = checkpoint.imported(live)
    assert imported["metadata"] == {"name": "x", "namespace": "default", "labels": {"a": "b"}}
    assert "status" not in imported
    assert imported["spec"] == LIVE["spec"]


def test_a_preview_does_not_promise_what_only_the_server_can_choose() -> None:
    inputs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}}
    dry = inputs | {
        "metadata": {"name": "x", "uid": "1", "creationTimestamp": "t"},
        "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "ClusterIP"},
        "status": {"loadBalancer": {}},
    }
    state = checkpoint.preview_state(inputs, dry, "m")
    assert state["metadata"] == {"name": "x", "uid": UNKNOWN, "creationTimestamp": UNKNOWN}
    assert state["spec"] == {"clusterIP": UNKNOWN, "clusterIPs": UNKNOWN, "type": "ClusterIP"}
    assert "status" not in state
