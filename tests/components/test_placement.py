"""What a pod may ask of a pool."""

from __future__ import annotations

import pytest

from catalog import instances
from components.accelerator_pool import AcceleratorPoolSpec, placement
from components.placement import Placement


def pool(kind: str) -> Placement:
    block = {"model": "capacity-block", "reservation-id": "cr-0123456789abcdef0"}
    purchase = block if instances[kind].on_demand is False else {"model": "on-demand"}
    spec = {"instance-type": kind, "zone": "us-east-1a", "nodes": 2, "purchase": purchase}
    return placement("pool", AcceleratorPoolSpec.model_validate(spec))


@pytest.mark.parametrize(
    ("kind", "resource", "devices", "fabric"),
    [
        ("p5.48xlarge", "nvidia.com/gpu", 8, 32),
        ("p5en.48xlarge", "nvidia.com/gpu", 8, 16),
        ("p6-b200.48xlarge", "nvidia.com/gpu", 8, 8),
        ("p6-b300.48xlarge", "nvidia.com/gpu", 8, 16),
        ("trn2.48xlarge", "aws.amazon.com/neuron", 16, 16),
    ],
)
def test_a_whole_node_means_all_devices_and_all_fabric(kind: str, resource: str, devices: int, fabric: int) -> None:
    share = pool(kind).share()
    assert share[resource] == str(devices)
    assert share["vpc.amazonaws.com/efa"] == str(fabric)
    assert share["hugepages-2Mi"] == "5120Mi"


def test_only_one_such_pod_fits_on_a_node_and_it_does_fit() -> None:
    node, share = instances["p5.48xlarge"], pool("p5.48xlarge").share()
    cpu, memory = int(share["cpu"].removesuffix("m")), int(share["memory"].removesuffix("Mi"))
    assert node.vcpus * 500 < cpu < node.vcpus * 1000
    assert node.memory_gib * 512 < memory < node.memory_gib * 1024 - 10256


def test_two_pods_on_a_node_get_half_each() -> None:
    whole, half = pool("p5.48xlarge").share(), pool("p5.48xlarge").share(2)
    for resource in ("nvidia.com/gpu", "vpc.amazonaws.com/efa"):
        assert int(half[resource]) * 2 == int(whole[resource])
    assert half["hugepages-2Mi"] == "2560Mi"


def test_devices_are_never_divided_unevenly() -> None:
    with pytest.raises(ValueError, match=r"8 nvidia.com/gpu cannot be divided among 3 pods"):
        pool("p5.48xlarge").share(3)


def test_grace_nodes_are_not_asked_for_huge_pages() -> None:
    assert "hugepages-2Mi" not in pool("p6e-gb200.36xlarge").share()


def test_a_type_without_fabric_asks_for_none() -> None:
    share = pool("g6e.xlarge").share()
    assert set(share) == {"cpu", "memory", "nvidia.com/gpu"}


def test_pods_tolerate_the_taint_of_their_pool_only() -> None:
    (toleration,) = pool("trn2.48xlarge").tolerations
    assert toleration["key"] == "aws.amazon.com/neuron"
    assert Placement("general", instances["m7i.xlarge"], 1).tolerations == []
