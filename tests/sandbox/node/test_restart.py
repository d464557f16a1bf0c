"""The agent ends, well or badly, and comes back: no pod is lost, none is left over."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.settings import Settings
from tests import ports
from tests.sandbox.emulated import eventually
from tests.sandbox.node.conftest import Namespace, Node, container_of, new_namespace, pod_spec

pytestmark = pytest.mark.sandbox

WAIT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told to end", flush=True), sys.exit(0)))
print("ready", os.getpid(), flush=True)
while not os.path.exists("/shared/go"):
    time.sleep(0.05)
print("went on", flush=True)
raise SystemExit(5)
"""


@pytest.fixture
def alone(cloud: Settings, node: Node) -> Iterator[Namespace]:
    """A namespace whose test ends the agent; it runs again afterwards."""
    found = new_namespace(cloud, node)
    yield found
    if node.process is None or node.process.poll() is not None:
        node.start()
    found.api.delete(f"/api/v1/namespaces/{found.name}")


def waiter(here: Namespace, name: str, **spec: object) -> None:
    """A pod that waits for the file `go` in a folder of this machine."""
    folder = here.node.folder / f"{here.name}-{name}"
    here.pod(name, WAIT, container={"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]},
             volumes=[{"name": "shared", "hostPath": {"path": str(folder), "type": "DirectoryOrCreate"}}],
             **spec)  # fmt: skip
    here.says(name, "ready")


def let_go(here: Namespace, name: str) -> None:
    (here.node.folder / f"{here.name}-{name}" / "go").touch()


def test_pods_go_on_when_the_agent_is_killed_and_the_next_one_takes_them_over(alone: Namespace) -> None:
    waiter(alone, "goes-on")
    containers = alone.containers("goes-on")
    assert containers
    alone.node.end(signal.SIGKILL)
    assert all(one.is_running() for one in containers)
    alone.node.start()
    assert alone.says("goes-on", "ready").count("ready") == 1
    let_go(alone, "goes-on")
    ended = alone.until("goes-on", "Failed")["containerStatuses"][0]
    assert ended["state"]["terminated"]["exitCode"] == 5
    assert ended["restartCount"] == 0
    assert alone.logs("goes-on").splitlines()[-1] == "went on"


def test_the_exit_code_of_a_program_that_ended_without_an_agent_is_known(alone: Namespace) -> None:
    waiter(alone, "ends-alone")
    containers = alone.containers("ends-alone")
    alone.node.end(signal.SIGKILL)
    let_go(alone, "ends-alone")
    eventually(lambda: not any(one.is_running() for one in containers))
    alone.node.start()
    assert alone.until("ends-alone", "Failed")["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5


def test_pods_taken_over_still_reach_each_other_and_the_api(alone: Namespace) -> None:
    """The network of the first agent goes on: old and new pods are on one bridge."""
    alone.create("services", {
        "metadata": {"name": "talk"},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": {"app": "talk"}},
    })  # fmt: skip
    alone.create("pods", {
        "metadata": {"name": "server", "labels": {"app": "talk"}},
        "spec": pod_spec(container_of("""
import socket
server = socket.create_server(("0.0.0.0", 5000))
print("ready", flush=True)
while True:
    server.accept()[0].sendall(b"hello\\n")
"""), hostname="server", subdomain="talk"),
    })  # fmt: skip
    alone.says("server", "ready")
    alone.node.end(signal.SIGKILL)
    alone.node.start()
    alone.pod("client", """
import os, socket, time
while True:
    try:
        print(socket.create_connection(("server.talk", 5000), 2).makefile().readline())
        socket.create_connection((os.environ["KUBERNETES_SERVICE_HOST"], 443), 2)
        break
    except OSError as problem:
        print(problem)
        time.sleep(0.1)
""")  # fmt: skip
    alone.until("client", "Succeeded")
    assert "hello" in alone.logs("client")


def test_a_pod_deleted_while_the_agent_was_away_is_ended_when_it_is_back(alone: Namespace) -> None:
    waiter(alone, "deleted")
    containers = alone.containers("deleted")
    alone.node.end(signal.SIGKILL)
    alone.delete("deleted", gracePeriodSeconds=0)
    assert alone.gone("deleted")
    assert any(one.is_running() for one in containers)
    alone.node.start()
    eventually(lambda: not any(one.is_running() for one in containers))


def test_a_pod_of_which_nothing_is_left_fails_honestly(alone: Namespace) -> None:
    waiter(alone, "lost")
    shims = alone.node.shims(alone.uid("lost"))
    alone.node.end(signal.SIGKILL)
    for shim in shims:
        shim.kill()
    alone.node.start()
    ended = alone.until("lost", "Failed")["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "ContainerStatusUnknown")


def test_killing_a_shim_kills_its_container(alone: Namespace) -> None:
    waiter(alone, "shimless")
    containers = alone.containers("shimless")
    for shim in alone.node.shims(alone.uid("shimless")):
        shim.kill()
    eventually(lambda: not any(one.is_running() for one in containers))
    alone.until("shimless", "Failed")


def test_the_end_of_the_agent_is_the_end_of_its_pods(alone: Namespace) -> None:
    waiter(alone, "ends-with-it")
    waiter(alone, "stubborn", terminationGracePeriodSeconds=1)
    containers = alone.containers("ends-with-it") + alone.containers("stubborn")
    assert len(containers) == 2
    assert alone.node.end(signal.SIGTERM) == 0
    assert not any(one.is_running() for one in containers)
    assert alone.node.shims() == []
    status = alone.status("ends-with-it")
    assert (status["phase"], status["reason"]) == ("Failed", "Terminated")


def test_an_agent_whose_state_folder_is_removed_ends_with_its_pods(cloud: Settings, node: Node, tmp_path: Path) -> None:
    stray = Node(cloud, tmp_path / "node", ports.block(), names=("process-c",))
    stray.folder.mkdir()
    stray.start()
    here = new_namespace(cloud, stray)
    here.pod("stray", "import time; print('ready'); time.sleep(600)", terminationGracePeriodSeconds=0,
             nodeSelector={"kubernetes.io/hostname": "process-c"})  # fmt: skip
    here.says("stray", "ready")
    containers = stray.containers()
    assert containers
    # In one step: what the agent writes meanwhile would be in the way of a removal file by file.
    shutil.rmtree(stray.folder.rename(tmp_path / "removed"))
    assert stray.process
    assert stray.process.wait(180) == 0
    assert not any(one.is_running() for one in containers)
    here.api.delete("/api/v1/nodes/process-c")
    here.api.delete(f"/api/v1/namespaces/{here.name}")


def test_memory_volumes_go_with_the_agent(alone: Namespace) -> None:
    alone.pod("remembers", WAIT, container={"volumeMounts": [{"name": "scratch", "mountPath": "/dev/shm"}]},
              volumes=[{"name": "scratch", "emptyDir": {"medium": "Memory"}}])  # fmt: skip
    alone.says("remembers", "ready")
    (place,) = Path("/dev/shm").glob(f"aidc-*/{alone.uid('remembers')}/scratch")
    assert place.is_dir()
    alone.node.end(signal.SIGTERM)
    assert not place.exists()


def test_containers_end_by_themselves_when_no_agent_comes_back(alone: Namespace) -> None:
    alone.node.end(signal.SIGTERM)
    alone.node.start("--orphan-seconds", "1")
    waiter(alone, "orphan", terminationGracePeriodSeconds=60)
    containers = alone.containers("orphan")
    alone.node.end(signal.SIGKILL)
    eventually(lambda: not any(one.is_running() for one in containers))
    alone.node.start()
    alone.until("orphan", "Succeeded")
    assert "told to end" in alone.logs("orphan")


def test_a_second_agent_with_the_same_folder_is_refused(node: Node) -> None:
    twin = Node(node.settings, node.folder, node.port)
    twin.start()
    assert twin.process
    assert twin.process.wait(180) == 1
    assert "another process node runs with this state folder" in node.said()
