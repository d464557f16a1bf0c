"""What a changed program means for an object: nothing, an update, or a replacement."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers.difference import Difference, step
from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.diffing import compare, steps
from sandbox.providers.kubernetes.forcenew import FORCE_NEW, force_new, touches
from sandbox.providers.wire import UNKNOWN


def diff(old: dict, new: dict, live: dict | None = None, *, namespaced: bool = True, **options: bool) -> Difference:
    return compare(old, new, live or old, namespaced=namespaced, forced=force_new(new, **options))


def obj(version: str, kind: str, **rest: Any) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "a"}, **rest}


def changed(base: dict, path: str, value: Any) -> dict:
    result = copy.deepcopy(base)
    place = result
    *parents, last = path.split(".")
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return result


TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "one"}]}}


@pytest.mark.parametrize(
    ("version", "kind", "path", "replaces"),
    [
        ("apps/v1", "Deployment", "spec.selector.matchLabels.app", True),
        ("apps/v1", "Deployment", "spec.replicas", False),
        ("apps/v1", "DaemonSet", "spec.selector.matchLabels.app", True),
        ("apps/v1", "DaemonSet", "spec.template.spec.hostNetwork", False),
        ("apps/v1", "StatefulSet", "spec.serviceName", True),
        ("apps/v1", "StatefulSet", "spec.volumeClaimTemplates", True),
        ("apps/v1", "StatefulSet", "spec.replicas", False),
        ("batch/v1", "Job", "spec.template.spec.restartPolicy", True),
        ("batch/v1", "Job", "spec.completions", True),
        ("batch/v1", "Job", "spec.parallelism", True),
        ("batch/v1", "Job", "spec.suspend", False),
        ("batch/v1", "Job", "metadata.labels.a", False),
        ("batch/v1", "CronJob", "spec.schedule", False),
        ("v1", "Service", "spec.clusterIP", True),
        ("v1", "Service", "spec.type", False),
        ("v1", "PersistentVolume", "spec.csi.volumeHandle", True),
        ("v1", "PersistentVolume", "spec.capacity.storage", False),
        ("v1", "PersistentVolumeClaim", "spec.storageClassName", True),
        ("v1", "PersistentVolumeClaim", "spec.volumeName", True),
        ("v1", "PersistentVolumeClaim", "spec.resources.requests.storage", False),
        ("v1", "Pod", "spec.nodeName", True),
        ("v1", "Pod", "spec.activeDeadlineSeconds", False),
        ("v1", "ResourceQuota", "spec.scopes", True),
        ("v1", "ResourceQuota", "spec.hard", False),
        ("v1", "Secret", "type", True),
        ("v1", "ServiceAccount", "automountServiceAccountToken", False),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "roleRef.name", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "subjects", False),
        ("storage.k8s.io/v1", "StorageClass", "provisioner", True),
        ("storage.k8s.io/v1", "StorageClass", "reclaimPolicy", False),
        ("example.com/v1", "Widget", "spec.selector", False),
    ],
)
def test_a_changed_field_replaces_or_updates_as_the_official_provider_does(
    version: str, kind: str, path: str, replaces: bool
) -> None:
    base = obj(version, kind)
    old, new = changed(base, path, "old"), changed(base, path, "new")
    found = diff(old, new)
    assert len(found.changes) == 1
    assert bool(found.replaces) is replaces
    assert found.delete_before_replace is replaces  # the name is fixed
    assert bool(diff(base, new).replaces) is replaces  # added
    assert bool(diff(new, base).replaces) is replaces  # removed
    assert bool(diff(old, changed(base, path, UNKNOWN)).replaces) is replaces  # not known yet


def test_every_forced_path_replaces_when_it_changes() -> None:
    for (group, kind), paths in FORCE_NEW.items():
        base = obj(f"{group}/v1" if group else "v1", kind)
        for path in paths:
            if "*" not in path:
                text = ".".join(map(str, path))
                assert diff(changed(base, text, "a"), changed(base, text, "b")).replaces, (kind, text)


def test_a_containers_image_replaces_a_pod_and_updates_a_deployment() -> None:
    pod = obj("v1", "Pod", spec=TEMPLATE["spec"])
    other = changed(pod, "spec.containers", [{"name": "c", "image": "two"}])
    assert diff(pod, other).replaces == {"spec.containers[0].image"}
    deployment = obj("apps/v1", "Deployment", spec={"template": TEMPLATE})
    rolled = changed(deployment, "spec.template", {"spec": {"containers": [{"name": "c", "image": "two"}]}})
    assert not diff(deployment, rolled).replaces


def test_an_added_spec_that_holds_a_forced_field_replaces() -> None:
    base = obj("batch/v1", "Job")
    assert diff(base, base | {"spec": {"template": TEMPLATE}}).replaces == {"spec"}
    assert not diff(base, base | {"spec": {"suspend": True}}).replaces


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_changed_data_replaces_unless_the_provider_says_mutable(kind: str) -> None:
    old, new = obj("v1", kind, data={"k": "YQ=="}), obj("v1", kind, data={"k": "Yg=="})

    def replaces(other: dict) -> frozenset[str]:
        return diff(old, other, config_map_mutable=True, secret_mutable=True).replaces

    assert diff(old, new).replaces == {"data.k"}
    assert not replaces(new)
    assert replaces(new | {"immutable": True}) == {"data.k"}


def test_a_generated_name_is_created_before_the_old_object_is_deleted() -> None:
    metadata = {"name": "x-1", "namespace": "a", "annotations": {objects.AUTONAMED: "true"}}
    old = obj("v1", "ConfigMap", data={"k": "1"}) | {"metadata": metadata}
    found = diff(old, old | {"data": {"k": "2"}})
    assert found.replaces and not found.delete_before_replace


def test_another_name_or_namespace_replaces_without_deleting_first() -> None:
    old = obj("v1", "ServiceAccount")
    for path, value in (("metadata.name", "y"), ("metadata.namespace", "b")):
        found = diff(old, changed(old, path, value))
        assert found.replaces == {path} and not found.delete_before_replace


def test_giving_up_a_name_replaces() -> None:
    old = obj("v1", "ServiceAccount")
    new = old | {"metadata": {"namespace": "a"}}
    assert diff(old, new).replaces == {"metadata.name"}


def test_the_default_namespace_may_be_written_out_or_left_out() -> None:
    bare = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}}
    written = changed(bare, "metadata.namespace", "default")
    assert not diff(bare, written).changes
    assert not diff(written, bare).changes


def test_a_namespace_on_a_cluster_scoped_object_means_nothing() -> None:
    role = obj("rbac.authorization.k8s.io/v1", "ClusterRole")
    assert not diff(role, changed(role, "metadata.namespace", "b"), namespaced=False).changes


def test_the_generated_name_may_be_written_into_the_program_later() -> None:
    old = obj("v1", "ServiceAccount")
    live = changed(old, "metadata.name", "x-85e450a9")
    assert not diff(old, changed(old, "metadata.name", "x-85e450a9"), live).replaces


def test_text_and_encoded_data_of_a_secret_are_compared_by_what_they_mean() -> None:
    text, encoded = obj("v1", "Secret", stringData={"k": "a"}), obj("v1", "Secret", data={"k": "YQ=="})
    assert not diff(text, encoded).changes
    found = diff(text, obj("v1", "Secret", stringData={"k": "b"}))
    assert found.replaces == {"stringData.k"}


def test_what_the_server_fills_in_is_no_change() -> None:
    base = obj("v1", "ServiceAccount")
    assert not diff(changed(base, "metadata.resourceVersion", "1"), changed(base, "metadata.uid", "2")).changes


keys = st.text(alphabet='ab."[]\\- ', min_size=1, max_size=4)


@given(st.lists(st.one_of(keys, st.integers(0, 9)), min_size=1, max_size=4))
def test_a_path_of_a_difference_can_be_taken_apart_again(path: list[str | int]) -> None:
    if isinstance(path[0], int):
        path = ["root", *path]
    text = ""
    for one in path:
        text = step(text, one)
    assert steps(text) == tuple(path)


def test_a_wildcard_stands_for_any_index_only() -> None:
    forced = [("spec", "containers", "*", "image")]
    assert touches(("spec", "containers", 3, "image"), "x", forced)
    assert not touches(("spec", "containers", 3, "name"), "x", forced)
    assert touches(("spec", "containers", 3), {"image": "x"}, forced)
    assert not touches(("spec", "containers"), [{"name": "x"}], forced)
