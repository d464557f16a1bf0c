from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from sandbox.kubernetes.connection import connect
from sandbox.settings import Settings
from tests.sandbox.emulated import Cluster, eventually


@pytest.fixture(scope="module")
def core(cloud: Settings) -> Any:
    return client.CoreV1Api(connect(cloud))


@pytest.fixture
def cluster(cloud: Settings) -> Iterator[Cluster]:
    made = Cluster(cloud)
    yield made
    made.remove()


@pytest.fixture
def namespace(core: Any) -> Iterator[str]:
    """A namespace whose default service account is there, so that pods are admitted."""
    name = f"test-{uuid.uuid4().hex[:6]}"
    core.create_namespace({"metadata": {"name": name}})
    eventually(lambda: core.list_namespaced_service_account(name).items)
    yield name
    core.delete_namespace(name)


@pytest.fixture
def group_nodes(core: Any) -> Callable[[str], list[dict[str, Any]]]:
    """The nodes of a node group, as plain data."""

    def nodes(group: str) -> list[dict[str, Any]]:
        answer = core.list_node(label_selector=f"eks.amazonaws.com/nodegroup={group}", _preload_content=False)
        return json.loads(answer.data)["items"]

    return nodes
