"""A process node of the tests' own, beside the one of the sandbox: it may be killed and started again.

`node` is a running agent with two nodes; `here` a namespace of the test's own with everything needed to run pods in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client

from sandbox.kubernetes.connection import connect
from sandbox.node import images
from sandbox.node.api import Api, Object, namespaced
from sandbox.node.check import ability
from sandbox.settings import REPOSITORY, Settings
from tests import ports
from tests.sandbox.emulated import eventually

IMAGE = "tests/python:local"
NODE_NAMES = ("process-a", "process-b")


@dataclass
class Node:
    """The agent as a process."""

    settings: Settings
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    names: tuple[str, ...] = NODE_NAMES

    def start(self, *options: str) -> None:
        names = [option for name in self.names for option in ("--node", name)]
        command = [sys.executable, "-m", "sandbox.node", *names, "--folder", str(self.folder), "--port", str(self.port)]
        environment = os.environ | {"AIDC_STATE": str(self.settings.state), "AIDC_PORT": str(self.settings.port)}
        with (self.folder / "agent.out").open("ab") as out:
            self.process = subprocess.Popen(
                [*command, *options], cwd=REPOSITORY, env=environment, stdout=out, stderr=out, start_new_session=True
            )

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signal the agent and wait for its end. Returns its exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(180)

    def said(self) -> str:
        return (self.folder / "agent.out").read_text(encoding="utf-8")

    def shims(self, uid: str = "") -> list[psutil.Process]:
        """The shims of this agent that are alive; with a uid those of one pod, whatever else ends meanwhile."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = process.cmdline()
                ours = "sandbox.node.shim" in line and any(str(self.folder) in word and uid in word for word in line)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def containers(self, uid: str = "") -> list[psutil.Process]:
        """The first process of every container that is alive, or of those of one pod."""
        found = []
        for shim in self.shims(uid):
            with contextlib.suppress(psutil.Error):
                found += shim.children()
        return found


@pytest.fixture(scope="session")
def able() -> None:
    """Skip where pods cannot run as processes."""
    if missing := ability().missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def node(cloud: Settings, able: None) -> Iterator[Node]:
    images.register(images.table(cloud), IMAGE, images.of_virtual_environment(Path(sys.prefix)))
    found = Node(cloud, Path(tempfile.mkdtemp(prefix="aidc-node-")), ports.block())
    found.start()
    api = Api(connect(cloud))
    eventually(lambda: all(api.find(f"/api/v1/nodes/{name}") for name in NODE_NAMES))
    yield found
    found.end()
    left = found.shims()
    for name in NODE_NAMES:
        api.delete(f"/api/v1/nodes/{name}")
    assert not left, f"left after the end: {left}; {found.said()}"
    shutil.rmtree(found.folder)


@dataclass
class Namespace:
    """A namespace, and what tests do in it."""

    api: Api
    core: client.CoreV1Api
    name: str
    node: Node

    def create(self, kind: str, body: Object, group: str = "api/v1") -> Object:
        return self.api.create(namespaced(kind, self.name, group=group), body)

    def pod(self, name: str, script: str, **spec: Any) -> Object:
        """Run a Python script as a pod; `container` in `spec` adds to its one container."""
        container = {"name": "main", "image": IMAGE, "command": ["python", "-u", "-c", script]} | spec.pop(
            "container", {}
        )
        return self.create("pods", {"metadata": {"name": name}, "spec": pod_spec(container, **spec)})

    def job(self, name: str, script: str, ranks: int, **spec: Any) -> Object:
        """An Indexed Job of the script under a headless service of its name."""
        self.create("services", {
            "metadata": {"name": name},
            "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"job-name": name}},
        })  # fmt: skip
        container = {"name": "main", "image": IMAGE, "command": ["python", "-u", "-c", script]} | spec.pop(
            "container", {}
        )
        template = {"spec": pod_spec(container, subdomain=name, **spec)}
        job = {"completions": ranks, "parallelism": ranks, "completionMode": "Indexed", "backoffLimit": 0,
               "template": template}  # fmt: skip
        return self.create("jobs", {"metadata": {"name": name}, "spec": job}, "apis/batch/v1")

    def uid(self, name: str) -> str:
        return self.get(name)["metadata"]["uid"]

    def containers(self, name: str) -> list[psutil.Process]:
        """The first process of each container of the pod that is alive. Pods of earlier tests may still be ending."""
        return self.node.containers(self.uid(name))

    def get(self, name: str) -> Object:
        return self.api.get(namespaced("pods", self.name, name))

    def status(self, name: str) -> Object:
        return self.get(name).get("status") or {}

    def container(self, name: str) -> Object:
        """Status of the pod's only container; empty before there is one."""
        return next(iter(self.status(name).get("containerStatuses") or [{}]))

    def until(self, name: str, phase: str) -> Object:
        """The pod's status once it is in this phase."""
        ends = {phase, "Succeeded", "Failed"}
        try:
            eventually(lambda: self.status(name).get("phase") in ends)
        finally:
            status = self.status(name)
            assert status["phase"] == phase, f"{status}\n{self.node.said()}\n{self.logs(name)}"
        return status

    def logs(self, name: str, **options: Any) -> str:
        """The log of the container `main`."""
        options.setdefault("container", "main")
        return self.core.read_namespaced_pod_log(name, self.name, **options)

    def follow(self, name: str) -> Iterator[str]:
        """The lines of the log of the container `main` as they come; they end with the container."""
        answer: Any = self.core.read_namespaced_pod_log(
            name, self.name, container="main", follow=True, _preload_content=False
        )
        with answer as lines:
            yield from (line.decode() for line in lines)

    def says(self, name: str, text: str) -> str:
        """The pod's log once it holds this text."""
        eventually(lambda: text in self.logs(name))
        return self.logs(name)

    def delete(self, name: str, **body: Any) -> None:
        self.api.delete(namespaced("pods", self.name, name), body or None)

    def gone(self, name: str) -> bool:
        return self.api.find(namespaced("pods", self.name, name)) is None


def container_of(script: str) -> Object:
    return {"name": "main", "image": IMAGE, "command": ["python", "-u", "-c", script]}


def pod_spec(container: Object, **spec: Any) -> Object:
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "nodeSelector": {"kubernetes.io/hostname": NODE_NAMES[0]},
        "tolerations": [{"key": "dc/pool", "operator": "Exists"}],
        "containers": [container],
    } | spec


@pytest.fixture
def here(cloud: Settings, node: Node) -> Iterator[Namespace]:
    found = new_namespace(cloud, node)
    yield found
    found.api.delete(f"/api/v1/namespaces/{found.name}")


def new_namespace(cloud: Settings, node: Node) -> Namespace:
    api_client = connect(cloud)
    api, name = Api(api_client), f"node-{uuid.uuid4().hex[:8]}"
    api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    eventually(lambda: api.find(namespaced("serviceaccounts", name, "default")))
    return Namespace(api, client.CoreV1Api(api_client), name, node)
