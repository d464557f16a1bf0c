"""A provider on the local cloud, a namespace per test, simulated nodes, and a client that looks past the provider."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest

from sandbox.providers.kubernetes import kubeconfig, objects
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.settings import Settings
from tests.sandbox import emulated
from tests.sandbox.providers.kubernetes.engine_double import EngineDouble, engine


@pytest.fixture
def provider(cloud: Settings) -> Iterator[EngineDouble]:
    with engine(str(cloud.pki / "admin.kubeconfig")) as double:
        yield double


@pytest.fixture
def api(cloud: Settings) -> Cluster:
    """The API server without the provider: for drift, other owners, and to see what is really there."""
    return Cluster(kubeconfig.load(str(cloud.pki / "admin.kubeconfig")), threading.Event())


@pytest.fixture
def namespace(api: Cluster) -> Iterator[str]:
    """A namespace of the test's own, made and removed past the provider."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.create(obj, "test")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
    emulated.eventually(lambda: api.get(account))
    yield name
    api.delete(obj, "Background")


@pytest.fixture(scope="session")
def eks(cloud: Settings) -> Iterator[emulated.Cluster]:
    """An emulated EKS cluster with two simulated nodes labelled `test/for: kubernetes-provider`."""
    cluster = emulated.Cluster(cloud)
    cluster.group("plain", 2, labels={"test/for": "kubernetes-provider"})
    yield cluster
    cluster.remove()


@pytest.fixture
def nodes(eks: emulated.Cluster, api: Cluster) -> dict[str, str]:
    """The node selector of two simulated nodes that are ready."""

    def ready() -> bool:
        found = api.list("v1", "Node", labelSelector="test/for=kubernetes-provider")
        return [objects.condition(one, "Ready").get("status") for one in found] == ["True", "True"]

    emulated.eventually(ready)
    return {"test/for": "kubernetes-provider"}
