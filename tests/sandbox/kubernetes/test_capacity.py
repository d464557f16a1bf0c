from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import instances
from catalog.instance import Instance
from sandbox.kubernetes.capacity import allocatable, capacity, max_pods, reserved_cpu_millis

SCALE = {"": 1.0, "m": 0.001, "Mi": 1024.0**2, "Gi": 1024.0**3}
EVERY_INSTANCE = st.sampled_from(sorted(instances)).map(lambda name: instances[name])


def number(quantity: str) -> float:
    """A Kubernetes quantity as a number."""
    found = re.fullmatch(r"(\d+)(m|Mi|Gi)?", quantity)
    assert found, quantity
    return int(found[1]) * SCALE[found[2] or ""]


@given(EVERY_INSTANCE, st.floats(20, 30000))
def test_capacity_is_what_the_catalog_says(instance: Instance, disk: float) -> None:
    interfaces = instance.efa.interfaces if instance.efa else 0
    found = capacity(instance, interfaces, disk)
    assert number(found["cpu"]) == instance.vcpus
    assert number(found["memory"]) == pytest.approx(instance.memory_gib * 1024**3, abs=1024**2)
    assert found.get("vpc.amazonaws.com/efa", "0") == str(interfaces)
    accelerators = {name: count for name, count in found.items() if name.endswith(("gpu", "neuron", "gaudi", "qaic"))}
    wanted = instance.accelerator
    assert accelerators == ({wanted.resource_name: str(wanted.count)} if wanted else {})


@given(EVERY_INSTANCE, st.floats(20, 30000))
def test_pods_may_never_request_more_than_there_is(instance: Instance, disk: float) -> None:
    interfaces = instance.efa.interfaces if instance.efa else 0
    whole, free = capacity(instance, interfaces, disk), allocatable(instance, interfaces, disk)
    assert whole.keys() == free.keys()
    assert all(0 <= number(free[name]) <= number(whole[name]) for name in whole)


def test_what_a_p5_offers_is_what_the_eks_image_leaves() -> None:
    found = allocatable(instances["p5.48xlarge"], 32, 100)
    assert found == {
        "cpu": "191450m",
        "memory": f"{2048 * 1024 - 255 - 11 * 250 - 100 - 10256}Mi",
        "ephemeral-storage": "89Gi",
        "pods": "250",
        "nvidia.com/gpu": "8",
        "vpc.amazonaws.com/efa": "32",
        "hugepages-2Mi": "10256Mi",
    }


def test_without_an_efa_interface_no_huge_pages_are_set_aside() -> None:
    found = capacity(instances["p5.48xlarge"], 0, 100)
    assert not {"vpc.amazonaws.com/efa", "hugepages-2Mi"} & found.keys()


@pytest.mark.parametrize(("vcpus", "millis"), [(1, 60), (2, 70), (3, 75), (4, 80), (8, 90), (192, 550)])
def test_reserved_cpu_follows_the_steps_of_the_eks_image(vcpus: int, millis: float) -> None:
    assert reserved_cpu_millis(vcpus) == millis


@pytest.mark.parametrize(("vcpus", "pods"), [(2, 110), (29, 110), (30, 250), (192, 250)])
def test_large_machines_run_more_pods(vcpus: int, pods: int) -> None:
    assert max_pods(vcpus) == pods
