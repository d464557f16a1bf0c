"""TPU machine types and the tables of measured speed."""

from __future__ import annotations

from math import prod

import pytest

from catalog import benchmarks, tpus
from catalog.table import UnknownName


@pytest.mark.parametrize("name", list(tpus))
def test_nodes_of_a_slice_are_chips_by_chips_per_machine(name: str) -> None:
    machine = tpus[name]
    assert machine.topologies
    for topology, nodes in machine.topologies.items():
        dimensions = [int(length) for length in topology.split("x")]
        assert len(dimensions) == machine.topology_dimensions
        assert prod(dimensions) == nodes * machine.chips
        assert prod(dimensions) <= machine.max_chips_per_slice <= machine.pod_chips


@pytest.mark.parametrize("name", list(tpus))
def test_a_single_host_slice_is_one_node(name: str) -> None:
    machine = tpus[name]
    assert set(machine.single_host.values()) == {1}
    assert all(nodes > 1 for nodes in machine.multi_host.values())


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("ct4p-hightpu-4t", "tpu-v4-podslice"),
        ("ct5lp-hightpu-4t", "tpu-v5-lite-podslice"),
        ("ct5p-hightpu-4t", "tpu-v5p-slice"),
        ("ct6e-standard-4t", "tpu-v6e-slice"),
        ("tpu7x-standard-4t", "tpu7x"),
    ],
)
def test_node_labels_are_those_of_gke(name: str, label: str) -> None:
    assert tpus[name].accelerator_label == label
    assert tpus[name].resource_name == "google.com/tpu"


def test_power_that_google_does_not_publish_is_unknown() -> None:
    assert tpus["ct6e-standard-4t"].power_w_per_chip is None


def test_an_unknown_machine_names_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="near: ct6e-standard-4t"):
        tpus["ct6e-standard-4"]


def test_measured_rates_stay_below_the_peak() -> None:
    for matmul in benchmarks.matmuls():
        low, high = matmul.efficiency
        assert 0 < low <= high <= 1, matmul.accelerator


def test_every_published_run_names_its_source_and_basis() -> None:
    runs = benchmarks.training_runs()
    assert len(runs) == 776
    assert all(run.source and run.basis for run in runs)
    assert all(run.mfu_pct is None or 0 < run.mfu_pct < 100 for run in runs)


def test_collectives_carry_their_source_and_a_message_size_or_none() -> None:
    found = benchmarks.collectives()
    assert all(each.bus_gb_s > 0 and each.source for each in found)
    assert all(each.message_bytes is None or each.message_bytes > 0 for each in found)
    assert all("size unstated" in (each.condition or "") for each in found if each.message_bytes is None)


def test_flop_per_token_lies_between_its_extremes() -> None:
    assert all(each.low <= each.median <= each.high for each in benchmarks.flops_per_token())
