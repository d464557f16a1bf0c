"""Which cluster the provider talks to, and what happens when it cannot."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.providers import wire
from sandbox.providers.wire import UNKNOWN
from sandbox.settings import ACCESS_KEY, SECRET_KEY, Settings
from tests.sandbox import emulated
from tests.sandbox.providers.kubernetes.engine_double import EngineDouble, Refused, Resource, engine
from tests.sandbox.providers.kubernetes.fake_api import Answer, serving

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
INPUTS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "x", "namespace": "default"},
    "data": {"a": "1"},
}


def kubeconfig(server: str, **user: Any) -> dict[str, Any]:
    return {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{unused.getsockname()[1]}"


def test_a_first_preview_sends_a_kubeconfig_that_is_not_known_and_nothing_is_wrong_with_it() -> None:
    with engine(kubeconfig("https://127.0.0.1:1")) as double:
        for unknown in (UNKNOWN, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"):
            news = wire.struct({"kubeconfig": unknown, "enableServerSideApply": "true"})
            answer = double.stub.CheckConfig(provider_pb2.CheckRequest(urn="urn", news=news))
            assert not answer.failures
            assert answer.inputs == news


def test_a_cluster_elsewhere_is_refused_before_anything_is_sent_to_it() -> None:
    with engine(kubeconfig("https://abc.gr7.us-east-1.eks.amazonaws.com", token="t")) as double:
        with pytest.raises(Refused, match=r"eks\.amazonaws\.com is not on this machine") as caught:
            double.check(CONFIG_MAP, "cm", INPUTS)
        assert "\n" not in str(caught.value)


def test_without_any_kubeconfig_the_user_is_told_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with engine(None) as double, pytest.raises(Refused, match=r"no cluster is configured: give kubernetes\.Provider"):
        double.check(CONFIG_MAP, "cm", INPUTS)


def test_functions_work_without_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n# empty\n---\nkind: NoVersion\n"
    with engine(None) as double:
        (found,) = double.invoke("kubernetes:yaml:decode", {"text": text, "defaultNamespace": "team"})["result"]
        assert found["metadata"] == {"name": "x", "namespace": "team"}
        with pytest.raises(Refused, match="kustomize is not available"):
            double.invoke("kubernetes:kustomize:directory", {"directory": "."})
        assert double.invoke("kubernetes:helm:template", {"jsonOpts": "{}"})["result"] == []
        assert "recorded, not installed" in double.told[-1]
        with pytest.raises(Refused, match="function kubernetes:no:such is not available"):
            double.invoke("kubernetes:no:such", {})


def test_a_cluster_that_does_not_answer_fails_updates_but_not_previews(nobody: str) -> None:
    with engine(kubeconfig(nobody, token="t")) as double:
        assert double.preview(CONFIG_MAP, "cm", INPUTS)["data"] == {"a": "1"}
        assert double.preview(CONFIG_MAP, "cm2", INPUTS)
        warnings = [line for line in double.told if "the preview shows the program's inputs only" in line]
        assert len(warnings) == 1, "one warning is enough"
        with pytest.raises(Refused, match=r"ConfigMap default/x: the Kubernetes API at .* does not answer") as caught:
            double.create(CONFIG_MAP, "cm", INPUTS)
        assert "\n" not in str(caught.value)


def test_resources_of_a_cluster_that_is_gone_are_forgotten_only_when_the_user_says_so(nobody: str) -> None:
    with engine(kubeconfig(nobody, token="t")) as double:
        made = gone(double)
        for operation in (double.refresh, double.delete):
            with pytest.raises(Refused, match="PULUMI_K8S_DELETE_UNREACHABLE=true"):
                operation(made)
    with engine(kubeconfig(nobody, token="t"), deleteUnreachable="true") as double:
        assert not double.refresh(gone(double))
        double.delete(gone(double))


def test_a_cluster_that_knows_nobody_is_gone_only_when_the_user_says_so() -> None:
    nobody_known: Answer = 401, {"reason": "Unauthorized", "message": "Unauthorized"}
    with serving(lambda *_: nobody_known) as api:
        with engine(api.kubeconfig()) as double:
            for operation in (double.refresh, double.delete):
                with pytest.raises(Refused, match="ConfigMap default/x: Unauthorized"):
                    operation(gone(double))
        with engine(api.kubeconfig(), deleteUnreachable="true") as double:
            assert not double.refresh(gone(double))
            double.delete(gone(double))


def test_a_webhook_that_allows_no_dry_run_hinders_neither_preview_nor_creation() -> None:
    def answers(method: str, path: str) -> Answer | None:
        if "dryRun=All" in path:
            return 400, {"reason": "BadRequest", "message": 'admission webhook "x" does not support dry run'}
        return (200, INPUTS) if method == "PATCH" else None

    with serving(answers) as api, engine(api.kubeconfig()) as double:
        assert double.preview(CONFIG_MAP, "cm", INPUTS)["data"] == {"a": "1"}
        assert double.create(CONFIG_MAP, "cm", INPUTS).id == "default/x"


def gone(double: EngineDouble) -> Any:
    """A resource whose cluster is not there."""
    inputs = double.check(CONFIG_MAP, "cm", INPUTS)
    return Resource(CONFIG_MAP, "urn", inputs, "default/x", wire.struct(INPUTS | {"__inputs": INPUTS}))


def test_the_namespace_of_the_provider_is_the_default_of_its_resources() -> None:
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    with engine(kubeconfig("https://127.0.0.1:1"), namespace="team") as double:
        assert wire.props(double.check(CONFIG_MAP, "cm", bare))["metadata"]["namespace"] == "team"
        assert wire.props(double.check(CONFIG_MAP, "cm", INPUTS))["metadata"]["namespace"] == "default"


def test_a_release_of_a_chart_is_recorded_and_says_that_nothing_was_installed() -> None:
    release = "kubernetes:helm.sh/v3:Release"
    inputs = {"chart": "gpu-operator", "version": "v25.3.4", "values": {"a": 1}, "compat": "true"}
    with engine(kubeconfig("https://127.0.0.1:1")) as double:
        assert double.preview(release, "op", inputs)["chart"] == "gpu-operator"
        made = double.create(release, "op", inputs)
        assert made.outputs["status"]["status"] == "recorded"
        assert made.id == f"default/{made.given['name']}" and made.given["name"].startswith("op-")
        assert double.told == ["chart gpu-operator is recorded, not installed: the local cloud has no chart network"]
        assert double.refresh(made)
        assert not double.diff(made, inputs).detailedDiff
        changed = inputs | {"values": {"a": 2}}
        assert not double.diff(made, changed).replaces
        assert double.update(made, changed)["status"]["revision"] == 2
        assert list(double.diff(made, inputs | {"name": "other"}).replaces) == ["name"]
        double.delete(made)


def test_a_chart_whose_controller_runs_here_is_recorded_without_a_warning() -> None:
    inputs = {"chart": "oci://registry.k8s.io/jobset/charts/jobset", "version": "0.12.0", "compat": "true"}
    with engine(kubeconfig("https://127.0.0.1:1")) as double:
        assert (
            double.create("kubernetes:helm.sh/v3:Release", "jobset", inputs).outputs["status"]["status"] == "recorded"
        )
        assert double.told == []


def test_lists_cannot_be_created() -> None:
    with engine(kubeconfig("https://127.0.0.1:1")) as double, pytest.raises(Refused, match="list resources"):
        double.check("kubernetes:core/v1:ConfigMapList", "l", {"apiVersion": "v1", "kind": "ConfigMapList"})


@pytest.mark.sandbox
def test_a_token_of_aws_eks_opens_the_cluster_for_its_creator(
    cloud: Settings, eks: emulated.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["--region", emulated.REGION, "eks", "get-token", "--cluster-name", eks.name, "--output", "json"],
        "env": [
            {"name": "AWS_ACCESS_KEY_ID", "value": ACCESS_KEY},
            {"name": "AWS_SECRET_ACCESS_KEY", "value": SECRET_KEY},
            {"name": "AWS_ENDPOINT_URL", "value": cloud.aws_url},
        ],
    }
    # Not on PATH: the `aws` of the toolkit's environment is found beside its Python.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    document = kubeconfig(cloud.kubernetes_url, exec=command)
    ca = base64.b64encode((cloud.pki / "ca.crt").read_bytes()).decode()
    document["clusters"][0]["cluster"]["certificate-authority-data"] = ca
    inputs = INPUTS | {"metadata": {"name": f"token-{eks.name}", "namespace": "default"}}
    with engine(json.dumps(document)) as double:
        made = double.create(CONFIG_MAP, "cm", inputs)
        double.delete(made)
    stranger = json.loads(json.dumps(document).replace(f'"value": "{ACCESS_KEY}"', '"value": "AKIASTRANGER"'))
    with engine(stranger) as double, pytest.raises(Refused, match=r"ConfigMap .*: (Unauthorized|Forbidden)"):
        double.create(CONFIG_MAP, "cm", inputs)
