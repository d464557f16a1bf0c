"""The real Pulumi engine with the kubernetes provider on a real control plane."""

from __future__ import annotations

import base64
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from sandbox import toolchain
from sandbox.engine import home
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.settings import Settings
from tests.sandbox.engine.conftest import Project, Run, project_name

pytestmark = pytest.mark.e2e

HEAD = """
    import json, pulumi, pulumi_kubernetes as k8s
    given = json.load(open("given.json"))
    opts = pulumi.ResourceOptions(provider=k8s.Provider("local", kubeconfig=given["kubeconfig"]))
"""
LIFE = (
    HEAD
    + """
    meta = {"namespace": k8s.core.v1.Namespace("team", opts=opts).metadata.name}
    labels, slow = {"app": "web"}, {"annotations": {"sandbox.dc/run-for": "3s"}}
    containers = [{"name": "c", "image": given["image"], "resources": {"requests": {"cpu": "0.10"}}}]
    pod = {"nodeSelector": given["nodes"], "tolerations": [{"operator": "Exists"}], "containers": containers}
    template = {"metadata": {"labels": labels}, "spec": pod}
    k8s.core.v1.ConfigMap("cm", metadata=meta, data={"image": given["image"]}, opts=opts)
    secret = k8s.core.v1.Secret("s", metadata=meta, string_data={"password": "clear-text-1"}, opts=opts)
    k8s.apps.v1.Deployment("web", metadata=meta, opts=opts, spec={
        "replicas": 1, "selector": {"matchLabels": labels}, "template": template})
    service = k8s.core.v1.Service("web", metadata=meta, opts=opts, spec={"selector": labels, "ports": [{"port": 80}]})
    k8s.batch.v1.Job("job", metadata=meta | {"name": "job"}, opts=opts, spec={
        "backoffLimit": 0, "template": {"metadata": slow, "spec": pod | {"restartPolicy": "Never"}}})
    pulumi.export("namespace", meta["namespace"])
    pulumi.export("address", service.spec.cluster_ip)
    pulumi.export("password", secret.string_data)
"""
)


class Program(Project):
    """A project whose commands are started without a fork of this process: gRPC runs threads in it."""

    def run(self, *arguments: str) -> Run:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        return Run(done.returncode, done.stdout)


@pytest.fixture
def program(cloud: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Program]:
    """A project with a stack on the running cloud; destroyed at the end."""
    environment = home.process_environment(cloud, toolchain.ensure("pulumi"))
    made = Program(tmp_path, environment | {"AIDC_STATE": str(cloud.state), "AIDC_PORT": str(cloud.port)})
    made.write("Pulumi.yaml", f"name: {project_name(request.node.name)}\nruntime: python\n")
    assert made.run("stack", "init", "dev").code == 0
    yield made
    ended = made.run("destroy", "--yes", "--skip-preview")
    assert ended.code == 0, ended.text


@pytest.fixture
def admin(cloud: Settings) -> str:
    return str(cloud.pki / "admin.kubeconfig")


def give(project: Project, **values: Any) -> None:
    project.write("given.json", json.dumps(values))


def done(run: Run) -> str:
    assert run.code == 0, run.text
    return run.text


def test_a_programs_life(program: Program, admin: str, nodes: dict[str, str], api: Cluster) -> None:
    program.write("__main__.py", LIFE)
    give(program, kubeconfig=admin, image="one", nodes=nodes)
    text = done(program.run("up", "--yes"))
    assert "+ 8 to create" in text and "+ 8 created" in text
    assert "Waiting for Job" in text, "status lines are shown while it waits"
    outputs = program.outputs()
    assert outputs["address"].startswith("10.")
    assert outputs["password"] == "[secret]"
    assert "8 unchanged" in done(program.run("refresh", "--yes", "--skip-preview", "--expect-no-changes"))
    assert "8 unchanged" in done(program.up("--expect-no-changes"))

    state = done(program.run("stack", "export"))
    encoded = base64.b64encode(b"clear-text-1").decode()
    assert "clear-text-1" not in state and encoded not in state
    files = list(Path(urlparse(program.environment["PULUMI_BACKEND_URL"]).path).rglob("*.json*"))
    assert files
    for path in files:
        assert b"clear-text-1" not in path.read_bytes(), path

    give(program, kubeconfig=admin, image="two", nodes=nodes)
    text = done(program.up())
    assert "~ 1 updated" in text and "+-2 replaced" in text and "5 unchanged" in text
    assert text.index("Job job deleted original") < text.index("Job job creating replacement")
    assert text.index("ConfigMap cm created replacement") < text.index("ConfigMap cm deleting original")

    namespace = outputs["namespace"]
    (found,) = [one for one in api.list("v1", "ConfigMap", namespace) if one["metadata"]["name"].startswith("cm-")]
    api.patch(found, [{"op": "replace", "path": "/data/image", "value": "hacked"}])
    drift = program.run("refresh", "--preview-only", "--diff", "--expect-no-changes")
    assert drift.code != 0 and 'image: "two" => "hacked"' in drift.text
    done(program.run("refresh", "--yes", "--skip-preview"))
    assert "+-1 replaced" in done(program.up())

    assert "- 8 deleted" in done(program.run("destroy", "--yes", "--skip-preview"))
    assert api.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}) is None


def test_a_kubeconfig_that_is_known_only_later_does_not_stop_the_first_preview(
    program: Program, admin: str, api: Cluster
) -> None:
    program.write(
        "__main__.py",
        HEAD
        + """
        first = k8s.core.v1.Namespace("first", opts=opts)
        later = k8s.Provider("later", kubeconfig=first.metadata.uid.apply(lambda _: given["kubeconfig"]))
        metadata = {"namespace": first.metadata.name}
        options = pulumi.ResourceOptions(provider=later)
        made = k8s.core.v1.ConfigMap("cm", metadata=metadata, data={"a": "1"}, opts=options)
        pulumi.export("id", made.id)
    """.replace("        ", "    "),
    )
    give(program, kubeconfig=admin)
    assert "+ 5 to create" in done(program.run("preview"))
    done(program.up())
    assert "5 unchanged" in done(program.up("--expect-no-changes"))


def test_a_wrong_field_is_one_line_in_the_preview(program: Program, admin: str) -> None:
    body = """
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i", "imagePolicy": "Never"}]}}
    k8s.batch.v1.Job("bad", metadata={"name": "bad"}, spec={"backofLimit": 0, "template": template}, opts=opts)
    """
    program.write("__main__.py", HEAD + body)
    give(program, kubeconfig=admin)
    refused = program.run("preview")
    assert refused.code == 1
    for field in ("spec.backofLimit", "spec.template.spec.containers[0].imagePolicy"):
        assert f'unknown field "{field}"' in refused.diagnostics
    assert "error: Preview failed: Job default/bad: BadRequest: " in refused.diagnostics
    assert "Traceback" not in refused.text
    program.write("__main__.py", "")


def test_an_object_that_is_not_ready_fails_the_update_and_the_next_one_finishes_it(
    program: Program, admin: str, nodes: dict[str, str]
) -> None:
    body = """
    spec = {"restartPolicy": "Never", "nodeSelector": given["nodes"], "containers": [{"name": "c", "image": "i"}]}
    metadata = {"name": given["name"], "annotations": {"pulumi.com/timeoutSeconds": given["seconds"]}}
    k8s.core.v1.Pod("pod", metadata=metadata, spec=spec, opts=opts)
    """
    program.write("__main__.py", HEAD + body)
    name = f"pod-{program.directory.name}"[-40:].strip("-").lower().replace("_", "-")
    give(program, kubeconfig=admin, nodes={"no-such": "node"}, seconds="1", name=name)
    failed = program.up()
    assert failed.code == 1
    assert f"Pod default/{name} was created but is not ready: '{name}' timed out" in failed.diagnostics
    refreshed = done(program.run("refresh", "--yes", "--skip-preview"))
    assert "is not ready: Waiting for Pod" in refreshed, "a refresh says so and goes on"
    again = program.up()
    assert again.code == 1, "an unchanged program waits again"
    assert "was updated but is not ready" in again.diagnostics
    # The scheduler need not have spoken within the one second of the first wait.
    assert "didn't match Pod's node affinity/selector" in again.diagnostics
    give(program, kubeconfig=admin, nodes=nodes, seconds="60", name=name)
    assert "+-1 replaced" in done(program.up())


MANIFESTS = """
apiVersion: {group}/v1
kind: Widget
metadata: {{name: w, namespace: {namespace}}}
spec: {{size: 3}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {{name: s, namespace: {namespace}}}
  stringData: {{k: clear-text-2}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
MORE = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {{a: "1"}}
"""


def test_manifests_and_charts(program: Program, admin: str, api: Cluster) -> None:
    namespace = f"yaml-{uuid.uuid4().hex[:8]}"
    names = {"group": f"{namespace}.example.com", "namespace": namespace}
    program.write("all.yaml", MANIFESTS.format(**names))
    program.write("one.yaml", MORE.format(name="from-file", **names))
    body = """
    from pulumi_kubernetes import helm, yaml
    group = yaml.v2.ConfigGroup("group", files=["a*.yaml"], opts=opts)
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[group]))
    yaml.v2.ConfigFile("file", file="one.yaml", resource_prefix="mine", opts=after)
    yaml.ConfigGroup("old", yaml=[given["text"]], opts=after)
    helm.v4.Chart("chart", chart="gpu-operator", opts=opts)
    helm.v3.Release("release", chart="kueue", opts=opts)
    pulumi.export("count", group.resources.apply(len))
    """
    program.write("__main__.py", HEAD + body)
    give(program, kubeconfig=admin, text=MORE.format(name="old-style", **names))
    done(program.run("preview"))
    text = done(program.up())
    assert text.count("is recorded, not installed: the local cloud has no chart network") >= 2
    assert program.outputs()["count"] == 4
    maps = {one["metadata"]["name"] for one in api.list("v1", "ConfigMap", namespace)}
    assert {"from-file", "old-style"} <= maps
    assert api.list(f"{names['group']}/v1", "Widget", namespace)[0]["spec"] == {"size": 3}
    state = done(program.run("stack", "export"))
    assert "clear-text-2" not in state and base64.b64encode(b"clear-text-2").decode() not in state
    assert f"::mine:{namespace}/from-file" in state and f"::group:{namespace}/w" in state
    done(program.up("--expect-no-changes"))


def test_a_manifest_that_cannot_be_read_is_one_line(program: Program, admin: str) -> None:
    program.write(
        "__main__.py", HEAD + '    k8s.yaml.v2.ConfigFile("f", file="https://example.com/a.yaml", opts=opts)\n'
    )
    give(program, kubeconfig=admin)
    refused = program.run("preview")
    assert refused.code == 1
    assert "f: https://example.com/a.yaml: manifests cannot be fetched in the local environment" in refused.diagnostics
    assert "Traceback" not in refused.text
    program.write("__main__.py", "")


def test_an_object_is_imported(program: Program, admin: str, api: Cluster, namespace: str) -> None:
    metadata = {"name": "mine", "namespace": namespace}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}, "someone")
    body = """
    imported = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(import_=given["id"], retain_on_delete=True))
    k8s.core.v1.ConfigMap("cm", metadata=given["metadata"], data={"a": "1"}, opts=imported)
    """
    program.write("__main__.py", HEAD + body)
    give(program, kubeconfig=admin, id=f"{namespace}/mine", metadata=metadata)
    assert "= 1 imported" in done(program.up())
    done(program.up("--expect-no-changes"))
