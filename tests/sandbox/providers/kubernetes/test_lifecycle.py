"""Objects on a real API server: create, preview, update, drift, import, delete."""

from __future__ import annotations

import copy
import threading
import uuid
from typing import Any

import pytest

from sandbox.providers import wire
from sandbox.providers.kubernetes import objects, ownership
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.providers.wire import UNKNOWN
from tests.sandbox import emulated
from tests.sandbox.providers.kubernetes.engine_double import EngineDouble, Refused, later

pytestmark = pytest.mark.sandbox

CONFIG_MAP, JOB = "kubernetes:core/v1:ConfigMap", "kubernetes:batch/v1:Job"
SERVICE, DEPLOYMENT = "kubernetes:core/v1:Service", "kubernetes:apps/v1:Deployment"


def config_map(namespace: str, name: str | None = "x", **data: str) -> dict[str, Any]:
    metadata = {"namespace": namespace} | ({"name": name} if name else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def job(namespace: str, image: str = "one", **spec: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}], "nodeSelector": {"no": "node"}}
    metadata = {"name": "j", "namespace": namespace, "annotations": {objects.SKIP_AWAIT: "true"}}
    template = {"template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template | spec}


# Create.


def test_an_object_is_created_with_name_id_field_manager_and_state(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, None, a="1"))
    live = api.get(objects.members(made.outputs))
    assert live is not None
    assert made.id == f"{namespace}/{live['metadata']['name']}"
    assert live["metadata"]["name"].startswith("cm-") and len(live["metadata"]["name"]) == len("cm-12345678")
    assert made.outputs["metadata"]["uid"] == live["metadata"]["uid"]
    assert ownership.managed_by(live, made.outputs["__fieldManager"])
    assert made.outputs["__inputs"] == made.given
    assert not provider.diff(made, config_map(namespace, None, a="1")).detailedDiff


def test_the_default_namespace_of_the_kubeconfig_is_written_into_the_inputs(provider: EngineDouble) -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    checked = wire.props(provider.check(CONFIG_MAP, "cm", inputs))
    assert checked["metadata"]["namespace"] == "default"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    checked = wire.props(provider.check("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "r", role))
    assert "namespace" not in checked["metadata"]


def test_the_scopes_of_built_in_kinds_are_those_of_the_server(provider: EngineDouble, api: Cluster) -> None:
    groups = [
        version["groupVersion"] for group in api.request("GET", "/apis")["groups"] for version in group["versions"]
    ]
    wrong = []
    for version in ["v1", *filter(objects.built_in, groups)]:
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for resource in api.request("GET", path)["resources"]:
            obj = {"apiVersion": version, "kind": resource["kind"]}
            if (
                "/" not in resource["name"]
                and provider.servicer.kubernetes.session.namespaced(obj) != resource["namespaced"]
            ):
                wrong.append((version, resource["kind"]))
    assert not wrong
    assert len(groups) > 15, "the question was asked"


def test_an_object_of_someone_else_is_never_taken_over(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    theirs = config_map(namespace, a="theirs")
    api.create(theirs, "someone")
    with pytest.raises(Refused, match=rf"ConfigMap {namespace}/x: AlreadyExists: .* `pulumi import`"):
        provider.create(CONFIG_MAP, "cm", config_map(namespace, a="ours"))
    live = api.get(theirs)
    assert live is not None and live["data"] == {"a": "theirs"}


def test_what_a_killed_update_left_is_taken_over_by_the_next_one(provider: EngineDouble, namespace: str) -> None:
    first = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    again = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="2"))
    assert again.outputs["metadata"]["uid"] == first.outputs["metadata"]["uid"]
    assert again.outputs["data"] == {"a": "2"}
    with pytest.raises(Refused, match="AlreadyExists"):
        provider.create(CONFIG_MAP, "another-resource", config_map(namespace, a="1"))


def test_a_left_over_job_that_cannot_become_the_wanted_one_is_made_again(
    provider: EngineDouble, namespace: str
) -> None:
    first = provider.create(JOB, "j", job(namespace))
    again = provider.create(JOB, "j", job(namespace, "two"))
    assert again.outputs["metadata"]["uid"] != first.outputs["metadata"]["uid"]


def test_an_object_that_is_being_deleted_is_waited_for(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    held = config_map(namespace)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    old = api.create(held, "someone")
    api.delete(old, "Background")
    waiting = f"Waiting for ConfigMap {namespace}/x to be deleted"
    release = later(
        lambda: waiting in provider.told,
        lambda: api.patch(old, [{"op": "remove", "path": "/metadata/finalizers"}]),
    )
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    release.join()
    assert made.outputs["metadata"]["uid"] != old["metadata"]["uid"]


def test_a_custom_kind_and_its_definition_are_created_in_one_go(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": namespace},
        "spec": {"size": 3},
    }
    assert provider.preview(f"kubernetes:{group}/v1:Widget", "w", widget)["spec"] == {"size": 3}
    early: list[Any] = []
    thread = threading.Thread(
        target=lambda: early.append(provider.create(f"kubernetes:{group}/v1:Widget", "w", widget))
    )
    thread.start()
    emulated.eventually(lambda: any("creation failed" in line for line in provider.told))
    made = provider.create("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "crd", definition)
    thread.join()
    assert early and early[0].id == f"{namespace}/w"
    assert early[0].outputs["spec"] == {"size": 3}
    back = made.outputs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert back["x_kubernetes_preserve_unknown_fields"] is True
    assert not provider.diff(made, definition).detailedDiff
    wider = copy.deepcopy(definition)
    wider["spec"]["names"]["shortNames"] = ["wd"]
    assert provider.update(made, wider)["spec"]["names"]["shortNames"] == ["wd"]
    provider.delete(made)
    provider.delete(early[0])  # the kind is gone, so its object is
    assert not provider.refresh(early[0])


# Preview.


def test_a_preview_shows_defaults_and_stores_nothing(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    spec = {"selector": {"a": "b"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}, "spec": spec}
    preview = provider.preview(SERVICE, "s", service)
    assert preview["spec"]["type"] == "ClusterIP"
    assert preview["spec"]["ports"][0]["protocol"] == "TCP"
    assert preview["spec"]["clusterIP"] == UNKNOWN
    assert api.get(service) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"foo": 1}, 'unknown field "spec.foo"'),
        ({"template": {"spec": {"restartPolicy": "Maybe", "containers": [{"name": "c", "image": "i"}]}}}, "Maybe"),
        ({"parallelism": "many"}, "parallelism"),
        ({"template": {"spec": {"restartPolicy": "Never"}}}, "containers: Required value"),
    ],
)
def test_what_the_server_would_refuse_is_refused_in_the_preview(
    provider: EngineDouble, namespace: str, change: dict, says: str
) -> None:
    with pytest.raises(Refused, match=says) as caught:
        provider.preview(JOB, "j", job(namespace, **change))
    assert str(caught.value).startswith(f"Job {namespace}/j: ")
    assert "\n" not in str(caught.value)


def test_a_replacement_under_the_same_name_is_checked_in_the_preview(provider: EngineDouble, namespace: str) -> None:
    provider.create(JOB, "j", job(namespace))
    assert provider.preview(JOB, "j", job(namespace, "two"))["spec"]["template"]["spec"]["containers"]
    with pytest.raises(Refused, match=r'unknown field "spec\.foo"'):
        provider.preview(JOB, "j", job(namespace, foo=1))


def test_quota_and_pod_security_refuse_in_the_preview(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    label = [{"op": "add", "path": "/metadata/labels", "value": {"pod-security.kubernetes.io/enforce": "restricted"}}]
    api.patch({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, label)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": namespace}}
    provider.create("kubernetes:core/v1:ResourceQuota", "q", quota | {"spec": {"hard": {"count/jobs.batch": "0"}}})
    metadata, spec = {"name": "p", "namespace": namespace}, {"containers": [{"name": "c", "image": "i"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def refusal(type_: str, name: str, inputs: dict[str, Any]) -> str:
        """The API server learns of a new quota and its use, and of a new label of a namespace, a moment later."""
        try:
            provider.preview(type_, name, inputs)
        except Refused as refused:
            return str(refused)
        return ""

    quota_first = f"Job {namespace}/j: Forbidden: exceeded quota: q"
    emulated.eventually(lambda: quota_first in refusal(JOB, "j", job(namespace)))
    security_first = f"Pod {namespace}/p: Forbidden: violates PodSecurity"
    emulated.eventually(lambda: security_first in refusal("kubernetes:core/v1:Pod", "p", pod))


def test_a_preview_in_a_namespace_or_with_values_that_come_later_shows_the_inputs(
    provider: EngineDouble, namespace: str
) -> None:
    assert provider.preview(CONFIG_MAP, "cm", config_map("not-there-yet", a="1"))["data"] == {"a": "1"}
    assert provider.preview(CONFIG_MAP, "cm", config_map(UNKNOWN, a="1"))["metadata"]["namespace"] == UNKNOWN
    assert provider.preview(CONFIG_MAP, "cm", config_map(namespace, a=UNKNOWN))["data"] == {"a": UNKNOWN}


# Update.


def test_an_update_changes_adds_and_removes_only_what_the_program_set(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1", b="1"))
    api.apply(config_map(namespace, theirs="x"), "someone")
    preview = provider.update(made, config_map(namespace, a="2", c="1"), preview=True)
    assert preview["data"] == {"a": "2", "c": "1", "theirs": "x"}
    assert provider.update(made, config_map(namespace, a="2", c="1"))["data"] == preview["data"]
    assert made.outputs["__inputs"]["data"] == {"a": "2", "c": "1"}


def test_a_field_of_another_owner_is_a_conflict_unless_the_program_insists(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    api.apply(config_map(namespace, a="theirs"), "someone", force=True)
    for preview in (True, False):
        with pytest.raises(Refused, match=r'Conflict: .*"someone".* \.data\.a.*pulumi\.com/patchForce') as caught:
            provider.update(made, config_map(namespace, a="2"), preview=preview)
        assert "\n" not in str(caught.value)
    insisting = config_map(namespace, a="2")
    insisting["metadata"]["annotations"] = {objects.PATCH_FORCE: "true"}
    assert provider.update(made, insisting)["data"] == {"a": "2"}


def test_fields_that_kubectl_owned_are_taken_over(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    api.create(config_map(namespace, a="1", b="1"), "kubectl-create")
    made = provider.load(CONFIG_MAP, f"{namespace}/x")
    assert made is not None
    assert provider.update(made, config_map(namespace, a="2"), preview=True)["data"]["a"] == "2"
    assert provider.update(made, config_map(namespace, a="2"))["data"] == {"a": "2"}


def test_ignored_fields_are_left_as_they_are(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1", b="1"))
    api.apply(config_map(namespace, a="theirs"), "someone", force=True)
    news = config_map(namespace, a="1", b="2")
    assert provider.update(made, news, ignored=("data.a",))["data"] == {"a": "theirs", "b": "2"}


def test_another_field_manager_releases_the_fields_of_the_former(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1", b="1"))
    former = made.outputs["__fieldManager"]
    news = config_map(namespace, a="1")
    news["metadata"]["annotations"] = {objects.PATCH_FIELD_MANAGER: "mine"}
    provider.update(made, news)
    live = api.get(news)
    assert live is not None
    assert live["data"] == {"a": "1"}
    assert ownership.managed_by(live, "mine") and not ownership.managed_by(live, former)


def test_an_update_of_an_object_that_is_gone_says_what_to_do(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    api.delete(made.outputs, "Background")
    with pytest.raises(Refused, match="no longer in the cluster; run `pulumi refresh` first"):
        provider.update(made, config_map(namespace, a="2"))


# Drift, import.


def test_drift_shows_after_a_refresh_and_the_next_update_repairs_it(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    program = config_map(namespace, a="1", b="1")
    made = provider.create(CONFIG_MAP, "cm", program)
    api.patch(made.outputs, [{"op": "replace", "path": "/data", "value": {"a": "hacked", "c": "1"}}])
    assert not provider.diff(made, program).detailedDiff
    assert provider.refresh(made)
    assert made.given["data"] == {"a": "hacked"}
    assert set(provider.diff(made, program).detailedDiff) == {"data.a", "data.b"}


def test_an_unchanged_object_refreshes_to_itself(provider: EngineDouble, namespace: str) -> None:
    made = provider.create(JOB, "j", job(namespace, backoffLimit=0))
    before = made.given
    assert provider.refresh(made)
    assert made.given == before
    assert not provider.diff(made, job(namespace, backoffLimit=0)).detailedDiff


def test_an_object_that_is_gone_reads_as_gone(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    api.delete(made.outputs, "Background")
    assert not provider.refresh(made)
    assert provider.load(CONFIG_MAP, made.id) is None


def test_an_import_yields_inputs_without_what_the_server_filled_in(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    api.create(config_map(namespace, a="1"), "someone")
    found = provider.load(CONFIG_MAP, f"{namespace}/x")
    assert found is not None
    assert found.given == config_map(namespace, a="1")
    assert not provider.diff(found, config_map(namespace, a="1")).detailedDiff


def test_a_job_with_another_template_is_replaced_and_deleted_first(provider: EngineDouble, namespace: str) -> None:
    made = provider.create(JOB, "j", job(namespace))
    answer = provider.diff(made, job(namespace, "two"))
    assert list(answer.replaces) == ["spec"]
    assert answer.deleteBeforeReplace


def test_a_job_that_is_not_complete_is_replaced_when_asked(provider: EngineDouble, namespace: str) -> None:
    inputs = job(namespace)
    inputs["metadata"]["annotations"][objects.REPLACE_UNREADY] = "true"
    made = provider.create(JOB, "j", inputs)
    answer = provider.diff(made, inputs)
    assert list(answer.replaces) == ["metadata"]
    assert answer.deleteBeforeReplace


# Patch resources.


def test_a_patch_changes_an_object_of_others_and_leaves_it_when_deleted(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    patch = "kubernetes:core/v1:NamespacePatch"
    metadata = {"name": namespace, "labels": {"team": "ml"}}
    inputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    made = provider.create(patch, "p", inputs)
    assert made.id == namespace
    live = api.get(inputs)
    assert live is not None and live["metadata"]["labels"]["team"] == "ml"
    assert not provider.diff(made, inputs).detailedDiff
    provider.delete(made)
    live = api.get(inputs)
    assert live is not None and "team" not in live["metadata"]["labels"]


def test_a_patch_needs_the_name_of_its_object(provider: EngineDouble) -> None:
    with pytest.raises(Refused, match="patch resources need the name"):
        provider.check("kubernetes:core/v1:NamespacePatch", "p", {"apiVersion": "v1", "kind": "Namespace"})


# Delete.


def test_a_deleted_object_is_gone_and_deleting_it_again_is_fine(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    made = provider.create(CONFIG_MAP, "cm", config_map(namespace, a="1"))
    provider.delete(made)
    assert api.get(made.outputs) is None
    provider.delete(made)


def test_a_namespace_is_waited_for_until_it_is_gone(provider: EngineDouble, api: Cluster) -> None:
    made = provider.create("kubernetes:core/v1:Namespace", "team", {"apiVersion": "v1", "kind": "Namespace"})
    held = config_map(made.id, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    content = api.create(held, "someone")
    waiting = f"Waiting for Namespace {made.id} to be deleted"
    release = later(
        lambda: waiting in provider.told,
        lambda: api.patch(content, [{"op": "remove", "path": "/metadata/finalizers"}]),
    )
    provider.delete(made)
    release.join()
    assert api.get(made.outputs) is None


def test_a_deletion_that_hangs_names_the_finalizer_and_may_be_tried_again(
    provider: EngineDouble, api: Cluster, namespace: str
) -> None:
    held = config_map(namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    made = provider.create(CONFIG_MAP, "cm", held)
    with pytest.raises(Refused, match=r"timed out .* preventing deletion \(example\.com/hold\)"):
        provider.delete(made, timeout=0.3)
    api.patch(made.outputs, [{"op": "remove", "path": "/metadata/finalizers"}])
    provider.delete(made)


def test_an_orphaning_delete_leaves_the_dependants(provider: EngineDouble, api: Cluster, namespace: str) -> None:
    inputs = job(namespace)
    inputs["metadata"]["annotations"][objects.DELETION_PROPAGATION] = "orphan"
    made = provider.create(JOB, "j", inputs)
    emulated.eventually(lambda: api.list("v1", "Pod", namespace))
    provider.delete(made)
    emulated.eventually(lambda: api.get(made.outputs) is None)
    (pod,) = api.list("v1", "Pod", namespace)
    assert "deletionTimestamp" not in pod["metadata"]
