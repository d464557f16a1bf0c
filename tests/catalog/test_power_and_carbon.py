"""Power with its basis, carbon with its method and year."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import carbon, instances, power
from catalog.table import rows

TYPES = sorted({*instances, *(row.text("instance_type") for row in rows("instance_power"))})
REGIONS = [(row.text("provider"), row.text("region")) for row in rows("region_carbon")]


@pytest.mark.parametrize(("name", "watts"), [("p5.48xlarge", 10200), ("p5en.48xlarge", 10200), ("p4d.24xlarge", 6500),
                                             ("p6-b200.48xlarge", 14300), ("p6-b300.48xlarge", 14500)])  # fmt: skip
def test_the_maximum_of_a_gpu_node_is_that_of_the_vendors_machine_and_says_so(name: str, watts: float) -> None:
    node = power.node(name)
    assert node and node.max_w == watts
    assert node.kind == "proxy"
    assert "DGX" in node.basis and "AWS's own board" in node.basis
    assert node.max_low_w < node.max_w, "the sum of the parts is the lower end of the range"


def test_a_sum_of_parts_is_called_a_lower_bound() -> None:
    node = power.node("g6e.12xlarge")
    assert node and node.kind == "lower-bound" and "lower bound" in node.basis
    assert node.source == "derived (D1)"


def test_a_plain_machine_has_the_sum_of_cpu_and_memory_as_a_lower_bound() -> None:
    node = power.node("m7i.2xlarge")
    assert node and node.kind == "lower-bound" and node.basis.endswith("CPU + memory (lower bound)")
    assert node.max_w == pytest.approx(8 * 4.1605 + 32 * 0.392, abs=0.1)


def test_a_third_partys_tdp_is_named_as_such() -> None:
    node = power.node("trn2.48xlarge")
    assert node and "TDP by a third party" in node.basis


def test_tdp_alone_gives_a_lower_bound_and_no_idle_figure() -> None:
    node = power.node("g7e.48xlarge")
    assert node and (node.idle_w, node.typical_w, node.max_w, node.kind) == (None, None, 4800, "lower-bound")


def test_a_part_of_a_gpu_draws_its_part() -> None:
    node = power.node("g6f.large")
    assert node and node.max_w == 9


@pytest.mark.parametrize("name", ["trn1.32xlarge", "inf2.48xlarge", "c8a.large", "no-such.type"])
def test_unknown_power_stays_unknown(name: str) -> None:
    assert power.node(name) is None


@given(st.sampled_from(TYPES))
def test_every_figure_is_ordered_and_says_what_it_rests_on(name: str) -> None:
    node = power.node(name)
    if node is None:
        return
    assert 0 < node.max_low_w <= node.max_w
    assert node.idle_w is None or node.idle_w <= node.max_low_w
    assert node.typical_w is None or node.idle_w is None or node.idle_w <= node.typical_w <= node.max_w
    assert node.basis and node.source and node.date


def test_accelerators_and_cpus_have_watts_too() -> None:
    assert power.accelerators()["H200"].tdp_w == 700
    assert power.vcpu("aws", "Sapphire Rapids")
    assert power.vcpu("aws", "Abacus") is None


def test_carbon_of_a_region_names_method_and_year() -> None:
    region = carbon.region("aws", "us-east-1")
    assert region and (region.g_per_kwh, region.pue, region.year) == (396.25, 1.15, 2024)
    assert "location-based" in region.method
    assert carbon.region("aws", "moon-1") is None
    assert carbon.region("azure", "eastus") is None


@given(st.sampled_from(REGIONS))
def test_every_region_has_an_efficiency_that_says_what_it_is_of(where: tuple[str, str]) -> None:
    region, pue = carbon.region(*where), carbon.pue(*where)
    assert region and pue and 1 <= pue.value < 2
    assert (pue.scope == "region") is (region.pue is not None)


def test_a_provider_we_know_nothing_of_has_no_efficiency() -> None:
    assert carbon.pue("azure", "eastus") is None
