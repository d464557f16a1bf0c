"""The nodes as the API shows them."""

from __future__ import annotations

from sandbox.kubernetes.nodegroups import DesiredNode
from sandbox.node.registration import Machine, Player, named, node_object, without_devices

NODE = DesiredNode(
    name="bench-0", cluster="c", group="bench", pool="bench", instance_type="p5.48xlarge", provider_id="aws:///a/i-1",
    architecture="amd64", labels={"dc/pool": "bench"}, taints=({"key": "dc/pool", "effect": "NoSchedule"},),
    capacity={"cpu": "192", "memory": "2048Gi", "pods": "110", "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "32"},
    allocatable={"cpu": "191", "memory": "2000Gi", "pods": "110", "nvidia.com/gpu": "8"}, generation="g",
)  # fmt: skip


def test_a_process_node_has_the_size_of_its_instance_type_but_no_accelerators() -> None:
    found = without_devices(NODE)
    assert found.capacity == {"cpu": "192", "memory": "2048Gi", "pods": "110"}
    assert found.allocatable == {"cpu": "191", "memory": "2000Gi", "pods": "110"}


def test_a_node_shows_who_plays_it_and_on_which_machine() -> None:
    shown = node_object(NODE, Player("me", Machine(2, 24 << 10, 1 << 20), 1234, "no veth here"))
    assert shown["metadata"]["labels"]["sandbox.dc/process-node"] == "me"
    assert shown["metadata"]["annotations"]["sandbox.dc/machine"] == "2 CPUs, 24 GiB memory"
    assert shown["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 1234
    ready = next(one for one in shown["status"]["conditions"] if one["type"] == "Ready")
    assert ready["message"] == "no veth here"


def test_a_node_given_by_name_is_as_large_as_the_machine() -> None:
    found = named("n", Machine(4, 2048, 4096))
    assert found.capacity == {"cpu": "4", "memory": "2048Mi", "pods": "110", "ephemeral-storage": "4096Mi"}
