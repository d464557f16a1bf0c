"""Every topology has its machine, its hosts and its place."""

from __future__ import annotations

import math

import pytest

from catalog import UnknownName, gcp_machines, tpu_slice, tpus
from catalog.tpu_slice import UnknownTopology

EVERY = [
    (generation, part.topology, part.machine.name)
    for generation in tpu_slice.generations()
    for part in tpu_slice.slices(generation)
]


@pytest.mark.parametrize(("generation", "topology", "machine"), EVERY)
def test_the_hosts_of_a_slice_hold_exactly_its_chips(generation: str, topology: str, machine: str) -> None:
    part = tpu_slice.slice_of(generation, topology, machine)
    assert part.machine.name == machine
    assert part.chips == math.prod(int(edge) for edge in topology.split("x"))
    assert part.hosts * tpus[machine].chips == part.chips
    assert part.multi_host == (topology in tpus[machine].multi_host)


def test_the_tables_name_every_generation_and_more_than_forty_slices() -> None:
    assert set(tpu_slice.generations()) == {"v4", "v5e", "v5p", "v6e", "tpu7x"}
    assert len(EVERY) >= 46


def test_without_a_machine_type_a_slice_takes_the_fewest_hosts() -> None:
    assert tpu_slice.slice_of("v6e", "2x4").machine.name == "ct6e-standard-8t"
    assert tpu_slice.slice_of("v6e", "2x4", "ct6e-standard-4t").hosts == 2


@pytest.mark.parametrize(
    ("generation", "topology", "hosts"), [("v5p", "16x16x24", 1536), ("tpu7x", "12x12x12", 432), ("v4", "4x4x12", 48)]
)
def test_whole_cubes_beyond_the_tables_make_up_slices(generation: str, topology: str, hosts: int) -> None:
    assert tpu_slice.slice_of(generation, topology).hosts == hosts


@pytest.mark.parametrize(
    ("generation", "topology"),
    [
        ("v6e", "3x3"),
        ("v6e", "2x2x1"),
        ("v5p", "4x4x2"),
        ("v5p", "8x4x4"),
        ("v5p", "16x16x28"),
        ("v4", "x"),
        ("v4", ""),
    ],
)
def test_what_a_generation_lacks_is_refused_with_what_it_has(generation: str, topology: str) -> None:
    with pytest.raises(UnknownTopology, match=f"is not a topology of {generation} \\("):
        tpu_slice.slice_of(generation, topology)


def test_an_eight_chip_host_makes_up_no_slice_of_several() -> None:
    with pytest.raises(UnknownTopology, match=r"ct6e-standard-8t does not make up 4x4 .*ct6e-standard-4t does"):
        tpu_slice.slice_of("v6e", "4x4", "ct6e-standard-8t")


def test_an_unknown_generation_names_those_there_are() -> None:
    with pytest.raises(UnknownName, match="v4, v5e, v5p, v6e, tpu7x"):
        tpu_slice.machines("v9")


@pytest.mark.parametrize("generation", list(tpu_slice.generations()))
def test_every_generation_stands_somewhere(generation: str) -> None:
    assert tpu_slice.zones(generation)


def test_a_tpu_host_is_a_machine_whose_accelerators_are_its_chips() -> None:
    machine = gcp_machines["ct6e-standard-4t"]
    assert machine.accelerator is not None
    assert (machine.accelerator.vendor, machine.accelerator.count) == ("google", 4)
    assert machine.accelerator.resource_name == "google.com/tpu"


def test_a_machine_with_gpus_has_the_figures_of_its_gpu_and_its_networks() -> None:
    machine = gcp_machines["a3-ultragpu-8g"]
    assert machine.accelerator is not None
    assert machine.accelerator.bf16_tflops == 989
    assert machine.network is not None
    assert (machine.network.fabric, machine.network.gpu_networks, machine.network.extra_networks) == ("rdma", 8, 1)


def test_what_is_not_known_of_a_machine_is_none_and_not_nought() -> None:
    assert gcp_machines["ct4p-hightpu-4t"].vcpus is None
    assert gcp_machines["ct4p-hightpu-4t"].memory_gib is None
