"""Nodes come and go with the node groups of the emulated EKS; APIs that are away do no harm."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from sandbox import supervisord
from sandbox.kubernetes.connection import connect
from sandbox.node.api import Api, Object, namespaced
from sandbox.settings import Settings
from tests.sandbox.emulated import Cluster, eventually
from tests.sandbox.node.conftest import Namespace, Node, container_of, new_namespace, pod_spec

pytestmark = pytest.mark.sandbox
TAINTS = [{"key": "dc/pool", "value": "bench", "effect": "NO_SCHEDULE"}]


@pytest.fixture
def cluster(cloud: Settings) -> Iterator[Cluster]:
    found = Cluster(cloud)
    yield found
    groups = found.eks.list_nodegroups(clusterName=found.name)["nodegroups"]
    found.remove()
    # Pods of the next test must not be put on nodes that are about to go.
    eventually(lambda: not any(nodes_of(Api(connect(cloud)), group) for group in groups))


def nodes_of(api: Api, group: str) -> list[Object]:
    return api.list("/api/v1/nodes", labelSelector=f"eks.amazonaws.com/nodegroup={group}")["items"]


def test_a_node_group_of_pool_bench_becomes_process_nodes_and_goes_with_its_pods(
    cloud: Settings, cluster: Cluster, here: Namespace
) -> None:
    api = Api(connect(cloud))
    group = cluster.group("bench", 2, labels={"dc/pool": "bench"}, taints=TAINTS)
    eventually(lambda: len(nodes_of(api, group)) == 2)
    nodes = nodes_of(api, group)
    assert {node["status"]["nodeInfo"]["containerRuntimeVersion"] for node in nodes} == {"process://1"}
    assert nodes[0]["spec"]["taints"][0] == {"key": "dc/pool", "value": "bench", "effect": "NoSchedule"}
    where = {"kubernetes.io/hostname": nodes[0]["metadata"]["name"]}
    here.pod(
        "guest", "import time; print('ready'); time.sleep(600)", nodeSelector=where, terminationGracePeriodSeconds=1
    )
    here.says("guest", "ready")
    before = _containers(cloud, here, "guest")
    assert before
    cluster.eks.delete_nodegroup(clusterName=cluster.name, nodegroupName=group)
    eventually(lambda: not nodes_of(api, group))
    assert here.gone("guest")
    assert not any(one.is_running() for one in before)


def test_a_changed_size_of_the_group_adds_and_removes_nodes(cloud: Settings, cluster: Cluster) -> None:
    api = Api(connect(cloud))
    group = cluster.group("bench", 1, labels={"dc/pool": "bench"})
    eventually(lambda: len(nodes_of(api, group)) == 1)
    for size in (2, 1):
        scaling = {"minSize": 0, "maxSize": 2, "desiredSize": size}
        cluster.eks.update_nodegroup_config(clusterName=cluster.name, nodegroupName=group, scalingConfig=scaling)
        eventually(lambda size=size: len(nodes_of(api, group)) == size)


def test_a_killed_agent_comes_back_with_its_nodes_and_pods(cloud: Settings, cluster: Cluster, here: Namespace) -> None:
    api = Api(connect(cloud))
    group = cluster.group("bench", 1, labels={"dc/pool": "bench"})
    name = eventually(lambda: nodes_of(api, group))[0]["metadata"]["name"]
    here.pod("stays", "import time; print('ready'); time.sleep(600)", nodeSelector={"kubernetes.io/hostname": name})
    here.says("stays", "ready")
    running = _containers(cloud, here, "stays")
    assert running
    client = supervisord.Client(cloud)
    pid = client.processes()["node"]["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: client.processes()["node"]["pid"] not in {0, pid})
    assert here.says("stays", "ready").count("ready") == 1
    assert all(one.is_running() for one in running)
    assert here.container("stays")["restartCount"] == 0


def test_pods_run_on_while_the_api_server_is_away(cloud: Settings, node: Node, here: Namespace) -> None:
    here.pod("survivor", """
import time
for number in range(1000):
    print("line", number, flush=True)
    time.sleep(0.05)
    if number == 100:
        raise SystemExit(4)
""")  # fmt: skip
    here.says("survivor", "line 1")
    client = supervisord.Client(cloud)
    pid = client.processes()["apiserver"]["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: client.processes()["apiserver"]["pid"] not in {0, pid})
    status = eventually(lambda: here.status("survivor").get("phase") == "Failed" and here.status("survivor"))
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 4
    assert status["containerStatuses"][0]["restartCount"] == 0
    assert "Traceback" not in node.said()


def test_a_pod_on_the_machines_own_network_reaches_the_api(cloud: Settings, node: Node) -> None:
    """What every pod does where the kernel allows no network of its own."""
    here = new_namespace(cloud, node)
    script = """
import os, socket
address = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
socket.create_connection(address, 5)
print(address[1])
"""
    here.create("pods", {"metadata": {"name": "host"}, "spec": pod_spec(container_of(script), hostNetwork=True)})
    here.until("host", "Succeeded")
    assert here.logs("host").strip() == str(cloud.ports["apiserver"])
    here.api.delete(f"/api/v1/namespaces/{here.name}")


def test_a_node_that_somebody_deleted_comes_back(node: Node, here: Namespace) -> None:
    uid = here.api.get("/api/v1/nodes/process-b")["metadata"]["uid"]
    here.api.delete("/api/v1/nodes/process-b")
    eventually(
        lambda: (here.api.find("/api/v1/nodes/process-b") or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid
    )


def test_the_node_keeps_its_lease(here: Namespace) -> None:
    path = namespaced("leases", "kube-node-lease", "process-a", "apis/coordination.k8s.io/v1")
    lease = eventually(lambda: here.api.get(path))
    assert lease["spec"]["holderIdentity"] == "process-a"


def _containers(settings: Settings, here: Namespace, name: str) -> list[psutil.Process]:
    """First processes of the containers of a pod that the sandbox's own agent runs."""
    return Node(settings, settings.state / "node", 0).containers(here.uid(name))
